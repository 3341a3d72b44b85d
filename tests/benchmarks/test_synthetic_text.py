"""The loop closed: rows are written through a server, thrown away or kept, and trained on."""

import json
import runpy
import sys
from pathlib import Path

import pytest
from datasets import Dataset

from condensers.llm.testing import FakeServer

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "synthetic_text.py"
LABELS = ("irony", "non_irony")


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data" / "tweet_irony"
    folder.mkdir(parents=True)
    for split, n_rows in (("train", 60), ("validation", 220), ("test", 40)):
        rows = [
            {"text": f"{split} {('great' if i % 2 else 'plain')} {i}", "label": i % 2, "label_text": LABELS[i % 2]}
            for i in range(n_rows)
        ]
        Dataset.from_list(rows).to_parquet(folder / f"{split}.parquet")

    def call(*arguments):
        given = [SCRIPT.name, *arguments, "--data", "data", "--datasets", "tweet_irony", "--work", "work"]
        monkeypatch.setattr(sys, "argv", given)
        found = runpy.run_path(str(SCRIPT))
        here = found["main"].__globals__
        here["CELLS"] = here["Cells"](tmp_path / "cells.jsonl", here["KEY"])
        here["TABLES"] = {name: tmp_path / f"{name}.md" for name in here["TABLES"]}
        found["main"]()

    return call


@pytest.mark.models
def test_rows_are_written_and_trained_on(script, tmp_path):
    def reply(request):
        n = len(server.requests)
        if n % 5 == 0:
            return ""
        shown = request.text.split("<text>")[1].split("</text>")[0].strip()
        return shown if n % 7 == 0 else f"1. tweet number {n}"

    with FakeServer(reply) as server:
        llm = f"fake@{server.base_url}"
        script("write", "--n-rows", "40", "--llm", llm, "--batch-size", "8")
        asked = server.n_requests
        script("write", "--n-rows", "40", "--llm", llm)
    assert server.n_requests == asked
    document = json.loads((tmp_path / "work" / "tweet_irony.json").read_text())
    texts = [row["text"] for row in document["rows"]]
    assert len(set(texts)) == 40
    assert all(text.startswith("tweet number ") for text in texts)
    assert document["thrown"]["empty"] > 0 and document["thrown"]["repeated or copied"] > 0
    chats = [str(request.body["messages"]) for request in server.requests]
    assert {("not ironic" in chat) for chat in chats} == {True, False}
    assert all("test " not in chat for chat in chats)

    options = ["--encoder", "frozen", "--seeds", "1", "--epochs", "1", "--learning-rates", "1e-3"]
    script("train", "--methods", "probe,ce,real", *options)
    cells = [json.loads(line) for line in (tmp_path / "cells.jsonl").read_text().splitlines()]
    assert {cell["method"]: cell["n_train"] for cell in cells} == {"probe": 200, "ce": 40, "real": 60}
    assert {cell["n_test"] for cell in cells} == {40}
    table = (tmp_path / "frozen.md").read_text()
    assert "| tweet_irony | real | 60 |" in table and "| irony |" in table
    script("train", "--methods", "probe,ce,real", *options)
    assert len((tmp_path / "cells.jsonl").read_text().splitlines()) == 3
