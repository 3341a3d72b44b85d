"""The table of what condensed rows are worth: differences and averages, counted by hand."""

import runpy
from collections import defaultdict
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "quality.py"
# Accuracies by seed. The written method has two sets: seeds 0 and 2 share the first.
ACCURACIES = {
    ("probe", "random"): [0.5, 0.6, 0.7],
    ("probe", "k_center"): [0.6, 0.7, 0.8],
    ("probe", "krr_rewrite"): [0.8, 0.7, 0.9],
    ("probe", "herding"): [0.6, 0.7, 0.8],
    ("rnn", "random"): [0.7],
    ("rnn", "k_center"): [0.5, 0.6, 0.6],
    ("rnn", "krr_rewrite"): [0.6, 0.6, 0.4],
}
METHODS = ["random", "k_center", "herding", "krr_rewrite"]


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    return runpy.run_path(str(SCRIPT))


@pytest.fixture
def groups():
    found = defaultdict(list)
    for (learner, method), values in ACCURACIES.items():
        for seed, accuracy in enumerate(values):
            cell = {"seed": seed, "accuracy": accuracy}
            found[learner, "sst2", 10, method].append(cell | ({"set": seed % 2} if method == "krr_rewrite" else {}))
    return found


def test_a_written_set_counts_once_however_often_it_was_trained_on(script, groups):
    ours, theirs = script["paired"](
        groups["probe", "sst2", 10, "krr_rewrite"], groups["probe", "sst2", 10, "k_center"]
    )

    assert ours == pytest.approx([85, 70])  # seeds 0 and 2 together, then 1
    assert theirs == pytest.approx([70, 70])


def test_averages_are_over_learners_and_the_least_is_that_of_the_worst_learner(script, groups):
    [row] = [line for line in script["averages"](groups, METHODS) if line.startswith("| sst2")]
    random, k_center, herding, written = (entry.strip() for entry in row.strip("|").split("|")[2:])

    # random - k_center: probe 60 - 70, rnn 70 - 50 (the one seed that both have).
    assert random == "+5.0 (2)"
    # k_center - random: probe +10, rnn -20.
    assert k_center == "<br>at least -20.0 to random"
    assert herding == "+0.0 (1)<br>at least +10.0 to random"
    # krr_rewrite - k_center: probe 77.5 - 70, rnn (50 + 60) / 2 - (55 + 60) / 2;
    # krr_rewrite - random on the one seed that the rnn has there: 60 - 70.
    assert written == "+2.5 (2)<br>at least -10.0 to random"


def test_settings_of_single_methods_are_told_once_for_a_set(script, groups):
    cells = groups["probe", "sst2", 10, "herding"]
    for cell in cells:
        cell.update(settings={"training_steps": 200}, condensing_seconds=1234.5)

    *_, row, end = script["own_settings"](groups)

    assert row == '| sst2 | 10 | herding | {"training_steps": 200} | 1,234 |'
    assert end == ""
    assert len(script["own_settings"](groups)) == 6
