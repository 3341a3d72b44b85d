"""A user's mistake ends with one plain sentence and exit code 2, and leaves nothing behind."""

import re
import sys

import pytest
from conftest import make_rows
from datasets import Dataset

from condensers.cli import main


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["condensers", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        output = capsys.readouterr()
        return stop.value.code, output.out, output.err

    return call


def write(path, **columns):
    Dataset.from_dict(columns).to_parquet(path)
    return path


TEXT, LABEL = ["a b", "c d", "e f", "g h"], [0, 0, 0, 1]
MISTAKES = {
    "missing column": (
        {"text": TEXT, "label": LABEL},
        ["--text", "body"],
        "no column 'body'; its columns are text, l",
    ),
    "empty dataset": ({"text": [], "label": []}, [], "is empty; condensing needs"),
    "small class": ({"text": TEXT, "label": LABEL}, [], "at most 1, the size of class '1'; got 2"),
    "missing text": ({"text": ["a", None, "c", " "], "label": LABEL}, [], "2 of 4 rows have an empty or missing text"),
    "one class": ({"text": TEXT, "label": [1, 1, 1, 1]}, [], "one class only"),
    "float label": ({"text": TEXT, "label": [0.1, 0.2, 0.3, 0.4]}, [], "must hold classes .* not (float64|double)"),
    "unknown method": ({"text": TEXT, "label": LABEL}, ["--method", "kcenter"], "no method 'kcenter'; choose one of"),
    "unknown split": ({"text": TEXT, "label": LABEL}, ["--split", "dev"], "no split 'dev'; its splits are train"),
    "two budgets": ({"text": TEXT, "label": LABEL}, ["--total", "3"], "got per_class=2, total=3"),
    "unknown embedder": ({"text": TEXT, "label": LABEL}, ["--embedder", "./no", "--allow-fewer"], "no model folder"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_condense_says_what_is_wrong(run, tmp_path, name):
    columns, options, message = MISTAKES[name]
    path = write(tmp_path / "rows.parquet", **columns)
    code, out, err = run("condense", path, "--per-class", 2, "--output", "out", *options)
    assert code == 2
    assert out == ""
    last = err.strip().splitlines()[-1]
    assert last.startswith("condensers: ")
    assert re.search(message, last)
    assert "Traceback" not in err
    assert [p.name for p in tmp_path.iterdir()] == ["rows.parquet"]


def test_a_path_that_does_not_exist(run):
    code, _, err = run("condense", "nowhere.csv", "--per-class", 1, "--output", "out")
    assert (code, err) == (2, "condensers: there is no dataset at 'nowhere.csv'; the path does not exist.\n")


def test_an_output_folder_that_is_not_empty(run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious.txt").write_text("keep")
    code, _, err = run("condense", "nowhere.csv", "--per-class", 1, "--output", "out")
    assert code == 2
    assert "'out' is not empty; choose another, or pass `overwrite=True` (`--overwrite`)" in err
    assert (tmp_path / "out" / "precious.txt").read_text() == "keep"


def test_compare_and_evaluate(run, tmp_path):
    path = write(tmp_path / "rows.parquet", text=TEXT, label=LABEL)
    code, _, err = run("evaluate", tmp_path, "--against", path)
    assert code == 2
    assert "holds no condensed dataset" in err
    code, _, err = run("compare", path, "--methods", "random,random", "--per-class", 1)
    assert code == 2
    assert "`--methods` must be different names" in err
    for budgets in ("5,5", "5,", "0", "ten", "-1", "2.5"):
        code, _, err = run("compare", path, f"--per-class={budgets}")
        assert code == 2
        assert "`--per-class` must be a whole number of at least 1, or different ones" in err and budgets in err


def test_an_unknown_option_is_named(run):
    code, _, err = run("condense", "x", "--per-klass", 1)
    assert code == 2
    assert "--per-klass" in err


@pytest.mark.models
def test_compare_without_a_test_split(run, tmp_path):
    make_rows().to_parquet(tmp_path / "rows.parquet")
    code, _, err = run("compare", tmp_path / "rows.parquet", "--per-class", 1, "--embedder", "offline")
    assert code == 2
    assert "has no test or validation split; its splits are train" in err
