"""Points at the centroids of k-means."""

from dataclasses import dataclass

import numpy as np

from condensers.embedding import Matrix, check_finite, iter_blocks
from condensers.errors import BudgetError, SettingError


@dataclass(frozen=True)
class KMeansCentroids:
    r"""Centroids of k-means, the placement of DaLLME (Tao et al. 2024) and of what DiLM calls K-Center.

    Minimises :math:`\sum_i \min_k \lVert x_i - c_k \rVert^2` by Lloyd's iteration from a greedy k-means++ start
    (Arthur and Vassilvitskii 2007). Every pass goes over blocks of rows, so memory does not grow with the rows:
    scikit-learn's version would copy the whole matrix.

    Attributes:
        seed: Seed of the start.
        max_iter: Passes at most.
        tol: Stop when the centroids move, squared, by less than this share of the mean variance of a dimension.
    """

    seed: int = 0
    max_iter: int = 100
    tol: float = 1e-4

    def place(self, x: Matrix, n: int) -> np.ndarray:
        """Places `n` centroids.

        Shape:
            x: (n_rows, dim), float32.
            returns: (n, dim), float32.

        Raises:
            BudgetError: if `n` is below 1 or above n_rows.
            SettingError: if `max_iter` is below 1.
            RowError: if `x` holds numbers that are not finite.
        """
        n_rows = x.shape[0]
        if not 1 <= n <= n_rows:
            raise BudgetError(f"k-means needs 1 to {n_rows} centroids for {n_rows} rows; got {n}.")
        if self.max_iter < 1:
            raise SettingError(f"`max_iter` must be at least 1; got {self.max_iter}.")
        check_finite(x)
        centroids = _plus_plus_start(x, n, np.random.default_rng(self.seed))
        threshold = self.tol * _mean_variance(x)
        for _ in range(self.max_iter):
            moved = _lloyd_step(x, centroids)
            shift = float(((moved - centroids) ** 2).sum())
            centroids = moved
            if shift <= threshold:
                break
        return centroids


def squared_distances(block: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances by one matrix product.

    Shape:
        block: (n, dim); points: (m, dim); returns: (n, m), float32, not negative.
    """
    cross = block @ points.T
    cross *= -2.0
    cross += np.einsum("ij,ij->i", block, block)[:, None]
    cross += np.einsum("ij,ij->i", points, points)[None, :]
    return np.maximum(cross, 0.0, out=cross)


def _plus_plus_start(x: Matrix, n: int, rng: np.random.Generator) -> np.ndarray:
    """Greedy k-means++: of a few candidates drawn by squared distance, keep the one that lowers the sum most."""
    n_rows = x.shape[0]
    n_trials = 2 + int(np.log(n))
    chosen = [int(rng.integers(n_rows))]
    closest = _distances_to(x, np.asarray(chosen))[:, 0]
    while len(chosen) < n:
        weights = closest.astype(np.float64)
        total = weights.sum()
        if total > 0:
            candidates = np.searchsorted(np.cumsum(weights), rng.random(n_trials) * total)
            candidates = np.minimum(candidates, n_rows - 1)
        else:  # fewer distinct rows than centroids: any row that is not taken will do
            candidates = rng.choice(np.setdiff1d(np.arange(n_rows), chosen), size=1)
        distances = np.minimum(_distances_to(x, candidates), closest[:, None])
        best = int(np.argmin(distances.sum(axis=0, dtype=np.float64)))
        chosen.append(int(candidates[best]))
        closest = distances[:, best]
    return np.asarray(x[np.asarray(chosen)], dtype=np.float32).copy()


def _distances_to(x: Matrix, positions: np.ndarray) -> np.ndarray:
    points = np.asarray(x[positions], dtype=np.float32)
    out = np.empty((x.shape[0], len(points)), dtype=np.float32)
    for where, block in iter_blocks(x):
        out[where] = squared_distances(block, points)
    return out


def _mean_variance(x: Matrix) -> float:
    total = np.zeros(x.shape[1])
    squares = np.zeros(x.shape[1])
    for _, block in iter_blocks(x):
        total += block.sum(axis=0, dtype=np.float64)
        squares += np.einsum("ij,ij->j", block, block, dtype=np.float64)
    mean = total / x.shape[0]
    return float(np.mean(squares / x.shape[0] - mean**2))


def _lloyd_step(x: Matrix, centroids: np.ndarray) -> np.ndarray:
    """One assignment and one update; an empty cluster moves to the row that lies farthest from its centroid."""
    n = len(centroids)
    sums = np.zeros(centroids.shape, dtype=np.float64)
    counts = np.zeros(n, dtype=np.int64)
    farthest: list[tuple[float, int]] = []
    for where, block in iter_blocks(x):
        distances = squared_distances(block, centroids)
        nearest = distances.argmin(axis=1)
        members = np.zeros((n, len(block)), dtype=np.float32)
        members[nearest, np.arange(len(block))] = 1.0
        sums += members @ block
        counts += np.bincount(nearest, minlength=n)
        own = distances[np.arange(len(block)), nearest]
        top = np.argsort(-own, kind="stable")[:n]
        farthest += [(-float(own[i]), where.start + int(i)) for i in top]
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        rows = [row for _, row in sorted(farthest)[: len(empty)]]
        sums[empty] = x[np.asarray(rows)]
        counts[empty] = 1
    return (sums / counts[:, None]).astype(np.float32)
