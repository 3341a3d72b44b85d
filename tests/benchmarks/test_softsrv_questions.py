"""The benchmark of written questions runs from end to end, with a language model of a few thousand weights."""

import json
import runpy
import sys
from pathlib import Path

import pytest
from tiny_inverters import word_rows
from tiny_language_models import tiny_lm, tiny_lm_tokenizer
from word_embedder import WordEmbedder

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "softsrv_questions.py"


@pytest.mark.slow
def test_each_method_is_a_cell_and_none_is_measured_twice(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    monkeypatch.chdir(tmp_path)
    model = tiny_lm(vocab_size=None)
    model.save_pretrained("lm")
    tiny_lm_tokenizer().save_pretrained("lm")
    for seed, name in enumerate(("train", "test")):
        word_rows(24, seed=seed).rename_column("text", "prompt").to_parquet(tmp_path / "mbpp" / f"{name}.parquet")
    options = {
        "data": ".",
        "datasets": "mbpp",
        "methods": "real,static,mlp",
        "generator": "lm",
        "total": 8,
        "written": 40,
        "steps": 2,
        "tuning-steps": 1,
        "virtual-tokens": 2,
        "held-out": 4,
        "max-length": 30,
        "learning-rates": "1e-3,1e-2",
    }
    monkeypatch.setattr(sys, "argv", [SCRIPT.name, *(str(x) for k, v in options.items() for x in (f"--{k}", v))])
    script = runpy.run_path(str(SCRIPT))
    spaces = script["main"].__globals__
    cells, rates = (type(spaces[name])(tmp_path / f"{name}.jsonl", spaces[name].key) for name in ("CELLS", "RATES"))
    spaces |= {"CELLS": cells, "RATES": rates, "load_embedder": lambda name: WordEmbedder()}
    script["main"]()
    written = cells.path.read_text()
    found = {cell["method"]: cell for cell in map(json.loads, written.splitlines())}
    assert list(found) == ["real", "static", "mlp"]
    assert found["real"]["scores"]["near_copies"]["value"] == 1.0
    low, high = found["real"]["null"]["mauve"]
    assert 0 < low <= high <= 1 and found["static"]["weights"] == 2 * model.config.hidden_size
    assert found["mlp"]["learning_rate"] in (1e-3, 1e-2) and len(found["mlp"]["curve"]) == 2
    assert found["static"]["held_out"] == pytest.approx(found["static"]["others_vectors"])
    assert found["mlp"]["held_out"] != found["mlp"]["others_vectors"]
    assert len(rates.all()) == 4
    script["main"]()
    assert cells.path.read_text() == written
    table = cells.path.with_suffix(".md").read_text()
    assert "| mlp | lm, t = 2 |" in table and "a token with no prompt at all" in table
