"""One feature space in which an exchange is judged: what each change of the chosen rows would do to the loss."""

from collections.abc import Sequence

import numpy as np

from condensers.placement.label_moments import LabelMoments, with_bias


class ExchangeView:
    r"""Candidates, the rows chosen among them, and the loss that every single change would leave.

    The loss is that of `LabelMoments.loss`. With :math:`A = (K_{SS} + \lambda I)^{-1}`, weights
    :math:`W = \Phi_S^\top A Y_S` and residual features :math:`p_j = \phi_j - \Phi_S^\top A k_{Sj}`, a row :math:`j`
    that joins the chosen ones changes the weights by rank one, and a row :math:`r` that leaves does so too:

    .. math:: W^{+j} = W + \frac{p_j (y_j - W^\top \phi_j)^\top}{k_{jj} + \lambda - k_{jS} A k_{Sj}}, \qquad
        W^{-r} = W - v_r (A Y_S)_r^\top, \quad v_r = \Phi_S^\top A_{\cdot r} / A_{rr}.

    So :math:`k_{jS}` and :math:`\phi_j^\top G \phi_S` for all candidates are all that is kept, n_candidates x n_places
    twice, and are changed by one column an exchange. Judging every candidate for every place takes
    O(n_candidates n_places (n_places + n_classes)) operations, where refitting each would take
    O(n_candidates n_places^4). A place that is still empty holds a row of zeros, which changes no prediction.

    Args:
        x: Features of the candidates.
        codes: Their classes.
        moments: Moments of all rows in this space.
        ridge: :math:`\lambda`.
        n_places: Rows to choose.

    Shape:
        x: (n_candidates, dim), float32, in which candidates are judged then, up to rounding by about 1e-7 over the
        square of the ridge; or float64; codes: (n_candidates,), int64.
    """

    def __init__(self, x: np.ndarray, codes: np.ndarray, moments: LabelMoments, ridge: float, n_places: int) -> None:
        self._moments, self._ridge = moments, ridge
        self._phi = with_bias(np.asarray(x))
        self._dtype = self._phi.dtype
        self._labels = moments.labels(codes)
        self._norms = np.einsum("ij,ij->i", self._phi, self._phi)
        self._powers = np.einsum("ij,ij->i", self._phi @ moments.gram.astype(self._dtype), self._phi)
        self._cross = self._phi @ moments.cross.astype(self._dtype)
        n = len(self._phi)
        self._kernel = np.zeros((n, n_places), dtype=self._dtype)
        self._products = np.zeros((n, n_places), dtype=self._dtype)
        self._chosen = np.zeros((n_places, self._phi.shape[1]))
        self._chosen_labels = np.zeros((n_places, self._labels.shape[1]))
        self.solve()

    def fill(self, place: int, row: int) -> None:
        """Puts a candidate at a place; `solve` has to follow."""
        phi = self._phi[row]
        self._kernel[:, place] = self._phi @ phi
        self._products[:, place] = self._phi @ (self._moments.gram @ phi).astype(self._dtype)
        self._chosen[place], self._chosen_labels[place] = phi, self._labels[row]

    def solve(self) -> None:
        """Fits the regression to the rows at the places, and prepares the judging of candidates."""
        phi, gram = self._chosen, self._moments.gram
        self._inverse = np.linalg.inv(phi @ phi.T + self._ridge * np.eye(len(phi)))
        self._alpha = self._inverse @ self._chosen_labels
        self._weights = phi.T @ self._alpha
        self.loss = self._moments.error(self._weights)
        # Row r holds the coefficients of v_r.
        self._leaving = self._inverse / np.diag(self._inverse)[:, None]
        within = phi @ gram @ phi.T
        self._fitted = self._kernel @ self._inverse.astype(self._dtype)
        spread = self._fitted @ within.astype(self._dtype)
        self._pivots = self._norms + self._ridge - np.einsum("ij,ij->i", self._fitted, self._kernel)
        self._curvature = self._powers + np.einsum("ij,ij->i", spread - 2.0 * self._products, self._fitted)
        self._leaving_gram = (self._products - spread) @ self._leaving.T.astype(self._dtype)
        self._leaving_power = np.einsum("ri,ij,rj->r", self._leaving, within, self._leaving)
        alpha = self._alpha.astype(self._dtype)
        self._residuals = self._labels - self._kernel @ alpha
        self._slopes = self._products @ alpha - self._cross

    def losses(self, place: int, rows: slice) -> np.ndarray:
        """The loss that each of some candidates would leave at a place, in the stead of what is there.

        Shape:
            returns: one a candidate of `rows`, float64.
        """
        leaving, alpha = self._leaving[place], self._alpha[place]
        direction = self._chosen.T @ leaving
        weights = self._weights - np.outer(direction, alpha)
        share = self._fitted[rows, place].astype(np.float64)
        curvature = self._curvature[rows] + 2.0 * share * self._leaving_gram[rows, place]
        curvature += share**2 * self._leaving_power[place]
        pivots = self._pivots[rows] + share**2 / self._inverse[place, place]
        slope = self._moments.gram @ weights - self._moments.cross
        residuals = self._residuals[rows] + np.outer(self._kernel[rows] @ leaving, alpha)
        steepness = (
            self._slopes[rows]
            - np.outer(self._products[rows] @ leaving, alpha)
            - self._fitted[rows] @ (self._chosen @ slope)
            + np.outer(share, direction @ slope)
        )
        steps = residuals / pivots[:, None]
        change = 2.0 * np.einsum("ij,ij->i", steps, steepness) + np.einsum("ij,ij->i", steps, steps) * curvature
        return self._moments.error(weights) + change


def mean_losses(views: Sequence[ExchangeView], place: int, rows: slice) -> np.ndarray:
    """`ExchangeView.losses`, averaged over feature spaces."""
    return np.mean([view.losses(place, rows) for view in views], axis=0)
