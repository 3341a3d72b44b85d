"""``condensers why`` on a folder that ``condensers condense`` wrote."""

import json

import pytest
from conftest import make_rows

pytestmark = pytest.mark.models


@pytest.fixture
def few(run, tmp_path):
    make_rows().to_parquet(tmp_path / "rows.parquet")
    run("condense", "rows.parquet", "--per-class", 2, "--embedder", "offline", "--no-report", "--output", "few")
    return tmp_path / "few"


def test_rows_are_asked_after_from_either_side(run, few):
    found = json.loads(run("why", few, 17, "--json").out)
    owner = found["condensed"][0]["row"]
    assert (found["source_row"], found["class_name"]) == (17, "bird")
    behind = json.loads(run("why", few, "--condensed", owner, "--shown", 50, "--json").out)
    assert behind["class_name"] == "bird" and 17 in [row["row"] for row in behind["source"]]
    assert behind["n_source_rows"] == len(behind["source"]) == found["n_stood_for"]
    by_text = json.loads(run("why", few, found["text"].upper(), "--json").out)
    assert by_text == found
    new = json.loads(run("why", few, "some gold and silver", "--shown", 1, "--json").out)
    assert new["source_row"] is None and [row["class_name"] for row in new["condensed"]] == ["metal"]


def test_tables_for_people(run, few):
    asked = run("why", few, 17)
    assert "source row 17, bird: " in asked.out and "source rows; by cosine this is number" in asked.err
    behind = run("why", few, "--condensed", 0)
    assert "condensed row 0, fruit: " in behind.out and "yes" in behind.out
    assert "of 12 source rows of its class" in behind.err and "Its provenance: method k_center" in behind.err


def test_mistakes_are_told_in_a_sentence(run, few):
    for options in ((), (3, "--condensed", 2)):
        assert "name one row" in run("why", few, *options, code=2).err
    assert "there is no condensed row 6; there are 6" in run("why", few, "--condensed", 6, code=2).err
    assert "source row 36 is not among the 36 rows" in run("why", few, 36, code=2).err
    assert "holds no condensed dataset" in run("why", ".", 0, code=2).err
