"""Commands under a launcher: all processes work, the first one writes and speaks."""

import json

import pytest
from conftest import make_rows
from datasets import load_dataset
from methods.scripted import word
from warm_processes import WarmProcess, run_on_two, start_on_two
from word_embedder import WordEmbedder

from condensers.llm.testing import FakeServer, Reply

CODE = """
from condensers.methods import condenser
from condensers.embedding import cache
from word_embedder import WordEmbedder
condenser.load_embedder = lambda *args, **given: WordEmbedder()
cache.SHARD_ROWS = 8
from condensers.cli import main
main()
"""


@pytest.mark.slow
def test_condensed_by_two_processes_the_rows_are_those_of_one(run, tmp_path, monkeypatch):
    monkeypatch.setattr("condensers.methods.condenser.load_embedder", lambda *args, **given: WordEmbedder())
    make_rows(12).to_parquet(tmp_path / "rows.parquet")
    options = ("condense", "rows.parquet", "--per-class", "3", "--json", "--output")
    said, silent = run_on_two(CODE, *options, "two", folder=tmp_path)
    run(*options, "one", "--no-report")
    assert silent == "" and json.loads(said)["n_embedded"] < 36
    one, two = (load_dataset(str(tmp_path / name), split="train").to_dict() for name in ("one", "two"))
    # Sums are taken in another order, and the centroids differ by their rounding.
    assert two.pop("condensed_similarity") == pytest.approx(one.pop("condensed_similarity"), abs=1e-6)
    assert two == one and len(two["text"]) == 9
    assert (tmp_path / "two" / "report.html").is_file()


def rewritten(request):
    """The first text that is shown, with a word that no other reply has; of three replies one is of no use."""
    shown = next(turn["content"] for turn in request.body["messages"] if "<text>" in turn["content"])
    text = shown.split("<text>")[1].split("</text>")[0]
    unique = word(request.text, request.body.get("seed"))
    return text if sum(map(ord, unique)) % 3 == 0 else f"{text} {unique}"


@pytest.mark.slow
@pytest.mark.parametrize("limits", [(), ("--max-requests", 20)])
def test_a_language_model_is_asked_by_the_first_alone(run, tmp_path, monkeypatch, limits):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    make_rows(12).to_parquet(tmp_path / "rows.parquet")
    found, n_requests = {}, {}
    for name in ("two", "one"):
        with FakeServer(rewritten) as server:
            options = ["condense", "rows.parquet", "--method", "pinr", "--per-class", "2", "--json", "--no-report"]
            options += ["--llm", f"fake@{server.base_url}", "--concurrency", "1", *map(str, limits), "--output", name]
            if name == "two":
                said, silent = run_on_two(CODE, *options, folder=tmp_path)
                assert silent == "" and json.loads(said)["class_counts"]
            else:
                environment = {"HF_DATASETS_CACHE": tmp_path / "other"}
                WarmProcess(CODE, *options, folder=tmp_path, environment=environment).finish()
            n_requests[name] = server.n_requests
        found[name] = load_dataset(str(tmp_path / name), split="train").to_dict()
    assert n_requests["two"] == n_requests["one"] > 0 and (not limits or n_requests["one"] == 20)
    for rows in found.values():
        del rows["condensed_similarity"]
    assert found["two"] == found["one"]


@pytest.mark.slow
def test_what_stops_the_one_that_asks_stops_all(tmp_path):
    make_rows(12).to_parquet(tmp_path / "rows.parquet")
    with FakeServer(lambda request: Reply(status=401)) as server:
        options = ["condense", "rows.parquet", "--method", "pinr", "--per-class", "2", "--no-report"]
        options += ["--llm", f"fake@{server.base_url}", "--output", "out"]
        both = start_on_two(CODE, *options, folder=tmp_path)
        assert [process.wait(timeout=120) for process in both] == [2, 2]
    assert all("401" in process.err or "key" in process.err for process in both)
