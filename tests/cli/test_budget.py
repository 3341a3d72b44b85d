"""``condensers budget``, and ``--per-class auto``."""

import json

import pytest
from conftest import make_rows

pytestmark = pytest.mark.models


@pytest.fixture
def source(tmp_path):
    make_rows().to_parquet(tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


def test_a_table_a_chart_and_json(run, source, tmp_path):
    options = ("budget", source, "--per-class", "1,2,4", "--seeds", 2, "--embedder", "offline")
    found = json.loads(run(*options, "--json", "--output", "out").out)
    assert [p["per_class"] for p in found["points"]] == [1, 2, 4] and found["chosen"] in (1, 2, 4)
    assert json.loads((tmp_path / "out" / "budget.json").read_text())["points"] == found["points"]
    assert len((tmp_path / "out" / "budget.md").read_text().splitlines()) == 5
    assert "Accuracy by budget" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    shown = run(*options)
    assert f"{found['chosen']} *" in shown.out and found["reason"] in shown.err


def test_auto_says_what_it_chose(run, source):
    shown = run("condense", source, "--per-class", "auto", "--embedder", "offline", "--no-report", "--output", "few")
    assert "The size was chosen: " in shown.err
    refused = run("condense", source, "--per-class", "many", "--embedder", "offline", "--output", "new", code=2)
    assert "`--per-class` must be a whole number of at least 1, or auto; got 'many'" in refused.err


def test_too_few_rows_for_a_curve(run, source):
    refused = run("budget", source, "--per-class", "5,10,20", "--embedder", "offline", code=2)
    assert "three sizes at least, of 1 to 10 rows a class" in refused.err
