"""The Frechet distance: by hand, against scipy's root of a matrix, and at its limits."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from condensers.embedding import vectors
from condensers.errors import RowError
from condensers.metrics import assess
from condensers.metrics.gaussians import GaussianComparison, fit_gaussian, frechet_distance


def rows(n, dim, seed=0, scale=1.0, shift=0.0):
    rng = np.random.default_rng([seed, n, dim])
    mixing = np.random.default_rng(dim).normal(size=(dim, dim))
    return (rng.normal(size=(n, dim)) @ mixing * scale + shift).astype(np.float32)


def fid(predictions, references):
    return GaussianComparison(predictions, references).value()["fid"]


def by_sqrtm(x, y):
    x, y = x.astype(np.float64), y.astype(np.float64)
    one, other = np.cov(x.T), np.cov(y.T)
    root = sqrtm(one @ other).real
    return np.square(x.mean(0) - y.mean(0)).sum() + np.trace(one + other - 2 * root)


def test_hand_computed_cases():
    assert frechet_distance(np.zeros(1), np.eye(1), np.array([3.0]), 4 * np.eye(1)) == pytest.approx(9 + 1)
    # Diagonal covariances commute: squared differences of the standard deviations.
    one, other = np.diag([1.0, 9.0, 0.0]), np.diag([4.0, 1.0, 25.0])
    assert frechet_distance(np.zeros(3), one, np.zeros(3), other) == pytest.approx(1 + 4 + 25)
    # On a line, with means 1 and 4 and variances 2 and 8.
    assert fid(np.array([[0.0], [2.0]]), np.array([[2.0], [6.0]])) == pytest.approx(9 + 2)


@pytest.mark.filterwarnings("ignore:Matrix is singular")
@pytest.mark.parametrize(("n", "m", "dim"), [(60, 300, 8), (9, 8, 8), (6, 200, 30), (2, 200, 30), (200, 6, 30)])
def test_scipy_gives_the_same(n, m, dim):
    x, y = rows(n, dim), rows(m, dim, seed=1, scale=1.3, shift=0.5)
    expected = by_sqrtm(x, y)
    assert fid(x, y) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(x.mean(0), np.cov(x.T), y.mean(0), np.cov(y.T)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("n", "m"), [(5, 7), (7, 5), (40, 9), (9, 40), (40, 50)])
def test_thin_and_whole_covariances_give_the_same(n, m):
    x, y = rows(n, 12), rows(m, 12, seed=1)
    whole = frechet_distance(x.mean(0, np.float64), np.cov(x.T), y.mean(0, np.float64), np.cov(y.T))
    assert fid(x, y) == pytest.approx(whole, rel=1e-6)
    assert fit_gaussian(x).thin is (n <= 12)


@pytest.mark.parametrize(("n", "m"), [(8, 40), (40, 60)])
def test_invariances(n, m):
    x, y = rows(n, 10), rows(m, 10, seed=1, shift=1.0)
    turned = np.linalg.qr(rows(10, 10, seed=2).astype(np.float64))[0]
    assert fid(x @ turned, y @ turned) == pytest.approx(fid(x, y), rel=1e-5)
    assert fid(x + 3, y + 3) == pytest.approx(fid(x, y), rel=1e-5)
    assert fid(y, x) == pytest.approx(fid(x, y), rel=1e-7)
    assert fid(2 * x, 2 * y) == pytest.approx(4 * fid(x, y), rel=1e-6)
    assert fid(x[::-1], y) == pytest.approx(fid(x, y), rel=1e-7)


@pytest.mark.parametrize("n", [6, 60])
def test_identical_sets_and_pure_shifts(n):
    x = rows(n, 10)
    total = np.cov(x.T).trace()
    assert fid(x, x) == pytest.approx(0.0, abs=1e-6 * total)
    assert fid(x, x + np.float32(2.0)) == pytest.approx(40.0, rel=1e-5)


def test_sets_without_variance():
    y = rows(50, 6)
    apart = np.square(y[0].astype(np.float64) - y.mean(0, np.float64)).sum() + np.cov(y.T).trace()
    assert fid(y[:1], y) == pytest.approx(apart)
    assert fid(np.repeat(y[:1], 4, axis=0), y) == fid(np.repeat(y[:1], 40, axis=0), y) == pytest.approx(apart)
    assert fid(y, y[:1]) == pytest.approx(apart)
    assert fid(y[:1], y[1:2]) == pytest.approx(np.square(y[0] - y[1]).sum())
    # One row has no variance, and neither has the foil: nothing can be told.
    assert not assess(GaussianComparison(y[:1], y), n_resamples=40)["fid"].informative


def test_counts_are_repeated_rows():
    for n in (5, 80):
        x, counts = rows(n, 7), np.arange(n) % 3
        one, other = fit_gaussian(x, counts), fit_gaussian(np.repeat(x, counts, axis=0))
        np.testing.assert_allclose(one.mean, other.mean)
        np.testing.assert_allclose(one.along(np.eye(7)), other.along(np.eye(7)), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(one.factor.T @ one.factor, np.cov(np.repeat(x, counts, axis=0).T), rtol=1e-5)


def test_any_size_of_block_gives_the_same(monkeypatch):
    x, y = rows(9, 12), rows(70, 12, seed=1)
    expected = fid(x, y), fid(y, x)
    monkeypatch.setattr(vectors.iter_blocks, "__defaults__", (4,))
    assert [len(block) for _, block in vectors.iter_blocks(x)] == [4, 4, 1]
    assert (fid(x, y), fid(y, x)) == pytest.approx(expected, rel=1e-9)


def test_far_from_the_origin_nothing_is_lost():
    x, y = np.round(rows(40, 4) * 8), np.round(rows(90, 4, seed=1) * 8)
    assert fid(x + np.float32(1e5), y + np.float32(1e5)) == pytest.approx(fid(x, y), rel=1e-9)


@pytest.mark.parametrize("n", [10, 20, 200])
def test_true_samples_are_told_from_other_rows(cloud, elsewhere, n):
    fresh = assess(GaussianComparison(cloud[:n], cloud[300:]), n_resamples=60, seed=1)["fid"]
    assert fresh.like_a_sample and fresh.informative and fresh.low <= fresh.value <= fresh.high
    other = assess(GaussianComparison(np.resize(elsewhere, (n, 16)), cloud[300:]), n_resamples=40)["fid"]
    assert other.value > other.null_high


def test_the_reference_gaussian_is_resampled_only_where_it_varies(cloud):
    one = np.repeat(cloud[:1], 5, axis=0)
    # Predictions without variance resample to themselves, so all that varies is of the references.
    few = GaussianComparison(one, cloud[:300]).bootstrap(10, np.random.default_rng(0))["fid"]
    many = GaussianComparison(one, cloud[:320]).bootstrap(10, np.random.default_rng(0))["fid"]
    assert np.ptp(few) > 1e-4 and np.ptp(many) < 1e-9


@pytest.mark.parametrize("n", [20, 150, 300, 900])
def test_the_null_distribution_is_that_of_fresh_rows(n):
    fresh, null = [], []
    for seed in range(12):
        comparison = GaussianComparison(rows(n, 8, seed), rows(300, 8, seed + 100))
        fresh.append(comparison.value()["fid"])
        null.append(comparison.null(10, np.random.default_rng(seed))["fid"].mean())
    error = np.hypot(np.std(fresh), np.std(null)) / np.sqrt(12)
    assert np.mean(null) == pytest.approx(np.mean(fresh), abs=3 * error)
    # It tells this from the score of samples against all references, themselves among them.
    assert n < 150 or np.mean(fresh) - 3 * error > np.mean(fresh) * (300 - min(n, 300)) / (300 + min(n, 300))


@pytest.mark.parametrize(("n", "dim"), [(200, 7), (14, 7), (9, 12)])
def test_a_gaussian_less_some_rows_is_that_of_the_others(n, dim):
    x = rows(n, dim, shift=30.0)
    comparison = GaussianComparison(x[:3], x)
    for size in (2, n // 3, n - 2):
        kept = np.sort(np.random.default_rng(size).permutation(n)[:size])
        found, expected = comparison._of_some(kept), fit_gaussian(x[kept])
        np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-6)
        np.testing.assert_allclose(found.along(np.eye(dim)), expected.along(np.eye(dim)), rtol=1e-6, atol=1e-7)


def test_more_predictions_than_references(cloud):
    score = assess(GaussianComparison(cloud[:100], cloud[:30]), n_resamples=20)["fid"]
    assert 0 < score.null_low <= score.null_high and score.informative


def test_mistakes(cloud):
    broken = cloud[:5].copy()
    broken[3, 2] = np.nan
    for sides in ((broken, cloud), (cloud, broken)):
        with pytest.raises(RowError, match="vector 3 holds NaN"):
            GaussianComparison(*sides)
    with pytest.raises(RowError, match="predictions have 15 and references 16"):
        GaussianComparison(cloud[:5, :15], cloud)
    with pytest.raises(RowError, match="no predictions"):
        GaussianComparison(cloud[:0], cloud)
    with pytest.raises(RowError, match=r"got \(3,\) and \(2, 2\)"):
        frechet_distance(np.zeros(3), np.eye(2), np.zeros(3), np.eye(3))
    with pytest.raises(RowError, match="with one dim"):
        frechet_distance(np.zeros(2), np.eye(2), np.zeros(3), np.eye(3))
    with pytest.raises(RowError, match="must be finite"):
        frechet_distance(np.full(2, np.nan), np.eye(2), np.zeros(2), np.eye(2))
