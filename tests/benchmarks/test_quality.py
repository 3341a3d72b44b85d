"""Table and chart of what condensed rows are worth: differences and averages, counted by hand."""

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
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


@pytest.fixture
def page(monkeypatch):
    pytest.importorskip("matplotlib", reason="the chart needs the extra `plots`")
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("quality_table")


@pytest.fixture
def groups(page):
    cells = []
    for (learner, method), values in ACCURACIES.items():
        for seed, accuracy in enumerate(values):
            cell = {"learner": learner, "dataset": "sst2", "per_class": 10, "method": method}
            written = {"set": seed % 2, "requests": 7} if method == "krr_rewrite" else {}
            cells.append(cell | {"seed": seed, "accuracy": accuracy} | written)
    return page.grouped(cells)


def test_a_written_set_counts_once_however_often_it_was_trained_on(page, groups):
    ours, theirs = page.paired(groups["probe", "sst2", 10, "krr_rewrite"], groups["probe", "sst2", 10, "k_center"])

    assert ours == pytest.approx([85, 70])  # seeds 0 and 2 together, then 1
    assert theirs == pytest.approx([70, 70])


def test_averages_are_over_learners_and_the_least_is_that_of_the_worst_learner(page, groups):
    assert page.averages(groups) == [
        "| sst2 | 10 |",
        "|---|---|",
        # random - k_center: probe 60 - 70, rnn 70 - 50 (the one seed that both have).
        "| random | +5.0 (2) |",
        "| herding | +0.0 (1)<br>at least +10.0 to random |",
        # k_center - random: probe +10, rnn -20.
        "| k_center | at least -20.0 to random |",
        # krr_rewrite - k_center: probe 77.5 - 70, rnn (50 + 60) / 2 - (55 + 60) / 2;
        # krr_rewrite - random on the one seed that the rnn has there: 60 - 70.
        "| krr_rewrite | +2.5 (2)<br>at least -10.0 to random |",
        "",
    ]


def test_a_table_has_a_line_for_each_method_and_a_column_for_each_size(page):
    assert page.crossed("sst2", {(20, "dilm"): "a", (5, "zz"): "b", (5, "random"): "c"}) == [
        "| sst2 | 5 | 20 |",
        "|---|---|---|",
        "| random | c |  |",
        "| dilm |  | a |",
        "| zz | b |  |",
        "",
    ]


def test_the_chart_shows_the_differences_to_random_rows(page, groups):
    [panel] = page.chart(groups).axes

    names = [label.get_text() for label in panel.get_yticklabels()]
    assert names == ["k_center", "krr_rewrite", "herding"]  # the best is on top
    # k_center: probe +10, rnn -20 (beyond the edge); krr_rewrite: probe 77.5 - 60, rnn -10; herding: probe +10.
    marks = sorted((line.get_ydata()[0], line.get_xdata()[0]) for line in panel.lines[1:])
    assert marks == [(0, pytest.approx(10)), (1, pytest.approx(-10)), (1, pytest.approx(17.5)), (2, pytest.approx(10))]
    assert [bar.get_width() for bar in panel.patches] == pytest.approx([-5, 3.75, 10])


def test_the_same_cells_give_the_same_chart(page, groups, tmp_path):
    page.save_chart(groups, tmp_path / "one.svg")
    page.save_chart(groups, tmp_path / "two.svg")

    text = (tmp_path / "one.svg").read_text(encoding="utf-8")
    assert text == (tmp_path / "two.svg").read_text(encoding="utf-8")
    assert ">herding<" in text  # words stay words


def test_the_committed_table_and_chart_are_those_of_the_committed_cells(page, tmp_path, monkeypatch):
    from cells import Cells

    results = BENCHMARKS / "results"
    key = ("learner", "dataset", "per_class", "method", "seed")
    groups = page.grouped(Cells(results / "quality.jsonl", key).by_key().values())
    monkeypatch.setattr("platform.machine", lambda: "x86_64")

    assert page.table(groups) == (results / "quality.md").read_text(encoding="utf-8")
    drawn = (results / "quality.svg").read_text(encoding="utf-8")
    shown = {method for _, _, size, method in groups if size == page.SHOWN} - {"random"}
    assert all(f">{method}<" in drawn for method in shown)


def test_settings_of_single_methods_are_told_once_for_a_set(page, groups):
    cells = groups["probe", "sst2", 10, "herding"]
    for cell in cells:
        cell.update(settings={"training_steps": 200}, condensing_seconds=1234.5)

    *_, row, end = page.own_settings(groups)

    assert row == '| sst2 | 10 | herding | {"training_steps": 200} | 1,234 |'
    assert end == ""
    assert len(page.own_settings(groups)) == 6
