"""Transport: by hand, against POT, and at its limits."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import wasserstein_distance

from condensers.errors import RowError, SettingError
from condensers.metrics.transport import entropic_transport, exact_transport

RNG = np.random.default_rng(0)


def clouds(n, m):
    return cdist(RNG.normal(size=(n, 6)), RNG.normal(size=(m, 6)))


def test_a_hand_computed_case():
    """Half of the mass at 0 goes to 1, half of it to 3."""
    cost = cdist(np.array([[0.0], [9.0]]), np.array([[1.0], [3.0]]))
    assert exact_transport(np.array([1.0, 0.0]), np.array([0.5, 0.5]), cost) == pytest.approx(2.0)


@pytest.mark.parametrize(("n", "m"), [(1, 4), (7, 3), (20, 20), (12, 60)])
def test_scipy_gives_the_same_on_a_line(n, m):
    x, y, p, q = RNG.normal(size=n), RNG.normal(size=m), RNG.dirichlet(np.ones(n)), RNG.dirichlet(np.ones(m))
    expected = wasserstein_distance(x, y, p, q)
    assert exact_transport(p, q, cdist(x[:, None], y[:, None])) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "m"), [(5, 9), (30, 30), (40, 25)])
def test_pot_gives_the_same(n, m):
    ot = pytest.importorskip("ot", reason="POT is not installed; `pip install 'condensers[references]'`")
    cost = clouds(n, m)
    for p, q in ((RNG.dirichlet(np.ones(n)), RNG.dirichlet(np.ones(m))), (np.full(n, 1 / n), np.full(m, 1 / m))):
        assert exact_transport(p, q, cost) == pytest.approx(ot.emd2(p, q, cost), rel=1e-9)
        expected = ot.sinkhorn2(p, q, cost, 0.3, method="sinkhorn_log", stopThr=1e-12, numItermax=10_000)
        ours = entropic_transport(p, q, cost, regularization=0.3, tol=1e-10, max_iter=10_000)
        assert ours == pytest.approx(expected, rel=1e-6)


def test_little_regularization_is_nearly_exact_and_much_spreads_all_mass():
    cost, p, q = clouds(15, 10), RNG.dirichlet(np.ones(15)), RNG.dirichlet(np.ones(10))
    exact = exact_transport(p, q, cost)
    assert entropic_transport(p, q, cost, regularization=0.005, max_iter=20_000) == pytest.approx(exact, rel=2e-3)
    assert entropic_transport(p, q, cost, regularization=1e6) == pytest.approx(p @ cost @ q, rel=1e-5)
    assert exact < entropic_transport(p, q, cost, regularization=0.5) < p @ cost @ q


def test_mistakes():
    cost = np.ones((2, 2))
    half = np.array([0.5, 0.5])
    with pytest.raises(SettingError, match="must be above 0"):
        entropic_transport(half, half, cost, regularization=0.0)
    for p in (np.array([0.5, 0.6]), np.array([-0.5, 1.5]), np.array([np.nan, 1.0])):
        with pytest.raises(RowError, match="sum to 1"):
            exact_transport(p, half, cost)
    with pytest.raises(RowError, match=r"of shape \(2, 2\)"):
        exact_transport(half, half, np.ones((2, 3)))
    many = np.full(1001, 1 / 1001)
    with pytest.raises(SettingError, match="1,002,001 unknowns"):
        exact_transport(many, many, np.ones((1001, 1001)))
