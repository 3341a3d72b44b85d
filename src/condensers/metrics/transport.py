r"""Wasserstein distances between two discrete distributions, exact and with entropic regularisation."""

import numpy as np
from scipy.optimize import linear_sum_assignment, linprog
from scipy.sparse import coo_array
from scipy.special import logsumexp

from condensers.errors import RowError, SettingError

# The linear programme has one unknown a pair; beyond this it takes minutes.
MAX_EXACT_PAIRS = 1_000_000


def exact_transport(p: np.ndarray, q: np.ndarray, cost: np.ndarray) -> float:
    r"""Least cost of moving one distribution onto another.

    .. math:: \min_{T \ge 0} \sum_{ij} T_{ij} C_{ij}, \qquad T 1 = p, \quad T^\top 1 = q

    Args:
        p: Shares of the first distribution.
        q: Shares of the second.
        cost: Cost of moving one unit.

    Shape:
        p: (n,), 1 in sum; q: (m,), 1 in sum; cost: (n, m).

    Raises:
        SettingError: if there are more than a million pairs with mass on both sides.
        RowError: if the shapes differ, or a side does not sum to 1.
    """
    p, q, cost = _checked(p, q, cost)
    rows, columns = np.flatnonzero(p), np.flatnonzero(q)
    p, q, cost = p[rows], q[columns], cost[np.ix_(rows, columns)]
    n, m = cost.shape
    if n * m > MAX_EXACT_PAIRS:
        raise SettingError(
            f"exact transport of {n} onto {m} points has {n * m:,} unknowns, above {MAX_EXACT_PAIRS:,}; pass a "
            f"`regularization`, or compare buckets instead of rows."
        )
    if n == m and np.ptp(p) == 0 and np.ptp(q) == 0:
        return float(cost[linear_sum_assignment(cost)].mean())
    pairs = np.arange(n * m)
    constraints = coo_array(
        (np.ones(2 * n * m), (np.concatenate([pairs // m, n + pairs % m]), np.concatenate([pairs, pairs]))),
        shape=(n + m, n * m),
    ).tocsr()
    # One equation follows from the others, and rounding must not make it contradict them.
    found = linprog(cost.ravel(), A_eq=constraints[:-1], b_eq=np.concatenate([p, q])[:-1], method="highs-ds")
    return float(found.fun)


def entropic_transport(
    p: np.ndarray,
    q: np.ndarray,
    cost: np.ndarray,
    *,
    regularization: float,
    max_iter: int = 1000,
    tol: float = 1e-6,
) -> float:
    r"""Cost of the plan that Sinkhorn's algorithm finds (Cuturi 2013), iterated on logarithms.

    .. math:: T = \arg\min_T \sum_{ij} T_{ij} C_{ij} + \varepsilon \sum_{ij} T_{ij} (\log T_{ij} - 1)

    Args:
        p: Shares of the first distribution.
        q: Shares of the second.
        cost: Cost of moving one unit.
        regularization: epsilon, in units of cost.
        max_iter: Iterations at most.
        tol: Stop when the plan misses p by less than this in sum.

    Shape:
        p: (n,), 1 in sum; q: (m,), 1 in sum; cost: (n, m).

    Raises:
        SettingError: if `regularization` is not above 0.
        RowError: if the shapes differ, or a side does not sum to 1.
    """
    if not regularization > 0:
        raise SettingError(f"`regularization` must be above 0; got {regularization!r}. Leave it out to be exact.")
    p, q, cost = _checked(p, q, cost)
    rows, columns = np.flatnonzero(p), np.flatnonzero(q)
    cost = cost[np.ix_(rows, columns)]
    log_p, log_q = np.log(p[rows]), np.log(q[columns])
    kernel = -cost / regularization
    u, v = np.zeros_like(log_p), np.zeros_like(log_q)
    for step in range(max_iter):
        v = log_q - logsumexp(kernel + u[:, None], axis=0)
        reached = logsumexp(kernel + v, axis=1)
        if step and np.abs(np.exp(u + reached) - p[rows]).sum() < tol:
            break
        u = log_p - reached
    return float((np.exp(kernel + u[:, None] + v) * cost).sum())


def _checked(p: np.ndarray, q: np.ndarray, cost: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    p, q, cost = (np.asarray(part, dtype=np.float64) for part in (p, q, cost))
    if cost.shape != (len(p), len(q)):
        raise RowError(f"the costs must be of shape {(len(p), len(q))}, as the distributions are; got {cost.shape}.")
    for part in (p, q):
        if not (np.isfinite(part).all() and (part >= 0).all() and abs(part.sum() - 1) < 1e-6):
            raise RowError(f"a distribution must not be negative and must sum to 1; got a sum of {part.sum():g}.")
    return p / p.sum(), q / q.sum(), cost
