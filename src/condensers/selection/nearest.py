"""Who is nearest to whom."""

import numpy as np

from condensers.embedding import Matrix, iter_blocks
from condensers.errors import BudgetError


def nearest_rows(points: np.ndarray, x: Matrix) -> np.ndarray:
    """Finds a different row for each point.

    Each point asks for the nearest row that is free; where several ask for one row the nearest point gets it (the
    first, among equals), and the others ask again.

    Shape:
        points: (n, dim), float32; x: (n_rows, dim), float32.
        returns: (n,), int64, positions in `x`.

    Raises:
        BudgetError: if there are more points than rows.
    """
    n, n_rows = len(points), x.shape[0]
    if n > n_rows:
        raise BudgetError(f"{n} points cannot each have a row of their own among {n_rows} rows. Lower the budget.")
    positions = np.full(n, -1, dtype=np.int64)
    taken = np.zeros(n_rows, dtype=bool)
    open_points = np.arange(n)
    while len(open_points):
        rows, costs = _nearest_free(points[open_points], x, taken)
        order = np.lexsort((open_points, costs, rows))
        first = np.ones(len(order), dtype=bool)
        first[1:] = rows[order][1:] != rows[order][:-1]
        winners = order[first]
        positions[open_points[winners]] = rows[winners]
        taken[rows[winners]] = True
        open_points = np.delete(open_points, winners)
    return positions


def _nearest_free(points: np.ndarray, x: Matrix, taken: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    best = np.full(len(points), np.inf, dtype=np.float32)
    rows = np.zeros(len(points), dtype=np.int64)
    for where, block in iter_blocks(x):
        # Squared distance less the norm of the point, which is the same for all rows.
        cost = np.einsum("ij,ij->i", block, block)[:, None] - 2.0 * (block @ points.T)
        cost[taken[where]] = np.inf
        nearest = cost.argmin(axis=0)
        value = cost[nearest, np.arange(len(points))]
        better = value < best
        best[better] = value[better]
        rows[better] = nearest[better] + where.start
    return rows, best + np.einsum("ij,ij->i", points, points)


def nearest_of(x: Matrix, points: Matrix) -> np.ndarray:
    """For each row of `x`, the nearest of `points`, the first among equals.

    Shape:
        x: (n, dim); points: (m, dim); returns: (n,), int64.
    """
    out = np.empty(x.shape[0], dtype=np.int64)
    best = np.full(x.shape[0], np.inf, dtype=np.float32)
    for there, few in iter_blocks(points, 1024):
        norms = np.einsum("ij,ij->i", few, few)
        points_t = -2.0 * few.T
        for where, block in iter_blocks(x, 1024):
            cost = block @ points_t
            cost += norms
            nearest = cost.argmin(axis=1)
            value = cost[np.arange(len(block)), nearest]
            better = value < best[where]
            best[where] = np.where(better, value, best[where])
            out[where] = np.where(better, nearest + there.start, out[where])
    return out
