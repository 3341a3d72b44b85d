"""PInR's benchmark runs from end to end, with a server of scripted replies as the language model."""

import json
import runpy
import sys
from pathlib import Path

import datasets
import pytest
from conftest import make_rows
from methods.scripted import word
from word_embedder import WordEmbedder

from condensers.llm.testing import FakeServer

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "pinr.py"


def reply(request):
    """A text of the first one that is shown and a word of its own, which no other request gets."""
    messages = request.body["messages"]
    shown = messages[-1]["content"].split("<text>")[1].split("</text>")[0].split()
    return " ".join([*shown[:-1], word(messages, request.body["seed"])])


@pytest.mark.slow
def test_rounds_are_counted_in_full_and_no_cell_is_measured_twice(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    for seed, name in enumerate(("train", "test")):
        make_rows(12, seed=seed).to_parquet(tmp_path / "rows" / f"{name}.parquet")
    with FakeServer(reply) as server:
        options = {
            "data": ".",
            "datasets": "rows",
            "methods": "random,pinr-0,pinr-1,pinr",
            "per-class": 2,
            "llm": f"fake@{server.base_url}",
        }
        monkeypatch.setattr(sys, "argv", [SCRIPT.name, *(str(x) for k, v in options.items() for x in (f"--{k}", v))])
        script = runpy.run_path(str(SCRIPT))
        spaces = script["main"].__globals__
        cells = type(spaces["CELLS"])(tmp_path / "pinr.jsonl", spaces["KEY"])
        spaces |= {"CELLS": cells, "RESULTS": tmp_path, "load_embedder": lambda name: WordEmbedder()}
        script["main"]()
        n_asked, written = server.n_requests, cells.path.read_text()
        script["main"]()
        assert server.n_requests == n_asked and cells.path.read_text() == written
    found = {cell["method"]: cell for cell in map(json.loads, written.splitlines())}
    assert list(found) == ["random", "pinr-0", "pinr-1", "pinr"] and found["random"]["requests"] == 0
    rounds = [found[name] for name in ("pinr-0", "pinr-1", "pinr")]
    # A run with more rounds finds the replies of one with fewer in the cache, and its cost holds theirs.
    assert [cell["cached"] for cell in rounds] == [0, rounds[0]["requests"], rounds[1]["requests"]]
    assert n_asked == rounds[-1]["requests"] > rounds[1]["requests"] > rounds[0]["requests"]
    assert rounds[-1]["input_tokens"] > rounds[1]["input_tokens"] > rounds[0]["input_tokens"] > 0
    assert [len(cell["cosine"]) for cell in rounds] == [1, 2, 3]
    table = (tmp_path / "pinr.md").read_text()
    main, costs = table.split("Performance against cost (RQ3)")
    assert "| pinr-0 | fake@" in main and "| pinr-1 |" not in main
    assert [line.split(" | ")[1] for line in costs.splitlines() if "| pinr" in line] == ["pinr-0", "pinr-1", "pinr"]
