r"""Divergences of histograms: MAUVE, Kullback-Leibler, total variation.

All take many pairs at once, since a null distribution is a hundred histograms. p is of the predictions and q of the
references.
"""

import numpy as np


def kl_divergence(p: np.ndarray, q: np.ndarray, *, smoothing: float = 0.0) -> np.ndarray:
    r"""Kullback-Leibler divergence in nats.

    .. math:: KL(p \,\|\, q) = \sum_k p_k \log \frac{p_k}{q_k}

    Infinite where p has a bucket that q lacks. With `smoothing` above 0, that share of q is spread evenly first.

    Shape:
        p, q: (..., n_buckets); returns: (...,).
    """
    q = (1 - smoothing) * q + smoothing / q.shape[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * (np.log(p) - np.log(q)), 0.0)
    return np.maximum(terms.sum(axis=-1), 0.0)


def total_variation(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    r"""Total variation distance, :math:`\tfrac12 \sum_k |p_k - q_k|`, from 0 to 1.

    Shape:
        p, q: (..., n_buckets); returns: (...,).
    """
    return 0.5 * np.abs(p - q).sum(axis=-1)


def mauve(p: np.ndarray, q: np.ndarray, *, scaling: float = 5.0, n_points: int = 25) -> np.ndarray:
    r"""Area under the divergence curve (Pillutla et al. 2021, Eqs. 1 and 2), from 0 to 1.

    .. math:: C(p, q) = \{(e^{-c \, KL(q \| r_\lambda)}, e^{-c \, KL(p \| r_\lambda)}) : r_\lambda = \lambda p
       + (1 - \lambda) q, \ \lambda \in (0, 1)\}

    Args:
        p: Shares of the predictions.
        q: Shares of the references.
        scaling: c.
        n_points: Values of lambda, evenly spaced; the ends (1, 0) and (0, 1) are added.

    Shape:
        p, q: (..., n_buckets); returns: (...,).
    """
    mixture = np.linspace(1e-6, 1 - 1e-6, n_points)
    mixture = mixture.reshape(-1, *[1] * p.ndim)
    between = mixture * p + (1 - mixture) * q
    x = np.exp(-scaling * kl_divergence(np.broadcast_to(q, between.shape), between))
    y = np.exp(-scaling * kl_divergence(np.broadcast_to(p, between.shape), between))
    ones, zeros = np.ones((1, *x.shape[1:])), np.zeros((1, *x.shape[1:]))
    # From lambda = 0, where r is q, to lambda = 1: x falls from 1 and y rises to 1.
    x, y = np.concatenate([ones, x, zeros]), np.concatenate([zeros, y, ones])
    return np.trapezoid(y[::-1], x[::-1], axis=0)
