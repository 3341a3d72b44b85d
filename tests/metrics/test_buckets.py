"""Histograms over shared buckets, and scores on them with their null distribution and interval."""

import numpy as np
import pytest

from condensers.errors import BudgetError, SettingError
from condensers.metrics import METRICS, assess
from condensers.metrics.buckets import BucketComparison, Buckets, default_buckets, fresh_pair, quantise
from condensers.metrics.divergences import mauve

NAMES = ("mauve", "kl", "total_variation", "wasserstein")


def test_buckets_do_not_depend_on_what_is_judged(cloud, elsewhere):
    one, other = quantise(cloud[:20], cloud), quantise(elsewhere, cloud)
    assert one.n_buckets == default_buckets(1500) == 39
    np.testing.assert_array_equal(one.centroids, other.centroids)
    np.testing.assert_array_equal(one.predictions, one.references[:20])
    assert one.shares(one.references).sum() == pytest.approx(1.0)
    assert (one.shares(one.references) > 0).all()
    together = quantise(elsewhere, cloud, together=True)
    assert not np.array_equal(together.centroids, one.centroids)


def test_number_of_buckets():
    assert [default_buckets(n) for n in (1, 4, 5000, 67_349, 10**6)] == [2, 2, 71, 260, 500]
    rows = np.eye(5, dtype=np.float32)
    for n in (1, 6):
        with pytest.raises(BudgetError, match=f"from 2 to 5, the rows that k-means sees; got {n}"):
            quantise(rows, rows, n_buckets=n)


@pytest.mark.parametrize("name", NAMES)
def test_twenty_rows_from_elsewhere_are_told_from_twenty_true_ones(cloud, elsewhere, name):
    rng = np.random.default_rng(5)
    true = cloud[rng.choice(1500, size=20, replace=False)]
    found = {
        what: assess(METRICS[name].compare(rows, cloud))[name]
        for what, rows in (("true", true), ("elsewhere", elsewhere), ("repeated", np.repeat(cloud[:1], 20, axis=0)))
    }
    assert found["true"].like_a_sample and found["true"].informative
    for what in ("elsewhere", "repeated"):
        assert not found[what].like_a_sample
        better = METRICS[name].scores[name]
        assert better * found[what].value < better * (
            found["true"].null_low if better > 0 else found["true"].null_high
        )


@pytest.mark.parametrize("name", NAMES)
def test_intervals(cloud, name):
    """They hold the score, shrink with the rows, and are the same in every run."""

    def width(n):
        score = assess(METRICS[name].compare(cloud[:n], cloud), n_resamples=50)[name]
        assert score.low <= score.value <= score.high
        return score.high - score.low

    def found(seed=1):
        return assess(METRICS[name].compare(cloud[:30], cloud), n_resamples=20, seed=seed)

    assert width(400) < width(20)
    assert found() == found() != found(seed=2)


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_reference_set_is_perfect(cloud, name):
    score = assess(METRICS[name].compare(cloud, cloud), n_resamples=20)[name]
    # Half a pseudo-row a bucket keeps KL from being 0.
    assert score.value == pytest.approx(1.0 if name == "mauve" else 0.0, abs=2e-2 if name == "kl" else 1e-9)
    # No fresh rows are as near.
    assert "better than true samples" in score.verdict(METRICS[name].scores[name])


@pytest.mark.parametrize("n", [40, 500, 1000])
def test_the_null_distribution_is_that_of_fresh_rows(cloud, n):
    """Of few rows, of as many as there are references, and of more."""
    buckets = quantise(cloud[:n], cloud[-500:], n_buckets=8)
    comparison = BucketComparison(buckets, lambda p, q, _: {"mauve": mauve(p, q)})
    fast = comparison.null(2000, np.random.default_rng(0))["mauve"]
    rng, rows = np.random.default_rng(1), buckets.references
    slow = [mauve(*(buckets.shares(rng.choice(rows, size)) for size in (n, 500))) for _ in range(2000)]
    assert fast.mean() == pytest.approx(np.mean(slow), abs=3 * np.std(slow) / np.sqrt(1000))
    assert np.percentile(fast, 5) == pytest.approx(np.percentile(slow, 5), abs=0.02)


@pytest.mark.parametrize(("n", "m"), [(1000, 20), (1000, 400), (1000, 1000), (90, 1000), (1000, 10**6)])
def test_two_samples_differ_as_fresh_rows_do(n, m):
    few, many = fresh_pair(n, m, np.random.default_rng(0))
    assert len(few) == min(n, m) and len(set(few)) == len(few) and len(set(many)) == len(many)
    shared = len(np.intersect1d(few, many))
    p, q = len(few), len(many)
    assert 1 / p + 1 / q - 2 * shared / (p * q) == pytest.approx(1 / n + 1 / m, rel=0.01)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 5), (2, 1), (2, 2), (3, 9)])
def test_of_a_handful_of_references_each_sample_has_one(n, m):
    few, many = fresh_pair(n, m, np.random.default_rng(0))
    assert 1 <= len(few) <= n and 1 <= len(many) <= n and max(*few, *many) < n


def test_means_of_two_samples_vary_as_fresh_means_do():
    rng, y = np.random.default_rng(0), np.random.default_rng(1).normal(size=200)
    y = (y - y.mean()) / y.std(ddof=1)
    for m in (30, 200, 500):
        gaps = [y[few].mean() - y[many].mean() for few, many in (fresh_pair(200, m, rng) for _ in range(3000))]
        assert np.var(gaps) == pytest.approx(1 / m + 1 / 200, rel=0.12)


def test_more_predictions_than_references(cloud):
    score = assess(METRICS["mauve"].compare(cloud, cloud[:100]), n_resamples=20)["mauve"]
    assert 0 < score.value <= 1 and score.null_low <= score.null_mean <= score.null_high


def test_one_row_and_rows_that_are_all_the_same(cloud):
    one = assess(METRICS["mauve"].compare(cloud[:1], cloud))["mauve"]
    # One row is one bucket, whatever the row, so nothing can be told from it.
    assert not one.informative
    same = np.repeat(cloud[:1], 50, axis=0)
    score = assess(METRICS["mauve"].compare(same[:5], same))["mauve"]
    assert score.value == pytest.approx(1.0) and not score.informative


def test_too_few_resamples(cloud):
    buckets = Buckets(cloud[:2], np.zeros(3, dtype=np.int64), np.arange(2))
    with pytest.raises(SettingError, match="at least 20"):
        assess(BucketComparison(buckets, lambda p, q, _: {"mauve": mauve(p, q)}), n_resamples=5)


@pytest.mark.slow
def test_mauve_text_gives_the_same_at_equal_buckets():
    """Means over seeds, since k-means from another start moves either score by 0.01; its own default rule is worse."""
    theirs = pytest.importorskip("mauve", reason="mauve-text is not installed (its licence is the GPL)")
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(20, 16))
    sets = [
        centres[rng.choice(20, size=1000, p=p / p.sum())] + rng.normal(size=(1000, 16)) * 0.5
        for p in (np.ones(20), np.linspace(0.1, 2, 20))
    ]
    few, many = (x.astype(np.float32) for x in sets)
    few, many = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (few, many))
    ours = [
        METRICS["mauve"].compare(few, many, n_buckets=50, together=True, seed=s).value()["mauve"] for s in range(5)
    ]
    reference = [theirs.compute_mauve(few, many, num_buckets=50, verbose=False, seed=s).mauve for s in range(5)]
    assert np.mean(ours) == pytest.approx(np.mean(reference), abs=0.01)
    # What the null distribution is for: with the reference's rule, 20 rows from elsewhere are perfect.
    far = -few[:20]
    assert theirs.compute_mauve(far, many, verbose=False).mauve > 0.95
    assert not assess(METRICS["mauve"].compare(far, many))["mauve"].like_a_sample
