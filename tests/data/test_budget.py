import pytest
from hypothesis import given
from hypothesis import strategies as st

from condensers.data import Budget
from condensers.errors import BudgetError


@pytest.mark.parametrize("given_", [{}, {"per_class": 1, "total": 2}, {"total": 2, "fraction": 0.5}])
def test_exactly_one_size_is_given(given_):
    with pytest.raises(BudgetError, match="exactly one"):
        Budget(**given_)


@pytest.mark.parametrize(
    "given_", [{"per_class": 0}, {"total": -1}, {"per_class": 2.5}, {"fraction": 0}, {"fraction": 2}]
)
def test_sizes_out_of_range(given_):
    with pytest.raises(BudgetError, match=str(next(iter(given_.values())))):
        Budget(**given_)


def test_per_class_is_exact_or_refused():
    assert Budget(per_class=2).allocate({"a": 5, "b": 2}) == {"a": 2, "b": 2}
    with pytest.raises(BudgetError, match=r"at most 2, the size of class 'b'; got 3.*allow_fewer"):
        Budget(per_class=3).allocate({"a": 5, "b": 2})
    assert Budget(per_class=3).allocate({"a": 5, "b": 2}, allow_fewer=True) == {"a": 3, "b": 2}


def test_total_by_hand():
    # One each, then 7 of 97 spare rows shared 79 : 14 : 4 -> quotas 5.70, 1.01, 0.29 -> 6, 1, 0.
    assert Budget(total=10).allocate({"a": 80, "b": 15, "c": 5}) == {"a": 7, "b": 2, "c": 1}


def test_total_that_cannot_be_met():
    with pytest.raises(BudgetError, match="at most 5"):
        Budget(total=6).allocate({"a": 3, "b": 2})
    with pytest.raises(BudgetError, match="one row of each of 3 classes"):
        Budget(total=2).allocate({"a": 3, "b": 2, "c": 2})


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 1000), min_size=1, max_size=12), st.floats(0.01, 1.0))
def test_shares_are_exact_and_within_the_class_sizes(sizes, fraction):
    total = max(len(sizes), round(fraction * sum(sizes.values())))
    shares = Budget(total=total).allocate(sizes)
    assert sum(shares.values()) == total
    assert list(shares) == list(sizes)
    assert all(1 <= shares[name] <= size for name, size in sizes.items())


def test_rows_that_are_written_may_outnumber_the_source():
    assert Budget(per_class=9).allocate({"a": 5, "b": 2}, unbounded=True) == {"a": 9, "b": 9}
    # One each, then 18 of 4 : 1 spare rows -> quotas 14.4, 3.6 -> 14, 4.
    assert Budget(total=20).allocate({"a": 5, "b": 2}, unbounded=True) == {"a": 15, "b": 5}
    assert Budget(total=7).allocate({"a": 1, "b": 1}, unbounded=True) == {"a": 4, "b": 3}


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 50), min_size=1, max_size=12), st.integers(12, 5000))
def test_shares_of_written_rows_are_exact(sizes, total):
    shares = Budget(total=total).allocate(sizes, unbounded=True)
    assert sum(shares.values()) == total and list(shares) == list(sizes) and min(shares.values()) >= 1
