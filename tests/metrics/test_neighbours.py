"""Precision, recall, density and coverage: by hand, against prdc, and at their limits."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from condensers.errors import BudgetError, RowError, SettingError
from condensers.metrics import assess, distances, neighbours
from condensers.metrics.distances import nearest_radii
from condensers.metrics.neighbours import DensityCoverage, PrecisionRecall

NAMES = ("precision", "recall", "density", "coverage")


def rows(n, dim, seed=0, spread=1.0):
    return (np.random.default_rng([seed, n, dim]).normal(size=(n, dim)) * spread).astype(np.float32)


def scores(predictions, references, k=5):
    both = PrecisionRecall(predictions, references, k).value() | DensityCoverage(predictions, references, k).value()
    return {name: both[name] for name in NAMES}


def line(*places):
    return np.array(places, dtype=np.float32)[:, None]


def dense(x, k):
    """Squared radii from the whole matrix of differences in float64."""
    gaps = np.square(x.astype(np.float64)[:, None] - x).sum(axis=2)
    np.fill_diagonal(gaps, np.inf)
    return np.sort(gaps, axis=1)[:, k - 1]


def test_a_hand_computed_case():
    x, y = line(0, 1, 3, 7), line(0.5, 2.9, 9)
    assert nearest_radii(x, 1).tolist() == [1, 1, 4, 16]
    assert nearest_radii(x, 2).tolist() == [9, 4, 9, 36]
    # Balls of x: (-1, 1), (0, 2), (1, 5), (3, 11). They hold 0.5 twice, 2.9 once, 9 once.
    # Balls of y, which reach 2.4, 2.4 and 6.1 far, hold 0, 1, 3 and 7.
    found = PrecisionRecall(y, x, k=1).value() | DensityCoverage(y, x, k=1).value()
    assert found == pytest.approx({"precision": 1, "recall": 1, "f1": 1, "density": 4 / 3, "coverage": 1})
    y = line(-2, 0, 40)
    # Of these only 0 is in a ball of x; balls of y: (-4, 0), (-2, 2), (0, 80).
    found = PrecisionRecall(y, x, k=1).value() | DensityCoverage(y, x, k=1).value()
    expected = {"precision": 1 / 3, "recall": 1, "f1": 0.5, "density": 1 / 3, "coverage": 1 / 4}
    assert found == pytest.approx(expected)


def test_a_ball_is_open():
    x = line(0, 2, 10, 14)
    # Radii are 2, 2, 4 and 4: three rows on rims, then one a hair inside.
    assert DensityCoverage(line(-2, 4, 6), x, k=1).value() == {"density": 0.0, "coverage": 0.0}
    assert DensityCoverage(line(-1.9999999), x, k=1).value() == {"density": 1.0, "coverage": 0.25}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "m", "dim", "k"), [(40, 90, 3, 1), (90, 40, 20, 3), (300, 700, 64, 5), (31, 31, 2, 10)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_prdc_gives_the_same(n, m, dim, k, seed, dtype):
    prdc = pytest.importorskip("prdc", reason="prdc is not installed; `pip install 'condensers[references]'`")
    y, x = rows(n, dim, seed, spread=0.9), rows(m, dim, seed + 10)
    expected = prdc.compute_prdc(x.astype(np.float64), y.astype(np.float64), k)
    assert scores(y.astype(dtype), x.astype(dtype), k) == pytest.approx(expected, abs=1e-12)
    assert 0 < expected["density"]


@pytest.mark.parametrize("k", [1, 4])
def test_prdc_gives_the_same_with_ties(k):
    """Small integers: many rows twice, many distances equal, and all of prdc's products exact."""
    prdc = pytest.importorskip("prdc", reason="prdc is not installed; `pip install 'condensers[references]'`")
    rng = np.random.default_rng(k)
    for side in (2, 4, 9):
        x, y = rng.integers(side, size=(200, 3)).astype(float), rng.integers(side, size=(60, 3)).astype(float)
        assert scores(y, x, k) == pytest.approx(prdc.compute_prdc(x, y, k), abs=1e-12)


def test_prdc_gives_the_same_far_from_the_origin():
    """float32 products of such rows as they are would hold no digit of the distances."""
    prdc = pytest.importorskip("prdc", reason="prdc is not installed; `pip install 'condensers[references]'`")
    y, x = rows(50, 8) + np.float32(1e4), rows(200, 8, 1) + np.float32(1e4)
    centre = x.astype(np.float64).mean(axis=0)
    assert scores(y, x) == pytest.approx(prdc.compute_prdc(x - centre, y - centre, 5), abs=1e-12)


@pytest.mark.parametrize("block_rows", [7, 64])
def test_any_size_of_block_gives_the_same(monkeypatch, block_rows):
    y, x = rows(30, 12), rows(130, 12, 1)
    x[40:60] = x[:20]
    radii, expected = nearest_radii(x, 5), scores(y, x)
    null = PrecisionRecall(y, x).null(5, np.random.default_rng(0))
    seen = []
    whole = distances.lower_bounds
    for module in (distances, neighbours):
        monkeypatch.setattr(module, "lower_bounds", lambda *blocks: seen.append(whole(*blocks)) or seen[-1])
    monkeypatch.setattr(distances, "_BLOCK_ROWS", block_rows)
    monkeypatch.setattr(distances, "_PIECE", 24)
    np.testing.assert_array_equal(nearest_radii(x, 5), radii)
    assert scores(y, x) == expected
    again = PrecisionRecall(y, x).null(5, np.random.default_rng(0))
    assert all((again[name] == null[name]).all() for name in null)
    assert max(bounds.size for bounds in seen) == block_rows * min(block_rows, 130)


@pytest.mark.parametrize(("dim", "shift"), [(3, 0.0), (384, 0.0), (384, 50.0)])
def test_bounds_hold(dim, shift):
    """The distance lies between the bound and the bound plus twice the slack, rows with huge norms included."""
    x = rows(200, dim, spread=np.logspace(-3, 3, 200)[:, None]) + np.float32(shift)
    (one,) = distances.blocks(x, distances.centre_of(x))
    bounds = distances.lower_bounds(one, one).astype(np.float64)
    exact = np.square(x.astype(np.float64)[:, None] - x).sum(axis=2)
    slack = distances._slack(dim) * (one.norms[:, None] + one.norms)
    assert (bounds <= exact).all() and (exact <= bounds + 2 * slack).all()


@pytest.mark.parametrize("k", [1, 3, 20])
@pytest.mark.parametrize("spread", [1.0, 1e-5])
def test_radii_are_exact(k, spread):
    """In tight clusters the order of float32 products is noise, and every distance is measured again."""
    centres = rows(4, 32, 5)
    x = (np.repeat(centres, 40, axis=0) + rows(160, 32, 6, spread)).astype(np.float32)
    x[1], x[2] = x[0], x[0]
    np.testing.assert_array_equal(nearest_radii(x, k), dense(x, k))
    assert k > 2 or (nearest_radii(x, k)[:3] == 0).all()


def test_a_distance_is_the_same_number_wherever_it_is_measured():
    """Or a row as far as the radius would be inside the ball."""
    x = rows(300, 37)
    i, j = np.arange(299), np.arange(1, 300)
    together = distances._squared(x, i, x, j)
    alone = [distances._squared(x, j[[n]], x, i[[n]])[0] for n in range(299)]
    np.testing.assert_array_equal(together, alone)


def test_a_twin_on_the_rim_is_outside():
    x = rows(40, 24)
    near = np.argsort(cdist(x[:1], x)[0])
    assert near[0] == 0
    # The fifth neighbour of row 0, again: inside its own ball at any rate, but not inside that of row 0.
    hits = DensityCoverage(x[near[5]][None], x, k=5)._hits[0]
    gaps = np.square(x.astype(np.float64) - x[near[5]]).sum(axis=1)
    assert hits == (gaps < dense(x, 5)).sum() and gaps[0] == dense(x, 5)[0]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 5))
def test_properties(seed, k, dim):
    rng = np.random.default_rng(seed)
    y, x = (rng.integers(-4, 5, size=(int(rng.integers(k + 2, 40)), dim)).astype(np.float32) for _ in range(2))
    found = scores(y, x, k)
    turned = np.eye(dim, dtype=np.float32)[rng.permutation(dim)] * rng.choice([-1, 1], dim)
    # Integers keep their distances through these without an error, so that ties stay ties.
    for move in (lambda z: z @ turned, lambda z: z + 3, lambda z: 2 * z, lambda z: z[::-1]):
        assert scores(move(y), move(x), k) == pytest.approx(found, abs=1e-12)
    swapped = scores(x, y, k)
    assert (swapped["precision"], swapped["recall"]) == (found["recall"], found["precision"])
    assert found["coverage"] <= 1 and found["precision"] <= found["density"] * k + 1e-12


def test_a_rotation_changes_nothing():
    y, x = rows(60, 9, spread=0.8), rows(150, 9, 1)
    turned = np.linalg.qr(rows(9, 9, 2).astype(np.float64))[0]
    assert scores(y @ turned, x @ turned) == scores(y, x)


def test_identical_sets():
    x = rows(80, 4)
    found = scores(x, x, 3)
    assert (found["precision"], found["recall"], found["coverage"]) == (1, 1, 1)
    # Each row in its own ball and in those of the rows that have it among their nearest two.
    assert found["density"] == pytest.approx(1.0)


def test_rows_that_are_all_the_same():
    same = np.ones((3000, 4), dtype=np.float32)
    assert (nearest_radii(same, 5) == 0).all()
    assert scores(same[:10], same) == dict.fromkeys(NAMES, 0.0)
    for score in assess(PrecisionRecall(same[:10], same), n_resamples=20).values():
        assert score.value == score.null_high == 0 and not score.informative
    x = rows(50, 4)
    repeated = scores(np.repeat(x[:1], 10, axis=0), x)
    assert repeated["precision"] == 1 and repeated["recall"] == 0
    assert PrecisionRecall(same[:10] + 90, x).value() == {"precision": 0.0, "recall": 0.0, "f1": 0.0}


def test_one_prediction(cloud):
    found = assess(DensityCoverage(cloud[:1], cloud[1:]), n_resamples=40)
    assert found["coverage"].value == pytest.approx(found["density"].value * 5 / 1499)


@pytest.mark.parametrize("n", [20, 200])
def test_fresh_rows_are_told_from_other_rows(cloud, elsewhere, n):
    fresh, rest = cloud[:n], cloud[n:]
    found = assess(PrecisionRecall(fresh, rest)) | assess(DensityCoverage(fresh, rest))
    for name, score in found.items():
        assert score.like_a_sample, name
        assert score.low <= score.value <= score.high
    assert all(found[name].informative for name in ("recall", "f1", "coverage"))
    other = np.resize(elsewhere, (n, 16))
    for score in (assess(PrecisionRecall(other, rest)) | assess(DensityCoverage(other, rest))).values():
        assert score.value < score.null_low


def test_the_foil_of_precision_has_lost_its_structure():
    """Two rows of a thin line: coordinates drawn apart leave it."""
    x = np.repeat(rows(400, 1), 6, axis=1) + rows(400, 6, 1, 0.01)
    found = assess(PrecisionRecall(x[:40], x[40:])) | assess(DensityCoverage(x[:40], x[40:]))
    assert all(score.informative for score in found.values())


@pytest.mark.parametrize("n", [30, 300, 900])
def test_the_null_distribution_is_that_of_fresh_rows(n):
    """Samples of the references score on average what fresh sets of the same law do, be they few or as many."""
    drawn, null = defaultdict(list), defaultdict(list)
    for seed in range(12):
        x, y = rows(900, 5, seed), rows(n, 5, seed + 100)
        for kind in (PrecisionRecall(y, x, k=2), DensityCoverage(y, x, k=2)):
            for name, value in kind.value().items():
                drawn[name].append(value)
            for name, values in kind.null(5, np.random.default_rng(seed)).items():
                null[name].append(values.mean())
    for name in (*NAMES, "f1"):
        error = np.hypot(np.std(drawn[name]), np.std(null[name])) / np.sqrt(12)
        assert np.mean(null[name]) == pytest.approx(np.mean(drawn[name]), abs=3.5 * error + 0.004), name


def test_a_row_of_the_references_is_judged_without_itself(cloud):
    """Hits from the lists of neighbours are those from balls that were made without the row."""
    x = np.concatenate([cloud[:60], cloud[:4]])
    x[30:33] = x[29]
    listed = DensityCoverage(x[:5], x, k=3)._listed
    for row in range(len(x)):
        rest = np.delete(x, row, axis=0)
        gaps = np.square(rest.astype(np.float64) - x[row]).sum(axis=1)
        assert listed[row] == (gaps < dense(rest, 3)).sum()


def test_few_samples_where_there_are_many_pairs(cloud, monkeypatch):
    monkeypatch.setattr(neighbours, "_MANY_PAIRS", 10_000)
    found = PrecisionRecall(cloud[:30], cloud[30:430]).null(50, np.random.default_rng(0))
    for values in found.values():
        assert values.shape == (50,) and (values[:20] == values[20:40]).all()
    monkeypatch.setattr(neighbours, "_MANY_PAIRS", 12_000)
    found = PrecisionRecall(cloud[:30], cloud[30:430]).null(50, np.random.default_rng(0))["recall"]
    assert not (found[:20] == found[20:40]).all()


@pytest.mark.parametrize(("n", "m"), [(6, 7), (100, 100), (100, 40), (99, 100)])
def test_as_many_predictions_as_references_or_more(cloud, n, m):
    found = assess(PrecisionRecall(cloud[:n], cloud[-m:]), n_resamples=20)
    found |= assess(DensityCoverage(cloud[:n], cloud[-m:]), n_resamples=20)
    for score in found.values():
        assert np.isfinite([score.value, score.null_low, score.null_high, score.low, score.high]).all()


def test_intervals_are_those_of_the_binomial(cloud):
    comparison = PrecisionRecall(cloud[:200], cloud[200:])
    for name, n in (("precision", 200), ("recall", 1300)):
        share = comparison.value()[name]
        values = comparison.bootstrap(4000, np.random.default_rng(0))[name]
        assert values.mean() == pytest.approx(share, abs=0.005)
        assert values.std() == pytest.approx(np.sqrt(share * (1 - share) / n), rel=0.1)
    assert assess(comparison) == assess(PrecisionRecall(cloud[:200], cloud[200:]))


def test_mistakes(cloud):
    broken = cloud[:8].copy()
    broken[3, 2] = np.nan
    for make in (PrecisionRecall, DensityCoverage):
        for sides in ((broken, cloud), (cloud, broken)):
            with pytest.raises(RowError, match="vector 3 holds NaN"):
                make(*sides)
        with pytest.raises(RowError, match="predictions have 15 and references 16"):
            make(cloud[:9, :15], cloud)
        with pytest.raises(BudgetError, match=r"at least 7 references; got 6\. Lower `k`, or pass more references"):
            make(cloud, cloud[:6])
        with pytest.raises(SettingError, match="`k` must be at least 1; got 0"):
            make(cloud[:9], cloud, k=0)
    with pytest.raises(BudgetError, match="5 nearest neighbours need at least 6 predictions; got 5. Lower `k`"):
        PrecisionRecall(cloud[:5], cloud)
    PrecisionRecall(cloud[:6], cloud)
    with pytest.raises(BudgetError, match="at least 4 rows; got 3"):
        nearest_radii(cloud[:3], 3)
