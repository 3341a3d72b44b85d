"""``condensers update`` on a folder that ``condensers condense`` wrote."""

import json

import pytest
from conftest import make_rows
from datasets import load_dataset

pytestmark = pytest.mark.models


@pytest.fixture
def few(run, tmp_path):
    make_rows().to_parquet(tmp_path / "rows.parquet")
    make_rows(per_class=4, seed=1).to_parquet(tmp_path / "new.parquet")
    run(
        *("condense", "rows.parquet", "--method", "herding", "--per-class", 2, "--embedder", "offline"),
        *("--no-report", "--output", "few"),
    )
    return tmp_path / "few"


def test_a_folder_is_brought_up_to_date_beside_itself(run, few, tmp_path):
    before = load_dataset(str(few), split="train")["text"][:]
    found = json.loads(run("update", few, "new.parquet", "--output", "newer", "--json").out)
    after = load_dataset(str(tmp_path / "newer"), split="train")["text"][:]
    assert (found["n_new"], found["n_embedded"], found["n_kept"]) == (12, 12, sum(map(str.__eq__, before, after)))
    assert load_dataset(str(few), split="train")["text"][:] == before
    assert "condensers update" in (tmp_path / "newer" / "README.md").read_text(encoding="utf-8")
    shown = run("update", few, "new.parquet", "--output", "newest")
    assert f"herding: {found['n_kept']} rows stay" in shown.out and "0 texts embedded" in shown.err  # from the cache


def test_mistakes_are_told_in_a_sentence(run, few, tmp_path):
    assert "is not empty" in run("update", few, "new.parquet", "--output", few, code=2).err
    make_rows(seed=5).to_parquet(tmp_path / "other.parquet")
    refused = run("update", few, "new.parquet", "--source", "other.parquet", "--output", "newer", code=2)
    assert "gives other rows than those in the folder" in refused.err
    assert not (tmp_path / "newer").exists()
