"""What kernel ridge regression on a few points has to know of many rows: two matrices of moments."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from condensers.embedding import Matrix, iter_blocks


@dataclass(frozen=True)
class LabelMoments:
    r"""Moments of rows and their labels, from which the error of any linear prediction of the labels follows.

    A row is :math:`\phi = (x, 1)`, its label :math:`y` is one-hot less :math:`1/C`, and classes count the same however
    many rows they have. For weights :math:`W` the mean squared error over all rows is

    .. math:: \mathbb{E}\lVert W^\top \phi - y \rVert^2
        = \operatorname{tr} W^\top G W - 2 \operatorname{tr} W^\top B + p, \qquad
        G = \mathbb{E}\,\phi\phi^\top, \quad B = \mathbb{E}\,\phi y^\top, \quad p = \mathbb{E}\lVert y \rVert^2,

    so one pass over the rows is enough, and what comes after costs the same for any number of them.

    Attributes:
        gram: :math:`G`; shape (dim + 1, dim + 1), float64.
        cross: :math:`B`; shape (dim + 1, n_classes), float64.
        power: :math:`p`, the error of predicting nothing.
        classes: Class codes in the order of the columns; shape (n_classes,), int64.
    """

    gram: np.ndarray
    cross: np.ndarray
    power: float
    classes: np.ndarray

    @classmethod
    def of(cls, x: Matrix, codes: np.ndarray) -> Self:
        """Reads the moments off the rows, a block at a time.

        Shape:
            x: (n_rows, dim), float32; codes: (n_rows,), int64.
        """
        classes, places, sizes = np.unique(codes, return_inverse=True, return_counts=True)
        n_classes, width = len(classes), x.shape[1] + 1
        gram, sums = np.zeros((width, width)), np.zeros((width, n_classes))
        for where, block in iter_blocks(x):
            phi = with_bias(block).astype(np.float64)
            weights = 1.0 / (n_classes * sizes[places[where]])
            gram += (phi * weights[:, None]).T @ phi
            for k in np.unique(places[where]).tolist():
                own = places[where] == k
                sums[:, k] += weights[own] @ phi[own]
        cross = sums - sums.sum(axis=1, keepdims=True) / n_classes
        return cls(gram, cross, 1.0 - 1.0 / n_classes, classes)

    def labels(self, codes: Iterable[int] | np.ndarray) -> np.ndarray:
        """One-hot labels less their mean over the classes.

        Shape:
            codes: (n,); returns: (n, n_classes), float64.
        """
        places = np.searchsorted(self.classes, np.asarray(codes))
        return np.eye(len(self.classes))[places] - 1.0 / len(self.classes)

    def weights(self, ridge: float) -> np.ndarray:
        """Weights of ridge regression on all rows; shape (dim + 1, n_classes)."""
        return np.linalg.solve(self.gram + ridge * np.eye(len(self.gram)), self.cross)

    def error(self, weights: np.ndarray) -> float:
        """Mean squared error of a linear prediction over all rows.

        Shape:
            weights: (dim + 1, n_classes).
        """
        return float(np.vdot(weights, self.gram @ weights) - 2.0 * np.vdot(weights, self.cross) + self.power)

    def loss(self, points: np.ndarray, labels: np.ndarray, ridge: float) -> float:
        r"""Error over all rows of kernel ridge regression on a few points (Nguyen, Chen and Lee 2021).

        The kernel is :math:`x^\top z + 1`: the prediction is :math:`k(x, Z)\,(k(Z, Z) + \lambda I)^{-1} Y`.

        Shape:
            points: (n, dim); labels: (n, n_classes).
        """
        phi = with_bias(np.asarray(points, dtype=np.float64))
        return self.error(phi.T @ np.linalg.solve(phi @ phi.T + ridge * np.eye(len(phi)), labels))

    def loss_and_gradient(self, points: np.ndarray, labels: np.ndarray, ridge: float) -> tuple[float, np.ndarray]:
        r"""The loss, and its gradient by the points.

        With :math:`\alpha = (K + \lambda I)^{-1} Y`, :math:`W = \Phi^\top \alpha`, :math:`E = 2 (G W - B)` and
        :math:`\beta = (K + \lambda I)^{-1} \Phi E` it is
        :math:`\alpha E^\top - \beta W^\top - \alpha (\Phi^\top \beta)^\top`, less the column of the bias.

        Shape:
            points: (n, dim); labels: (n, n_classes); returns: the gradient, (n, dim), float64.
        """
        phi = with_bias(np.asarray(points, dtype=np.float64))
        ridged = phi @ phi.T + ridge * np.eye(len(phi))
        alpha = np.linalg.solve(ridged, labels)
        weights = phi.T @ alpha
        slope = 2.0 * (self.gram @ weights - self.cross)
        beta = np.linalg.solve(ridged, phi @ slope)
        gradient = alpha @ slope.T - beta @ weights.T - alpha @ (phi.T @ beta).T
        return self.error(weights), gradient[:, :-1]


def with_bias(x: np.ndarray) -> np.ndarray:
    """Rows with a last column of ones; shape (n, dim) in, (n, dim + 1) out, same dtype."""
    return np.concatenate([x, np.ones((len(x), 1), dtype=x.dtype)], axis=1)
