"""Commands under a launcher: all processes work, the first one writes and speaks."""

import json

import pytest
from conftest import make_rows
from datasets import load_dataset
from warm_processes import run_on_two
from word_embedder import WordEmbedder

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
