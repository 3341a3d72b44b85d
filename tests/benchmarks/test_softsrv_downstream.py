"""The benchmark of written rows runs from end to end, with a language model of a few thousand weights."""

import json
import runpy
import sys
from pathlib import Path

import pytest
from datasets import Dataset
from tiny_inverters import word_rows
from tiny_language_models import tiny_lm, tiny_lm_tokenizer

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "softsrv_downstream.py"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    model = tiny_lm(vocab_size=None)
    model.config.max_position_embeddings = 512
    model.save_pretrained(tmp_path / "lm")
    tiny_lm_tokenizer().save_pretrained(tmp_path / "lm")
    (tmp_path / "results").mkdir()

    def call(rows, *options):
        for name in ("train", "test"):
            Dataset.from_list(rows).to_parquet(tmp_path / "source" / f"{name}.parquet")
        arguments = ["source", "--model", "lm", "--steps", 1, "--results", "results", "--test-rows", 3, *options]
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [SCRIPT.name, *map(str, arguments)])
        script = runpy.run_path(str(SCRIPT))
        script["main"].__globals__["MAX_NEW_TOKENS"] = 4
        script["main"]()
        lines = (tmp_path / "results" / "softsrv_downstream.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines], (tmp_path / "results" / "softsrv_downstream.md").read_text()

    (tmp_path / "source").mkdir()
    return call


@pytest.mark.slow
def test_each_set_is_a_cell_and_none_is_measured_twice(run, tmp_path):
    texts = word_rows(8)["text"][:]
    rows = [{"question": text, "answer": f"{text}\n#### {i}"} for i, text in enumerate(texts)]
    folder = tmp_path / "written"
    folder.mkdir()
    Dataset.from_dict({"prompt": ["apple\n"] * 4, "completion": ["pear"] * 4}).to_parquet(folder / "train.parquet")
    options = ("--task", "gsm8k", "--synthetic", f"softsrv={folder}")
    cells, table = run(rows, *options)
    assert [(cell["rows"], cell["n_rows"]) for cell in cells] == [("untrained", 0), ("real", 8), ("softsrv", 4)]
    assert "| gsm8k | lm | softsrv (4) | 1 x 1e-05 | 3 | exact match | 0.0 % (0.0) |" in table
    again, _ = run(rows, *options)
    assert again == cells


@pytest.mark.slow
def test_programs_are_executed(run):
    rows = [{"prompt": f"fig {i}", "code": "x = 1", "tests": ["assert True"], "test_setup_code": ""} for i in range(4)]
    cells, _ = run(rows, "--task", "mbpp")
    # What a model without training says is no Python, or is: words side by side are not, one word alone is no name.
    assert [cell["rows"] for cell in cells] == ["untrained", "real"] and all(cell["right"] == 0 for cell in cells)
