"""The largest run of each method that a budget pays."""

import pytest
from report.made_up import make_result, make_source, unit_vectors

from condensers.errors import SettingError
from condensers.evaluation import at_equal, spent

# Rows of one token, and one of ten.
SOURCE = make_source(["abcd"] * 9 + ["x" * 40])
VECTORS = unit_vectors(10)


def run(method, kept, *, seconds=1.0, usage=None):
    from dataclasses import replace

    llm = None if usage is None else {"usage": usage}
    return replace(make_result(SOURCE, VECTORS, kept, method=method, llm=llm), seconds=seconds)


def test_what_a_run_spent_by_hand():
    result = run("a", [0, 9], seconds=2.5, usage={"input_tokens": 70, "output_tokens": 5, "cost": 0.25})
    assert [spent(result, name) for name in ("rows", "tokens", "seconds", "llm_tokens", "cost")] == [
        2,
        11,
        2.5,
        75,
        0.25,
    ]
    assert [spent(run("a", [0]), name) for name in ("llm_tokens", "cost")] == [0, 0.0]
    with pytest.raises(SettingError, match="no resource 'joules'; choose one of rows, tokens"):
        spent(result, "joules")


def test_long_rows_are_compared_with_fewer_of_them():
    short = [run("short", range(n)) for n in (2, 4, 8)]
    long = [run("long", [9]), run("long", [9, 0, 1]), run("long", [9, 0, 1, 2, 3, 4])]
    found = at_equal([*short, *long], "tokens", 12)
    assert {method: len(result.rows) for method, result in found.results.items()} == {"short": 8, "long": 3}
    assert list(found.results) == ["short", "long"] and found.amount == 12


def test_without_an_amount_it_is_the_most_that_every_method_can_spend():
    results = [run("short", range(2)), run("short", range(5)), run("long", [9]), run("long", [9, 0])]
    found = at_equal(results, "tokens")
    assert found.amount == 5 and len(found.results["short"].rows) == 5 and found.results["long"] is None


def test_what_costs_nothing_is_affordable_and_the_largest_of_it_is_taken():
    results = [run("keeps", range(n)) for n in (1, 3, 2)]
    assert len(at_equal(results, "cost").results["keeps"].rows) == 3


def test_mistakes():
    with pytest.raises(SettingError, match="at least one run"):
        at_equal([], "tokens")
    with pytest.raises(SettingError, match="a budget of seconds must be above 0; got -1"):
        at_equal([run("a", [0])], "seconds", -1)
