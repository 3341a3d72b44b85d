"""Every selector: an exact ranking on small data, a brute-force twin, and what holds for all of them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from condensers.embedding import VectorRows, vectors
from condensers.errors import BudgetError, SettingError
from condensers.selection import (
    FacilityLocation,
    GreedyKCenter,
    Herding,
    KCenter,
    Moderate,
    RandomRows,
    RoundRobin,
    Selector,
    facility_location,
    nearest_of,
    nearest_rows,
)

ALL = [
    RandomRows(),
    Herding(),
    KCenter(),
    GreedyKCenter(),
    FacilityLocation(),
    Moderate(),
    Moderate("median"),
    RoundRobin(),
]


def unit(n, dim=6, seed=0):
    x = np.random.default_rng(seed).normal(size=(n, dim))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def column(*values):
    return np.array(values, dtype=np.float32)[:, None]


@pytest.mark.parametrize("selector", ALL, ids=lambda s: type(s).__name__)
class TestEverySelector:
    def test_gives_different_rows_and_the_same_again(self, selector):
        x = unit(60)
        for n in (1, 7, 60):
            first = selector.select(x, n)
            assert first.shape == (n,)
            assert first.dtype == np.int64
            assert len(set(first.tolist())) == n
            assert 0 <= first.min() and first.max() < 60
            np.testing.assert_array_equal(first, selector.select(x, n))

    def test_reads_blocks_and_views(self, selector, monkeypatch):
        x = unit(50)
        whole = selector.select(x, 9)
        monkeypatch.setattr(vectors.iter_blocks, "__defaults__", (7,))
        monkeypatch.setattr(facility_location, "_TILE_ROWS", 7)
        np.testing.assert_array_equal(selector.select(VectorRows(x, np.arange(50)), 9), whole)

    def test_identical_rows(self, selector):
        assert sorted(selector.select(np.ones((5, 3), np.float32), 5).tolist()) == [0, 1, 2, 3, 4]

    def test_more_than_there_are(self, selector):
        for n in (0, 4):
            with pytest.raises(BudgetError, match=f"cannot select {n} of 3 rows"):
                selector.select(unit(3), n)

    def test_is_a_selector(self, selector):
        assert isinstance(selector, Selector)


def test_random_is_a_draw_without_bias():
    counts = np.zeros(10)
    for seed in range(3000):
        counts[RandomRows(seed).select(unit(10), 3)] += 1
    assert np.abs(counts / 3000 - 0.3).max() < 0.05


def test_herding_by_hand():
    # Mean 3. First the row nearest 3: 3. Then (3 + x) / 2 nearest 3 among 0, 1, 8: 1 gives 2, 8 gives 5.5.
    # Then (4 + x) / 3 nearest 3 among 0 and 8: 4/3 or 4.
    assert Herding().select(column(0, 1, 3, 8), 4).tolist() == [2, 1, 3, 0]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_herding_takes_the_best_row_at_each_step(seed):
    x = np.random.default_rng(seed).normal(size=(12, 3)).astype(np.float32)
    found = Herding().select(x, 6).tolist()
    for step in range(6):
        means = {i: np.mean(x[[*found[:step], i]], axis=0) for i in range(12) if i not in found[:step]}
        errors = {i: np.linalg.norm(x.mean(axis=0) - mean) for i, mean in means.items()}
        assert errors[found[step]] <= min(errors.values()) + 1e-5


def test_greedy_k_center_by_hand():
    seed = next(s for s in range(99) if np.random.default_rng(s).integers(5) == 1)
    # From 1: farthest is 10; then 5 (4 from 1, 5 from 10); then 2 or 6 at distance 1: the lower index.
    assert GreedyKCenter(seed).select(column(2, 1, 10, 5, 6), 5).tolist() == [1, 2, 3, 0, 4]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_greedy_k_center_is_within_twice_the_best_radius(seed):
    x = np.random.default_rng(seed).normal(size=(9, 2)).astype(np.float32)

    def radius(rows):
        return np.linalg.norm(x[:, None] - x[list(rows)][None], axis=-1).min(1).max()

    best = min(radius(rows) for rows in itertools.combinations(range(9), 3))
    assert radius(GreedyKCenter(seed).select(x, 3)) <= 2 * best + 1e-5


def test_facility_location_by_hand():
    # Three vectors at 0, 10 and 90 degrees. The sum of (1 + cos) / 2 is greatest for the one between the others;
    # then the one at 90 gains most.
    angles = np.radians([0, 10, 90])
    x = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert FacilityLocation().select(x, 3).tolist() == [1, 2, 0]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(5, 40))
def test_lazy_facility_location_is_greedy(seed, n):
    x = unit(n, seed=seed)
    similarity = (1 + x.astype(np.float64) @ x.T) / 2
    found = FacilityLocation().select(x, 5)
    covered = np.zeros(n)
    for step, row in enumerate(found):
        gains = np.maximum(similarity - covered[:, None], 0).sum(axis=0)
        gains[found[:step]] = -1
        assert gains[row] >= gains.max() - 1e-4
        covered = np.maximum(covered, similarity[:, row])


def test_moderate_by_hand():
    # Mean 4: distances 4, 3, 2, 0, 9 with median 3. Off it by 1, 0, 1, 3, 6; the first of the equals leads.
    assert Moderate().select(column(0, 1, 2, 4, 13), 5).tolist() == [1, 0, 2, 3, 4]
    # Median 2: distances 2, 1, 0, 2, 11 with median 2. Off it by 0, 1, 2, 0, 9.
    assert Moderate("median").select(column(0, 1, 2, 4, 13), 5).tolist() == [0, 3, 1, 2, 4]
    with pytest.raises(SettingError, match=r"must be 'mean' or 'median'; got 'mode'"):
        Moderate("mode").select(column(0, 1), 1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 40))
def test_moderate_takes_a_window_of_ranks_around_the_median_distance(seed, n_rows):
    x = np.random.default_rng(seed).normal(size=(n_rows, 4))
    x = x[np.argsort(np.linalg.norm(x - x.mean(axis=0), axis=1))].astype(np.float32)
    found = np.sort(Moderate().select(x, max(1, n_rows // 3)))
    assert (np.diff(found) == 1).all()
    assert found[0] <= n_rows // 2 <= found[-1] + 1


def test_moderate_does_not_depend_on_where_the_origin_is():
    x = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    np.testing.assert_array_equal(Moderate().select(x, 10), Moderate().select(x + np.float32(8), 10))


def test_k_center_takes_the_rows_at_the_centroids():
    x = np.concatenate([column(0, 1, 2), column(100, 101, 102)])
    assert sorted(KCenter().select(x, 2).tolist()) == [1, 4]


def test_nearest_rows_share_out_contested_rows():
    x = column(0, 10, 20)
    # Both points want row 1; the second is nearer, so the first takes what is left nearest to it.
    assert nearest_rows(column(8, 9), x).tolist() == [0, 1]
    assert nearest_rows(column(9, 9, 9), x).tolist() == [1, 0, 2]
    with pytest.raises(BudgetError, match="4 points"):
        nearest_rows(column(1, 2, 3, 4), x)


def test_nearest_of_is_the_first_among_equals():
    assert nearest_of(column(0, 4.9, 5, 9), column(0, 10)).tolist() == [0, 0, 0, 1]


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_nearest_of_against_brute_force(seed):
    rng = np.random.default_rng(seed)
    x, points = rng.normal(size=(30, 3)).astype(np.float32), rng.normal(size=(7, 3)).astype(np.float32)
    distances = np.linalg.norm(x[:, None] - points[None], axis=-1)
    found = nearest_of(x, points)
    np.testing.assert_allclose(distances[np.arange(30), found], distances.min(1), rtol=1e-5)
