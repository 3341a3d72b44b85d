"""The learning curve, and the size chosen from it."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from condensers.methods import BudgetCurve, BudgetPoint, PowerLaw

SIZES = (1, 2, 5, 10, 20, 50, 100)


def curve_of(*means, tolerance=0.01, spread=0.0, sizes=SIZES):
    rng = np.random.default_rng(0)
    points = [BudgetPoint(n, tuple(mean + spread * rng.normal(size=5))) for n, mean in zip(sizes, means, strict=False)]
    return BudgetCurve(tuple(points), tolerance, "k_center", "linear_probe", 80, 20)


def law_of(a, b, c):
    return [a - b * n**-c for n in SIZES]


def test_a_doubling_by_hand():
    law = PowerLaw(asymptote=0.9, scale=0.4, exponent=1.0)
    assert law(1) == pytest.approx(0.5) and law(4) == pytest.approx(0.8)
    assert law.gain_of_doubling(4) == pytest.approx(0.05)


def test_the_size_by_hand():
    # Doubling n gains 0.4 / n * (1 - 1/2) = 0.2 / n: at most 0.01 from n = 20 on.
    curve = curve_of(*law_of(0.9, 0.4, 1.0), tolerance=0.0101)
    assert (curve.chosen, curve.settled, curve.chosen_range) == (20, True, (20, 20))
    assert curve.reason == "20 rows a class: twice as many gain 1.0 points, at most 1.01"
    assert curve_of(*law_of(0.9, 0.4, 1.0), tolerance=0.0041).chosen == 50


@given(st.floats(0.3, 1.0), st.floats(0.05, 0.3), st.floats(0.1, 2.0))
def test_a_curve_is_found_again(a, b, c):
    law = PowerLaw.fit(SIZES, law_of(a, b, c))
    assert [law(n) for n in SIZES] == pytest.approx(law_of(a, b, c), abs=2e-3)


@given(st.lists(st.floats(0, 1), min_size=3, max_size=7))
def test_a_fitted_curve_never_falls_nor_passes_one(accuracies):
    law = PowerLaw.fit(SIZES[: len(accuracies)], accuracies)
    values = [law(n) for n in (*SIZES, 10_000)]
    assert values == sorted(values) and values[-1] <= 1 + 1e-9
    gains = [law.gain_of_doubling(n) for n in SIZES]
    assert gains == sorted(gains, reverse=True) and gains[-1] >= -1e-9


@given(st.lists(st.floats(0, 1), min_size=3, max_size=7), st.floats(0.001, 0.2), st.floats(1.0, 3.0))
def test_a_larger_tolerance_never_chooses_more_rows(accuracies, tolerance, factor):
    assert (
        curve_of(*accuracies, tolerance=tolerance * factor).chosen <= curve_of(*accuracies, tolerance=tolerance).chosen
    )


def test_rows_that_teach_nothing_more_are_not_asked_for():
    assert curve_of(*[0.7] * 7).chosen == 1
    assert curve_of(0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3).chosen == 1


def test_where_more_rows_still_pay_the_most_are_chosen_and_it_says_so():
    curve = curve_of(0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    assert (curve.chosen, curve.settled) == (100, False)
    assert curve.reason.startswith("100 rows a class, the most that were tried: twice as many would gain")


def test_draws_that_disagree_give_a_range():
    curve = curve_of(*law_of(0.9, 0.4, 1.0), tolerance=0.0101, spread=0.03)
    low, high = curve.chosen_range
    assert low <= curve.chosen <= high and low < high
    assert f"other draws would choose {low} to {high}" in curve.reason


def test_one_lucky_size_does_not_decide():
    means = law_of(0.9, 0.4, 1.0)
    means[2] += 0.05
    assert curve_of(*means, tolerance=0.0101).chosen in (10, 20)


def test_the_record_is_json():
    found = json.loads(json.dumps(curve_of(*law_of(0.9, 0.4, 1.0), spread=0.01).to_json()))
    assert found["chosen"] in SIZES and [p["per_class"] for p in found["points"]] == list(SIZES)
