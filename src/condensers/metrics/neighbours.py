"""Precision and recall, density and coverage: who lies in whose ball of k nearest neighbours."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from condensers.embedding import Matrix
from condensers.metrics.buckets import rows_of, sample_positions
from condensers.metrics.distances import (
    blocks,
    centre_of,
    check_neighbours,
    closer,
    lower_bounds,
    nearest_others,
    nearest_radii,
)
from condensers.metrics.inputs import as_vectors
from condensers.metrics.resampling import Values, resample_counts

# Pairs of a sample and the references from which a null distribution has few samples, and how many.
_MANY_PAIRS, _FEW_SAMPLES = 20_000_000, 20
# Rows from which the foil draws its coordinates, if there are so many.
_POOL = 1000


@dataclass(frozen=True)
class _Contacts:
    """Who lies in whose ball.

    Shape:
        hits: (n_predictions,), balls of references that hold a prediction.
        covered: (n_references,), whether a reference's ball holds a prediction.
        recalled: (n_references,), whether a prediction's ball holds the reference.
    """

    hits: np.ndarray
    covered: np.ndarray
    recalled: np.ndarray


def _contacts(
    predictions: Matrix,
    references: Matrix,
    *,
    reference_radii: np.ndarray | None = None,
    prediction_radii: np.ndarray | None = None,
) -> _Contacts:
    """One pass over the blocks of both sets; balls without radii are left out."""
    n_references = references.shape[0]
    hits = np.zeros(predictions.shape[0], dtype=np.int64)
    covered, recalled = np.zeros(n_references, dtype=bool), np.zeros(n_references, dtype=bool)
    centre = centre_of(references)
    for one in blocks(predictions, centre):
        for other in blocks(references, centre):
            bounds = lower_bounds(one, other)
            if reference_radii is not None:
                i, j = closer(bounds, one, other, reference_radii[None, other.where])
                hits[one.where] += np.bincount(i, minlength=len(one.rows))
                covered[j + other.where.start] = True
            if prediction_radii is not None:
                _, j = closer(bounds, one, other, prediction_radii[one.where, None])
                recalled[j + other.where.start] = True
    return _Contacts(hits, covered, recalled)


class _NeighbourComparison:
    """What both comparisons share: the balls of the references, who is whose neighbour, and the foils.

    A row of the references that is judged as though it were not among them lies in the ball of each other row that has
    it among its k nearest: that ball reaches to the k-th nearest of those that are left. So the null distributions of
    precision, density and coverage need the lists of neighbours and no further distances.
    """

    def __init__(self, predictions: Matrix, references: Matrix, k: int, *, n_least: int) -> None:
        self._predictions, self._references = as_vectors(predictions, references)
        self.n_references = self._references.shape[0]
        self._k = k
        check_neighbours(self._predictions, k, n_least, "predictions")
        # One more than k: whoever judges a reference row without itself needs k others of the rest.
        check_neighbours(self._references, k, k + 2, "references")
        found, squared = nearest_others(self._references, k + 1, "references")
        self._radii = squared[:, k - 1]
        # Where the next row is just as far, the ball that reaches to it does not hold this one.
        self._lists = np.where(squared[:, :k] < squared[:, k:], found[:, :k], -1)
        self._listed = np.bincount(self._lists[self._lists >= 0], minlength=self.n_references)

    def _sample(self, rng: np.random.Generator) -> np.ndarray:
        return sample_positions(self.n_references, self._predictions.shape[0], rng)

    def _shuffled(self, rng: np.random.Generator) -> np.ndarray:
        """Hits of rows each coordinate of which is that of another reference; shape (n_predictions,)."""
        size, dim = self._predictions.shape
        some = sample_positions(self.n_references, min(self.n_references, max(size, _POOL)), rng)
        pool = rows_of(self._references, some)
        rows = pool[rng.integers(len(pool), size=(size, dim)), np.arange(dim)]
        return _contacts(rows, self._references, reference_radii=self._radii).hits


def _resampled_means(values: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Means of bootstrap resamples; shape (n_rows,) in, (n,) out."""
    levels, counts = np.unique(values, return_counts=True)
    return resample_counts(counts / len(values), len(values), n, rng) @ levels.astype(np.float64)


def _with_f1(precision: np.ndarray, recall: np.ndarray) -> dict[str, np.ndarray]:
    total = precision + recall
    f1 = np.divide(2.0 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    return {"precision": precision, "recall": recall, "f1": f1}


class PrecisionRecall(_NeighbourComparison):
    r"""A `Comparison` by improved precision and recall (Kynkaanniemi et al. 2019, Eqs. 1 and 2), and their F1.

    Precision is the share of predictions in the ball of a reference, recall that of references in the ball of a
    prediction; balls are open and reach to the k-th nearest row of their own set:

    .. math:: \text{precision} = \frac1m \sum_j 1\big[\exists i: \lVert y_j - x_i \rVert < r_k(x_i)\big], \quad
       \text{recall} = \frac1n \sum_i 1\big[\exists j: \lVert x_i - y_j \rVert < r_k(y_j)\big]

    A prediction that is a row of the references lies in that row's ball, so rows that were selected from the
    references have a precision of 1, more than fresh rows have; the null distribution is of fresh rows.

    Args:
        predictions: Rows to be judged, y.
        references: Rows to compare with, x.
        k: Neighbours a ball reaches to. The paper takes 3; 5 is the default of the package prdc.

    Shape:
        predictions: (n_predictions, dim); references: (n_references, dim).

    Raises:
        SettingError: if `k` is below 1.
        BudgetError: if there are fewer than k + 1 predictions or k + 2 references.
        RowError: if a side is empty, holds NaN, or has vectors of another dimension than the other.
    """

    def __init__(self, predictions: Matrix, references: Matrix, k: int = 5) -> None:
        super().__init__(predictions, references, k, n_least=k + 1)
        own = nearest_radii(self._predictions, k)
        found = _contacts(self._predictions, self._references, reference_radii=self._radii, prediction_radii=own)
        self._precise, self._recalled = found.hits > 0, found.recalled

    def value(self) -> dict[str, float]:
        """Scores of the predictions."""
        return _single(_with_f1(self._precise.mean(keepdims=True), self._recalled.mean(keepdims=True)))

    def bootstrap(self, n: int, rng: np.random.Generator) -> Values:
        """Scores of resamples of who lies in a ball: of predictions for precision, of references for recall.

        The balls stay. A resample of the rows themselves repeats some, and a row with k twins has a ball of radius 0.
        """
        return _with_f1(_resampled_means(self._precise, n, rng), _resampled_means(self._recalled, n, rng))

    def null(self, n: int, rng: np.random.Generator) -> Values:
        """Scores of samples of the references, judged as though they were not among them.

        Recall is over the rows that are not in the sample. That wants some to be left: of more predictions than half
        the references, the sample for recall is half the references, which widens its distribution a little and hardly
        moves it, for balls shrink as fast as their number grows. Precision keeps the number of predictions, with
        replacement if they outnumber the references.

        Where predictions times references exceed 20 million, 20 samples are drawn and repeated to length n.
        """
        size = self._predictions.shape[0]
        drawn = n if size * self.n_references <= _MANY_PAIRS else min(n, _FEW_SAMPLES)
        precision, recall = np.empty(drawn), np.empty(drawn)
        most = max(self.n_references // 2, self._k + 1)
        for number in range(drawn):
            sample = self._sample(rng)
            precision[number] = (self._listed[sample] > 0).mean()
            if size > most:
                sample = sample_positions(self.n_references, most, rng)
            recall[number] = self._recall(sample)
        return {name: np.resize(values, n) for name, values in _with_f1(precision, recall).items()}

    def foil(self, rng: np.random.Generator) -> dict[str, float]:
        """Scores of two wrong sets.

        Precision is of rows whose coordinates are drawn independently from the references; recall, 0, of one reference
        row repeated, whose balls are empty; F1 is of both numbers.
        """
        precision = (self._shuffled(rng) > 0).mean(keepdims=True)
        return _single(_with_f1(precision, np.zeros(1)))

    def _recall(self, sample: np.ndarray) -> float:
        rows = rows_of(self._references, sample)
        found = _contacts(rows, self._references, prediction_radii=nearest_radii(rows, self._k))
        return float(np.delete(found.recalled, sample).mean())


class DensityCoverage(_NeighbourComparison):
    r"""A `Comparison` by density and coverage (Naeem et al. 2020, Eqs. 5 and 7).

    Density is the mean number of reference balls a prediction lies in, over k: about 1 for true samples, and not
    bounded by it. Coverage is the share of references whose ball holds a prediction:

    .. math:: \text{density} = \frac{1}{k m} \sum_j \sum_i 1\big[\lVert y_j - x_i \rVert < r_k(x_i)\big], \quad
       \text{coverage} = \frac1n \sum_i 1\big[\exists j: \lVert y_j - x_i \rVert < r_k(x_i)\big]

    A prediction that is a row of the references lies in that row's ball, so rows that were selected from the
    references score higher than fresh rows do; the null distribution is of fresh rows.

    Args:
        predictions: Rows to be judged, y; one is enough.
        references: Rows to compare with, x.
        k: Neighbours a ball reaches to.

    Shape:
        predictions: (n_predictions, dim); references: (n_references, dim).

    Raises:
        SettingError: if `k` is below 1.
        BudgetError: if there are fewer than k + 2 references.
        RowError: if a side is empty, holds NaN, or has vectors of another dimension than the other.
    """

    def __init__(self, predictions: Matrix, references: Matrix, k: int = 5) -> None:
        super().__init__(predictions, references, k, n_least=1)
        found = _contacts(self._predictions, self._references, reference_radii=self._radii)
        self._hits, self._covered = found.hits, found.covered

    def value(self) -> dict[str, float]:
        """Scores of the predictions."""
        return {"density": float(self._hits.mean() / self._k), "coverage": float(self._covered.mean())}

    def bootstrap(self, n: int, rng: np.random.Generator) -> Values:
        """Scores of resamples of who lies in a ball: of predictions for density, of references for coverage.

        The balls stay. A resample of the rows themselves repeats some, and a row with k twins has a ball of radius 0.
        """
        return {
            "density": _resampled_means(self._hits, n, rng) / self._k,
            "coverage": _resampled_means(self._covered, n, rng),
        }

    def null(self, n: int, rng: np.random.Generator) -> Values:
        r"""Scores of samples of the references, judged as though they were not among them.

        Density is of a sample of as many rows as predictions; with replacement if they outnumber the references.

        Coverage is over the rows that are not in the sample. Of the k rows nearest to one of n references, none is
        among m fresh ones with a chance of about :math:`(n / (n + m))^k`, and none in a sample of m' of the references
        with :math:`((n - m') / n)^k`. So m' = m n / (m + n) rows are drawn: as many as m where m is small, and fewer
        than n always.
        """
        size = self._predictions.shape[0]
        few = int(np.clip(round(size * self.n_references / (size + self.n_references)), 1, self.n_references - 1))
        density, coverage = np.empty(n), np.empty(n)
        for number in range(n):
            density[number] = self._listed[self._sample(rng)].mean() / self._k
            # The last place is that of -1, no neighbour.
            inside = np.zeros(self.n_references + 1, dtype=bool)
            inside[sample_positions(self.n_references, few, rng)] = True
            covered = np.any(inside[self._lists], axis=1)[~inside[: self.n_references]]
            coverage[number] = covered.mean()
        return {"density": density, "coverage": coverage}

    def foil(self, rng: np.random.Generator) -> dict[str, float]:
        """Density of rows whose coordinates are drawn independently from the references; coverage of one, repeated."""
        row = rows_of(self._references, rng.integers(self.n_references, size=1))
        covered = _contacts(row, self._references, reference_radii=self._radii).covered
        return {"density": float(self._shuffled(rng).mean() / self._k), "coverage": float(covered.mean())}


def _single(values: Mapping[str, np.ndarray]) -> dict[str, float]:
    return {name: float(found[0]) for name, found in values.items()}
