"""MAUVE, Kullback-Leibler and total variation: by hand, against scipy and mauve-text, and at their limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from condensers.metrics.divergences import kl_divergence, mauve, total_variation

RNG = np.random.default_rng(0)
PAIRS = [(RNG.dirichlet(np.ones(k)), RNG.dirichlet(np.ones(k))) for k in (2, 5, 40)]


def test_hand_computed_cases():
    p, q = np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.25, 0.5])
    assert kl_divergence(p, q) == pytest.approx(np.log(2))
    assert kl_divergence(q, p) == np.inf
    assert kl_divergence(q, p, smoothing=0.3) == pytest.approx(0.5 * np.log(0.25 / 0.45) + 0.5 * np.log(0.5 / 0.1))
    assert total_variation(p, q) == pytest.approx(0.5)
    assert total_variation(np.eye(2)[0], np.eye(2)[1]) == 1.0


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_scipy_gives_the_same(p, q):
    assert kl_divergence(p, q) == pytest.approx(stats.entropy(p, q), rel=1e-12)
    assert total_variation(p, q) == pytest.approx(0.5 * np.abs(p - q).sum())
    both = kl_divergence(np.stack([p, q]), np.stack([q, p]))
    assert both.tolist() == pytest.approx([stats.entropy(p, q), stats.entropy(q, p)])


@pytest.mark.parametrize(("p", "q"), [*PAIRS, (np.eye(4)[0], np.eye(4)[1]), (np.eye(4)[0], np.full(4, 0.25))])
@pytest.mark.parametrize("scaling", [1.0, 5.0])
def test_the_area_by_another_way(p, q, scaling):
    """A loop over lambda, and the trapezia of its points sorted by x."""
    points = [(0.0, 1.0), (1.0, 0.0)]
    for share in np.linspace(1e-6, 1 - 1e-6, 25):
        r = share * p + (1 - share) * q
        points.append((np.exp(-scaling * stats.entropy(q, r)), np.exp(-scaling * stats.entropy(p, r))))
    points.sort(key=lambda point: (point[0], -point[1]))
    area = sum((x2 - x1) * (y1 + y2) / 2 for (x1, y1), (x2, y2) in zip(points, points[1:], strict=False))
    assert mauve(p, q, scaling=scaling) == pytest.approx(area, abs=1e-9)


def test_mauve_at_its_limits():
    p = np.array([0.2, 0.3, 0.5])
    assert mauve(p, p) == pytest.approx(1.0)
    disjoint = mauve(np.eye(2)[0], np.eye(2)[1])
    # Both KLs are -log of the share of lambda: x = (1 - l)^c and y = l^c, so the area is the beta function.
    exact = 5 * np.exp(2 * np.log(120) - np.log(np.prod(np.arange(1.0, 11.0)))) * (1 / 5)
    assert disjoint == pytest.approx(exact, abs=2e-3)


shares = st.lists(st.floats(0.01, 1), min_size=6, max_size=6).map(lambda found: np.array(found) / sum(found))


@settings(max_examples=50, deadline=None)
@given(shares, shares)
def test_properties(p, q):
    assert 0 <= mauve(p, q) <= 1 + 1e-12
    assert mauve(p, q) == pytest.approx(float(mauve(q, p)), abs=1e-9)
    order = np.array([3, 1, 5, 0, 2, 4])
    for score in (mauve, kl_divergence, total_variation):
        assert score(p, q) == pytest.approx(float(score(p[order], q[order])), abs=1e-12)
    assert total_variation(p, q) <= np.sqrt(kl_divergence(p, q) / 2) + 1e-12  # Pinsker
    merged = [np.array([part[0] + part[1], *part[2:]]) for part in (p, q)]
    assert kl_divergence(*merged) <= kl_divergence(p, q) + 1e-12
