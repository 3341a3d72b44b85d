"""Points at the centroids of k-means."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from condensers.data import joined, own_part, process_index, summed
from condensers.embedding import BLOCK_ROWS, Matrix, check_finite, iter_blocks
from condensers.errors import BudgetError, SettingError

# Distances of a block of rows that stay in the cache of a processor.
_CELLS = 2**20


@dataclass(frozen=True)
class KMeansCentroids:
    r"""Centroids of k-means, the placement of DaLLME (Tao et al. 2024) and of what DiLM calls K-Center.

    Minimises :math:`\sum_i \min_k \lVert x_i - c_k \rVert^2` by Lloyd's iteration from a greedy k-means++ start
    (Arthur and Vassilvitskii 2007). Every pass goes over blocks of rows, so memory does not grow with the rows:
    scikit-learn's version would copy the whole matrix. Under ``accelerate launch`` the processes share each pass; they
    must be given the same rows, and come to the same centroids.

    Attributes:
        seed: Seed of the start.
        max_iter: Passes at most.
        tol: Stop when the centroids move, squared, by less than this share of the mean variance of a dimension.
        rounds: Draw the start in so many rounds, after the idea of Bahmani et al. (2012), where greedy k-means++ needs
            a pass over the rows for each centroid. For hundreds of centroids that need not be the best.
    """

    seed: int = 0
    max_iter: int = 100
    tol: float = 1e-4
    rounds: int | None = None

    def place(self, x: Matrix, n: int) -> np.ndarray:
        """Places `n` centroids.

        Shape:
            x: (n_rows, dim), float32.
            returns: (n, dim), float32.

        Raises:
            BudgetError: if `n` is below 1 or above n_rows.
            SettingError: if `max_iter` or `rounds` is below 1.
            RowError: if `x` holds numbers that are not finite.
        """
        n_rows = x.shape[0]
        if not 1 <= n <= n_rows:
            raise BudgetError(f"k-means needs 1 to {n_rows} centroids for {n_rows} rows; got {n}.")
        for name, value in (("max_iter", self.max_iter), ("rounds", self.rounds)):
            if value is not None and value < 1:
                raise SettingError(f"`{name}` must be at least 1; got {value}.")
        check_finite(x)
        rng = np.random.default_rng(self.seed)
        start = _plus_plus_start(x, n, rng) if self.rounds is None else _start_in_rounds(x, n, self.rounds, rng)
        return self._settle(x, start)

    def renew(self, x: Matrix, points: np.ndarray) -> np.ndarray:
        """Goes on from centroids of some of the rows; see `RenewablePlacement.renew`.

        Raises:
            RowError: if `x` holds numbers that are not finite.
        """
        check_finite(x)
        return self._settle(x, points)

    def _settle(self, x: Matrix, centroids: np.ndarray) -> np.ndarray:
        """Lloyd's iteration."""
        threshold = self.tol * _mean_variance(x)
        for _ in range(self.max_iter):
            moved = _lloyd_step(x, centroids)
            shift = float(((moved - centroids) ** 2).sum())
            centroids = moved
            if shift <= threshold:
                break
        return centroids


def squared_distances(block: np.ndarray, points: np.ndarray, norms: np.ndarray | None = None) -> np.ndarray:
    """Squared Euclidean distances by one matrix product.

    Args:
        block: Rows.
        points: Points.
        norms: Squared norms of the rows, if they are known.

    Shape:
        block: (n, dim); points: (m, dim); norms: (n,); returns: (n, m), float32, not negative.
    """
    cross = block @ (-2.0 * points.T)
    cross += squared_norms(block)[:, None] if norms is None else norms[:, None]
    cross += squared_norms(points)
    return np.maximum(cross, 0.0, out=cross)


def squared_norms(rows: np.ndarray) -> np.ndarray:
    """Squared Euclidean norms; shape (n, dim) in, (n,) out."""
    return np.einsum("ij,ij->i", rows, rows)


def _plus_plus_start(x: Matrix, n: int, rng: np.random.Generator) -> np.ndarray:
    """Greedy k-means++: of a few candidates drawn by squared distance, keep the one that lowers the sum most."""
    n_rows = x.shape[0]
    n_trials = 2 + int(np.log(n))
    part = own_part(n_rows)
    chosen = [int(rng.integers(n_rows))]
    norms = _norms(x, part)
    closest = _distances_to(x, part, np.asarray(chosen), norms)[:, 0]
    while len(chosen) < n:
        candidates = _drawn(closest.astype(np.float64), part, n_trials, rng)
        if candidates is None:  # fewer distinct rows than centroids: any row that is not taken will do
            candidates = rng.choice(np.setdiff1d(np.arange(n_rows), chosen), size=1)
        distances = np.minimum(_distances_to(x, part, candidates, norms), closest[:, None])
        best = int(np.argmin(summed(distances.sum(axis=0, dtype=np.float64))[0]))
        chosen.append(int(candidates[best]))
        closest = distances[:, best]
    return np.asarray(x[np.asarray(chosen)], dtype=np.float32).copy()


def _drawn(weights: np.ndarray, part: slice, n: int, rng: np.random.Generator) -> np.ndarray | None:
    """Rows drawn by their weights, of which each process holds its part; None if all are zero."""
    ends = np.cumsum(joined(weights.sum(keepdims=True)))
    index, total = process_index(), ends[-1]
    if not total > 0:
        return None
    drawn = rng.random(n) * total
    begin = ends[index - 1] if index else 0.0
    # Rounding may carry a draw beyond the end; the last process has a row for it.
    own = (drawn >= begin) & ((drawn < ends[index]) | (index == len(ends) - 1))
    found = np.zeros(n)
    places = np.searchsorted(np.cumsum(weights), drawn[own] - begin)
    found[own] = part.start + np.minimum(places, len(weights) - 1)
    return summed(found)[0].astype(np.int64)


def _start_in_rounds(x: Matrix, n: int, rounds: int, rng: np.random.Generator) -> np.ndarray:
    """Rows drawn by their squared distance to those of the rounds before."""
    part = own_part(x.shape[0])
    norms = _norms(x, part)
    chosen = rng.integers(x.shape[0], size=1)
    closest = _distances_to(x, part, chosen, norms)[:, 0]
    while len(chosen) < n:
        size = min(max(n // rounds, 1), n - len(chosen))
        weights = joined(closest).astype(np.float64)
        weights[chosen] = 0.0
        if np.count_nonzero(weights) < size:  # fewer distinct rows than centroids: any row that is not taken will do
            weights = np.ones(len(weights))
            weights[chosen] = 0.0
        drawn = rng.choice(len(weights), size=size, replace=False, p=weights / weights.sum())
        chosen = np.concatenate([chosen, drawn])
        if len(chosen) < n:
            closest = np.minimum(closest, _distances_to(x, part, drawn, norms).min(axis=1))
    return np.asarray(x[chosen], dtype=np.float32).copy()


def _norms(x: Matrix, part: slice) -> np.ndarray:
    out = np.empty(part.stop - part.start, dtype=np.float32)
    for where, block in iter_blocks(x, part=part):
        out[where] = squared_norms(block)
    return out


def _distances_to(x: Matrix, part: slice, positions: np.ndarray, norms: np.ndarray) -> np.ndarray:
    points = np.asarray(x[positions], dtype=np.float32)
    out = np.empty((len(norms), len(points)), dtype=np.float32)
    for where, block in iter_blocks(x, part=part):
        out[where] = squared_distances(block, points, norms[where])
    return out


def _mean_variance(x: Matrix) -> float:
    total = np.zeros(x.shape[1])
    squares = np.zeros(x.shape[1])
    for _, block in iter_blocks(x, part=own_part(x.shape[0])):
        total += block.sum(axis=0, dtype=np.float64)
        squares += np.einsum("ij,ij->j", block, block, dtype=np.float64)
    total, squares = summed(total, squares)
    mean = total / x.shape[0]
    return float(np.mean(squares / x.shape[0] - mean**2))


def _lloyd_step(x: Matrix, centroids: np.ndarray) -> np.ndarray:
    """One assignment and one update; an empty cluster moves to the row that lies farthest from its centroid."""
    n = len(centroids)
    sums = np.zeros(centroids.shape, dtype=np.float64)
    counts = np.zeros(n, dtype=np.int64)
    part = own_part(x.shape[0])
    own = np.empty(part.stop - part.start, dtype=np.float32)
    centre_norms = squared_norms(centroids)
    for where, block in iter_blocks(x, int(np.clip(_CELLS // n, 256, BLOCK_ROWS)), part=part):
        # Squared distances less the norms of the rows, which do not change which is nearest.
        cross = block @ (-2.0 * centroids.T)
        cross += centre_norms
        nearest = cross.argmin(axis=1)
        own[where] = cross[np.arange(len(block)), nearest] + squared_norms(block)
        # A sparse product adds each row once, where a dense one would add it `n` times, nearly always times zero.
        ones = np.ones(len(block), dtype=np.float32)
        sums += csr_array((ones, (nearest, np.arange(len(block)))), shape=(n, len(block))) @ block
        counts += np.bincount(nearest, minlength=n)
    sums, counts = summed(sums, counts)
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        far = np.argsort(-own, kind="stable")[: len(empty)]
        distances, rows = joined(own[far]), joined(part.start + far)
        sums[empty] = x[rows[np.argsort(-distances, kind="stable")[: len(empty)]]]
        counts[empty] = 1
    return (sums / counts[:, None]).astype(np.float32)
