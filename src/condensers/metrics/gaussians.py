"""The Frechet distance of two sets of vectors, each as the Gaussian that fits it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import eigh
from scipy.linalg.blas import dsyrk

from condensers.embedding import Matrix, iter_blocks
from condensers.errors import RowError
from condensers.metrics.buckets import fresh_pair, rows_of
from condensers.metrics.inputs import as_vectors
from condensers.metrics.resampling import Values

# So few that a block in float64 stays in the cache of a processor.
_BLOCK_ROWS = 1024
# From so many references a dimension their Gaussian hardly varies, and to fit it anew costs a second or more.
_PLENTY = 20


@dataclass(frozen=True)
class Gaussian:
    r"""Mean and covariance, the latter whole or as a thin factor.

    Attributes:
        mean: Mean.
        spread: The covariance, or if `thin` a matrix :math:`X` with :math:`X^\top X` the covariance.
        thin: Which of both `spread` is.

    Shape:
        mean: (dim,); spread: (dim, dim), or (n, dim) with n at most dim; float64.
    """

    mean: np.ndarray
    spread: np.ndarray
    thin: bool = False

    @cached_property
    def factor(self) -> np.ndarray:
        r"""A matrix :math:`X` with :math:`X^\top X` the covariance; shape (rank, dim)."""
        if self.thin:
            return self.spread
        variances, axes = np.linalg.eigh(self.spread)
        held = variances > len(variances) * np.finfo(np.float64).eps * max(variances[-1], 0.0)
        return np.sqrt(variances[held])[:, None] * axes[:, held].T

    @property
    def variance(self) -> float:
        """Trace of the covariance."""
        return float(np.square(self.spread).sum() if self.thin else np.trace(self.spread))

    def along(self, directions: np.ndarray) -> np.ndarray:
        """Covariance of projections on some directions; shape (n, dim) in, (n, n) out."""
        if self.thin:
            projected = directions @ self.spread.T
            return projected @ projected.T
        return directions @ self.spread @ directions.T


def fit_gaussian(x: Matrix, counts: np.ndarray | None = None) -> Gaussian:
    """Fits a Gaussian to rows, in float64 and two passes over blocks.

    The covariance divides by the number of rows less one. That of a single row is zero, by definition here.

    Args:
        x: Rows.
        counts: How often each row is in the set, as in a bootstrap resample; once, by default.

    Shape:
        x: (n_rows, dim); counts: (n_rows,).
    """
    n_rows, dim = x.shape
    total = n_rows if counts is None else int(counts.sum())
    mean = np.zeros(dim)
    for where, block in iter_blocks(x):
        mean += block.sum(axis=0, dtype=np.float64) if counts is None else counts[where] @ block.astype(np.float64)
    mean /= total
    divisor = max(total - 1.0, 1.0)
    if n_rows <= dim:
        rows = np.concatenate([_centred(block, mean, where, counts) for where, block in iter_blocks(x)])
        return Gaussian(mean, rows / np.sqrt(divisor), thin=True)
    # By SciPy, as the eigenvalues are: the threads of its BLAS and of NumPy's wait for each other's processor.
    covariance = np.zeros((dim, dim), order="F")
    for where, block in iter_blocks(x, _BLOCK_ROWS):
        centred = _centred(block, mean, where, counts)
        covariance = dsyrk(1 / divisor, centred.T, beta=1.0, c=covariance, overwrite_c=True, lower=True)
    covariance += np.tril(covariance, -1).T
    return Gaussian(mean, covariance)


def _centred(block: np.ndarray, mean: np.ndarray, where: slice, counts: np.ndarray | None) -> np.ndarray:
    """Rows less the mean, each that is in the set times the root of how often it is; shape (n, dim), float64."""
    if counts is None:
        centred = block.astype(np.float64)
        centred -= mean
        return centred
    drawn = counts[where] > 0
    return (block[drawn] - mean) * np.sqrt(counts[where][drawn])[:, None]


def frechet_distance(mean1: np.ndarray, cov1: np.ndarray, mean2: np.ndarray, cov2: np.ndarray) -> float:
    r"""Squared Frechet distance between two Gaussians (Heusel et al. 2017, Eq. 6).

    .. math:: \lVert \mu_1 - \mu_2 \rVert^2 + \mathrm{tr}\big(\Sigma_1 + \Sigma_2 - 2 (\Sigma_1 \Sigma_2)^{1/2}\big)

    The product of the covariances has the eigenvalues of the symmetric :math:`R^\top \Sigma_1 R` with
    :math:`R R^\top = \Sigma_2`, so no root of a matrix that is not symmetric is taken.

    Example:
        >>> frechet_distance(np.zeros(1), np.eye(1), np.array([3.0]), 4 * np.eye(1))
        10.0

    Shape:
        mean1, mean2: (dim,); cov1, cov2: (dim, dim), symmetric.

    Raises:
        RowError: if the shapes do not fit or a number is not finite.
    """
    sides = [
        (np.asarray(mean, dtype=np.float64), np.asarray(cov, dtype=np.float64))
        for mean, cov in ((mean1, cov1), (mean2, cov2))
    ]
    dim = sides[1][0].shape
    for mean, cov in sides:
        if mean.ndim != 1 or mean.shape != dim or cov.shape != dim * 2:
            raise RowError(
                f"means must be of shape (dim,) and covariances of shape (dim, dim), with one dim; got {mean.shape} "
                f"and {cov.shape}. Fit both Gaussians to vectors of one model."
            )
        if not (np.isfinite(mean).all() and np.isfinite(cov).all()):
            raise RowError("means and covariances must be finite; got NaN or infinity. Check the vectors for it.")
    return _distance(Gaussian(*sides[0]), Gaussian(*sides[1]))


def _distance(one: Gaussian, other: Gaussian) -> float:
    gap = float(np.square(one.mean - other.mean).sum())
    return max(gap + one.variance + other.variance - 2.0 * _trace_of_root(one, other), 0.0)


def _trace_of_root(one: Gaussian, other: Gaussian) -> float:
    values = _eigenvalues_of_product(one, other)
    # What rounding makes of a zero is below this, on either side of it; its root would not be small.
    noise = len(values) * np.finfo(np.float64).eps * values.max(initial=0.0)
    return float(np.sqrt(values[values > noise]).sum())


def _eigenvalues_of_product(one: Gaussian, other: Gaussian) -> np.ndarray:
    """Those of the product of both covariances that can differ from zero, rising."""
    if not (one.thin or other.thin):
        try:
            return eigh(one.spread, other.spread, type=2, eigvals_only=True, driver="gv", check_finite=False)
        except np.linalg.LinAlgError:  # the second is without full rank, if only by rounding
            pass
    # They are those of X S X^T, whichever of the two covariances is X^T X: the thinner X is cheaper. Where neither is
    # thin, the second's root is taken, which callers hold on to.
    sizes = [len(side.spread) if side.thin else np.inf for side in (one, other)]
    thin, wide = (one, other) if sizes[0] < sizes[1] else (other, one)
    return np.linalg.eigvalsh(wide.along(thin.factor))


class GaussianComparison:
    r"""A `Comparison` by the Frechet distance, ``fid``.

    Sets of fewer rows than dimensions have a covariance without full rank, and so a distance far above 0 even where
    they are true samples: read the score beside its null distribution.

    Args:
        predictions: Rows to be judged.
        references: Rows to compare with.

    Shape:
        predictions: (n_predictions, dim); references: (n_references, dim).

    Raises:
        RowError: if a side is empty, holds NaN, or has vectors of another dimension than the other.
    """

    def __init__(self, predictions: Matrix, references: Matrix) -> None:
        self._predictions, self._references = as_vectors(predictions, references)
        self.n_references = self._references.shape[0]
        self._gaussian = fit_gaussian(self._references)

    def value(self) -> dict[str, float]:
        """Score of the predictions."""
        return self._score(self._predictions)

    def bootstrap(self, n: int, rng: np.random.Generator) -> Values:
        """Scores of resamples of both sets.

        With 20 references a dimension or more only the predictions are resampled, and the Gaussian of the references
        stays as it is: to fit it anew would take a second or more a resample, and with so many rows it hardly varies.
        """
        dim = self._references.shape[1]
        found = np.empty(n)
        for number in range(n):
            other = self._gaussian
            if self.n_references < _PLENTY * dim:
                other = fit_gaussian(self._references, _drawn(self.n_references, rng))
            one = fit_gaussian(self._predictions, _drawn(self._predictions.shape[0], rng))
            found[number] = _distance(one, other)
        return {"fid": found}

    def null(self, n: int, rng: np.random.Generator) -> Values:
        """Scores of pairs of samples of the references that differ as fresh rows differ from them; see `fresh_pair`.

        A sample scored against all references, itself among them, would score far less than fresh rows do: half of it,
        where it is a third of them. Where neither set has more rows than dimensions, these are off by up to a sixth.
        """
        found = np.empty(n)
        for number in range(n):
            few, many = fresh_pair(self.n_references, self._predictions.shape[0], rng)
            found[number] = _distance(fit_gaussian(rows_of(self._references, few)), self._of_some(many))
        return {"fid": found}

    def foil(self, rng: np.random.Generator) -> dict[str, float]:
        """Score of one reference row, repeated: no variance at all."""
        return self._score(rows_of(self._references, rng.integers(self.n_references, size=1)))

    def _of_some(self, rows: np.ndarray) -> Gaussian:
        """The Gaussian of some references; if most of many, by taking the others out of that of all."""
        n, dim = self._references.shape
        if n <= 2 * dim or 2 * len(rows) <= n:
            return fit_gaussian(self._references, np.bincount(rows, minlength=n))
        others = np.delete(np.arange(n), rows)
        apart = rows_of(self._references, others) - self._gaussian.mean
        gone = apart.sum(axis=0)
        scatter = (n - 1) * self._gaussian.spread - apart.T @ apart - np.outer(gone, gone) / len(rows)
        return Gaussian(self._gaussian.mean - gone / len(rows), scatter / (len(rows) - 1))

    def _score(self, rows: Matrix) -> dict[str, float]:
        return {"fid": _distance(fit_gaussian(rows), self._gaussian)}


def _drawn(n_rows: int, rng: np.random.Generator) -> np.ndarray:
    return np.bincount(rng.integers(n_rows, size=n_rows), minlength=n_rows)
