"""Points from which kernel ridge regression predicts the labels of all rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from condensers.embedding import EmbeddedRows, Matrix, check_finite
from condensers.errors import BudgetError, SettingError
from condensers.placement.kmeans import KMeansCentroids
from condensers.placement.label_moments import LabelMoments


@dataclass(frozen=True)
class InducingPoints:
    r"""Kernel inducing points (KIP: Nguyen, Chen and Lee 2021), in the space of embeddings.

    Moves points :math:`Z` on the unit sphere so as to minimise, over all rows,

    .. math:: \mathbb{E}\,\lVert k(x, Z)\,(k(Z, Z) + \lambda I)^{-1} Y - y \rVert^2, \qquad k(x, z) = x^\top z + 1,

    from a start at the centroids of k-means, by L-BFGS with the gradient in closed form. The labels of the points are
    those of their classes and stay so, since each point is to become a row of its class. The paper's kernels are those
    of infinitely wide networks on raw pixels, which it meets in mini-batches; with a linear kernel on embeddings all
    rows enter through two matrices of moments (`LabelMoments`), so a step costs the same for any number of rows.

    Free points fit better than rows do, and no row need lie near them. On tweet_irony a linear probe learns as much
    from ten points a class as from all rows, and from the rows nearest to them no more than from those of K-Center;
    holding the points near their start by a penalty did not change that. Where real rows are wanted, `KRRExchange`
    searches among them.

    Attributes:
        ridge: :math:`\lambda`.
        max_iter: Steps of L-BFGS at most.
        seed: Seed of the start.

    Raises:
        SettingError: if `ridge` is not positive or `max_iter` below 1.
    """

    ridge: float = 1.0
    max_iter: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.ridge > 0:
            raise SettingError(f"`ridge` must be above 0; got {self.ridge!r}.")
        if self.max_iter < 1:
            raise SettingError(f"`max_iter` must be at least 1; got {self.max_iter!r}.")

    def place_by_class(
        self, rows: EmbeddedRows, codes: np.ndarray, counts: Mapping[int, int]
    ) -> dict[int, np.ndarray]:
        """Places `counts[code]` points for each class; see `SupervisedPlacement.place_by_class`.

        Shape:
            returns: by class code, (counts[code], dim), float32, of unit length.

        Raises:
            BudgetError: if a class has fewer rows than are asked for.
            RowError: if vectors hold numbers that are not finite.
        """
        check_finite(rows.vectors)
        moments = LabelMoments.of(rows.vectors, codes)
        of_points = np.repeat(list(counts), list(counts.values()))
        start = _unit(np.concatenate([self._centroids(rows.vectors, codes, *share) for share in counts.items()]))
        points = self._descend(start, moments, moments.labels(of_points)).astype(np.float32)
        return {code: points[of_points == code] for code in counts}

    def _centroids(self, x: Matrix, codes: np.ndarray, code: int, n: int) -> np.ndarray:
        own = np.flatnonzero(codes == code)
        if len(own) < n:
            raise BudgetError(f"cannot place {n} points for the {len(own)} rows of class {code}. Lower the budget.")
        return KMeansCentroids(seed=self.seed).place(x[own], n)

    def _descend(self, start: np.ndarray, moments: LabelMoments, labels: np.ndarray) -> np.ndarray:
        from scipy.optimize import minimize  # noqa: PLC0415  (a tenth of a second, for those who need it)

        def loss(free: np.ndarray) -> tuple[float, np.ndarray]:
            z = free.reshape(start.shape)
            norms = np.linalg.norm(z, axis=1, keepdims=True)
            unit = z / norms
            value, gradient = moments.loss_and_gradient(unit, labels, self.ridge)
            # Along the sphere: lengths are free, and change nothing.
            along = gradient - unit * np.sum(gradient * unit, axis=1, keepdims=True)
            return value, (along / norms).ravel()

        found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": self.max_iter})
        return _unit(found.x.reshape(start.shape))


def _unit(points: np.ndarray) -> np.ndarray:
    points = np.asarray(points, dtype=np.float64)
    return points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), np.finfo(np.float64).tiny)
