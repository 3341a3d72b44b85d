"""Results of school mathematics."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condensers.evaluation.answers import final_number, same_result


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("He has 3 + 4 = <<3+4=7>>7 apples.\n#### 7", "7"),
        ("#### 1,234.50", "1234.5"),
        ("It costs $12.", "12"),
        ("From 5 to -3 degrees", "-3"),
        ("about .5 of it", "0.5"),
        ("#### 70 dollars in 3 weeks", "70"),
        ("so 8, #### ", "8"),
        ("9.0", "9"),
    ],
)
def test_the_number_that_a_solution_ends_with(text, number):
    assert final_number(text) == Decimal(number)


def test_no_number_is_no_match():
    assert final_number("none at all") is None
    assert not same_result("none", "none") and not same_result("7", "none") and not same_result("none", "7")
    assert same_result("So the answer is 7.00!", "#### 7") and not same_result("#### 70", "#### 7")


@given(st.integers(-(10**9), 10**9), st.text(alphabet="abc .\n", max_size=20))
def test_any_number_is_found_behind_its_mark(number, words):
    assert same_result(f"{words} 12 {words}\n#### {number:,}", str(number))
