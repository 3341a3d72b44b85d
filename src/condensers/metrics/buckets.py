"""Two sets of vectors as two histograms over the same buckets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from condensers.embedding import Matrix, VectorRows, iter_blocks
from condensers.errors import BudgetError
from condensers.metrics.resampling import Values, resample_counts
from condensers.placement import KMeansCentroids
from condensers.selection import nearest_of

_VARIANCE = 0.9

# Histograms to scores; shape (n, n_buckets) twice, and (n_buckets, dim); returns (n,) by name.
Divergences = Callable[[np.ndarray, np.ndarray, np.ndarray], Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class Buckets:
    """Which bucket each row falls into.

    Attributes:
        centroids: Centres of the buckets, on the principal axes.
        predictions: Bucket of each prediction.
        references: Bucket of each reference.

    Shape:
        centroids: (n_buckets, n_axes); predictions: (n_predictions,); references: (n_references,), int64.
    """

    centroids: np.ndarray
    predictions: np.ndarray
    references: np.ndarray

    @property
    def n_buckets(self) -> int:
        """Number of buckets."""
        return len(self.centroids)

    def shares(self, rows: np.ndarray) -> np.ndarray:
        """Share of rows in each bucket; shape (n_rows,) in, (n_buckets,) out."""
        return np.bincount(rows, minlength=self.n_buckets) / len(rows)


def default_buckets(n_references: int) -> int:
    """Buckets for a reference set: the square root of its size, from 2 to 500.

    It does not depend on the predictions. MAUVE's own rule, a tenth of the smaller set, gives 20 condensed rows two
    buckets, in which every set looks alike.
    """
    return int(np.clip(round(np.sqrt(n_references)), 2, 500))


def quantise(
    predictions: Matrix,
    references: Matrix,
    *,
    n_buckets: int | None = None,
    together: bool = False,
    seed: int = 0,
) -> Buckets:
    """Quantises two sets by k-means on the principal components that hold 90% of the variance.

    Both as in Pillutla et al. (2021), Section 3, except for which rows the buckets are fitted on.

    Args:
        predictions: Rows to be judged.
        references: Rows to compare with.
        n_buckets: Number of buckets; None takes `default_buckets`.
        together: Fit the buckets on both sets, as they do, instead of on the references alone. Then the buckets
            depend on what is judged.
        seed: Seed of k-means.

    Shape:
        predictions: (n_predictions, dim); references: (n_references, dim).

    Raises:
        BudgetError: if there are more buckets than rows to fit them on, or fewer than 2.
    """
    n_rows = references.shape[0] + (predictions.shape[0] if together else 0)
    n_buckets = default_buckets(references.shape[0]) if n_buckets is None else n_buckets
    if not 2 <= n_buckets <= n_rows:
        raise BudgetError(f"`n_buckets` must be from 2 to {n_rows}, the rows that k-means sees; got {n_buckets}.")
    axes = principal_axes(np.concatenate([predictions[:], references[:]]) if together else references)
    few, many = _projected(predictions, axes), _projected(references, axes)
    # Buckets need not be the best ones: ten passes are within 1% of the sum of squares that a hundred reach.
    means = KMeansCentroids(seed=seed, max_iter=10, rounds=4)
    centroids = means.place(np.concatenate([few, many]) if together else many, n_buckets)
    return Buckets(centroids, nearest_of(few, centroids), nearest_of(many, centroids))


def principal_axes(x: Matrix, *, share: float = _VARIANCE) -> np.ndarray:
    """The axes of greatest variance that together hold a share of it; one at least.

    Shape:
        x: (n_rows, dim); returns: (dim, n_axes), float32.
    """
    n_rows, dim = x.shape
    total, squares = np.zeros(dim), np.zeros((dim, dim))
    for _, block in iter_blocks(x):
        total += block.sum(axis=0, dtype=np.float64)
        squares += block.T @ block
    mean = total / n_rows
    variances, axes = np.linalg.eigh(squares / n_rows - np.outer(mean, mean))
    held = np.cumsum(np.maximum(variances[::-1], 0.0))
    n_axes = int(np.searchsorted(held, share * held[-1])) + 1
    return axes[:, ::-1][:, : min(n_axes, dim)].astype(np.float32)


def _projected(x: Matrix, axes: np.ndarray) -> np.ndarray:
    return np.concatenate([block @ axes for _, block in iter_blocks(x)])


class BucketComparison:
    """A `Comparison` by divergences of two histograms.

    The foil repeats one row of the reference set: a set without any variety.
    """

    def __init__(self, buckets: Buckets, divergences: Divergences) -> None:
        self.n_references = len(buckets.references)
        self._buckets = buckets
        self._divergences = divergences
        self._p = buckets.shares(buckets.predictions)
        self._q = buckets.shares(buckets.references)

    def value(self) -> dict[str, float]:
        """Scores of the predictions."""
        return self._single(self._p)

    def bootstrap(self, n: int, rng: np.random.Generator) -> Values:
        """Scores of resamples of both sets; the buckets stay."""
        p = resample_counts(self._p, len(self._buckets.predictions), n, rng)
        q = resample_counts(self._q, self.n_references, n, rng)
        return self._divergences(p, q, self._buckets.centroids)

    def null(self, n: int, rng: np.random.Generator) -> Values:
        """Scores of two sets drawn with the shares of the references, as large as both sets are.

        Not of part of the references against all of them: those share rows, which brings them nearer to each other
        than fresh rows are.
        """
        p = resample_counts(self._q, len(self._buckets.predictions), n, rng)
        q = resample_counts(self._q, self.n_references, n, rng)
        return self._divergences(p, q, self._buckets.centroids)

    def foil(self, rng: np.random.Generator) -> dict[str, float]:
        """Scores of one reference row, repeated."""
        alone = np.zeros_like(self._p)
        alone[self._buckets.references[rng.integers(self.n_references)]] = 1.0
        return self._single(alone)

    def _single(self, p: np.ndarray) -> dict[str, float]:
        found = self._divergences(p[None], self._q[None], self._buckets.centroids)
        return {name: float(values[0]) for name, values in found.items()}


def sample_positions(n_rows: int, size: int, rng: np.random.Generator | int = 0) -> np.ndarray:
    """Positions of a sample of rows, without replacement where there are enough.

    Args:
        n_rows: Rows to draw from.
        size: How many to draw.
        rng: Where chance comes from, or a seed.

    Shape:
        returns: (size,), int64, sorted.
    """
    return np.sort(np.random.default_rng(rng).choice(n_rows, size=size, replace=size > n_rows))


def fresh_pair(n_references: int, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    r"""Positions of two samples of the references that differ as fresh rows differ from all of them.

    Means of p and q rows of one set, of which both samples share o, differ with a variance proportional to
    :math:`1/p + 1/q - 2o/(pq)`; those of m fresh rows and of n references with :math:`1/m + 1/n`. Both are the same
    where the first sample has m rows, and the second all others and :math:`o = m^2 / (2n + m)` of those. Of more fresh
    rows than references, the first is all references, and the second :math:`mn / (n + 2m)` of them. No sample holds a
    row twice, which would cost a covariance part of its rank.

    Args:
        n_references: Rows to draw from.
        size: How many fresh rows there would be, m.
        rng: Where chance comes from.

    Shape:
        returns: (min(size, n_references),) and (n_second,), int64, each sorted; one at least.
    """
    order = rng.permutation(n_references)
    if size > n_references:
        n_second = max(round(size * n_references / (n_references + 2 * size)), 1)
        return np.sort(order), np.sort(order[:n_second])
    shared = round(size**2 / (2 * n_references + size))
    return np.sort(order[:size]), np.sort(order[min(size - shared, n_references - 1) :])


def rows_of(references: Matrix, positions: np.ndarray) -> np.ndarray:
    """Rows of a matrix, in memory; shape (n, dim), float32."""
    return np.asarray(VectorRows(references, positions)[:], dtype=np.float32)
