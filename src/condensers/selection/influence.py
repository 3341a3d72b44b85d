"""How far one row helps others: gradients of a softmax regression in closed form, and influence functions."""

import numpy as np

from condensers.embedding import Matrix, iter_blocks
from condensers.selection.softmax_regression import LinearHeads


def influences(
    x: Matrix,
    codes: np.ndarray,
    heads: LinearHeads,
    seed_rows: np.ndarray,
    *,
    damping: float,
    normalized: bool = False,
) -> np.ndarray:
    """How much each row lowers the mean loss of the seed rows, by the influence function (Koh and Liang 2017).

    Shape:
        x: (n_rows, dim), float32.
        codes: (n_rows,), int64, classes from 0 without a gap.
        seed_rows: (n_seeds,), int64, positions in `x`.
        returns: (n_rows,), float64.

    Args:
        x: Vectors.
        codes: Their classes.
        heads: A softmax regression on them.
        seed_rows: The rows whose loss counts.
        damping: What is added to each eigenvalue of the Fisher matrix, over their mean.
        normalized: Bring the gradients of all rows to unit length first.
    """
    seeds = gradient_factors(x[seed_rows], codes[seed_rows], heads, normalized=normalized)
    direction = preconditioned(*fisher_factors(x, heads), _mean_gradient(*seeds), damping)
    found = np.empty(len(codes))
    for where, block in iter_blocks(x):
        errors, inputs = gradient_factors(block, codes[where], heads, normalized=normalized)
        found[where] = np.einsum("ij,ij->i", errors @ direction, inputs)
    return found


def fisher_factors(x: Matrix, heads: LinearHeads) -> tuple[np.ndarray, np.ndarray]:
    """The two factors of the Fisher matrix of a softmax regression, K-FAC (Martens and Grosse 2015).

    Shape:
        x: (n_rows, dim), float32.
        returns: (n_classes, n_classes) and (dim + 1, dim + 1), float64.
    """
    n_classes, dim = heads.intercepts.shape[-1], x.shape[1] + 1
    outputs, inputs = np.zeros((n_classes, n_classes)), np.zeros((dim, dim))
    for _, block in iter_blocks(x):
        probabilities = heads.predict_proba(block)[:, 0]
        outputs += np.diag(probabilities.sum(axis=0, dtype=np.float64)) - probabilities.T @ probabilities
        extended = _with_one(block)
        inputs += extended.T @ extended
    return outputs / x.shape[0], inputs / x.shape[0]


def preconditioned(outputs: np.ndarray, inputs: np.ndarray, gradient: np.ndarray, damping: float) -> np.ndarray:
    """A gradient times the inverse of a damped Kronecker product, by the eigenvectors of its factors.

    Shape:
        outputs: (n_classes, n_classes); inputs: (dim, dim); gradient: (n_classes, dim).
        returns: (n_classes, dim), float64.
    """
    (sizes_out, axes_out), (sizes_in, axes_in) = np.linalg.eigh(outputs), np.linalg.eigh(inputs)
    eigenvalues = np.outer(sizes_out.clip(min=0.0), sizes_in.clip(min=0.0))
    turned = axes_out.T @ gradient @ axes_in / (eigenvalues + damping * eigenvalues.mean())
    return axes_out @ turned @ axes_in.T


def gradient_factors(
    x: np.ndarray, codes: np.ndarray, heads: LinearHeads, *, normalized: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """The two vectors of each row whose outer product is the gradient of its cross-entropy.

    Args:
        x: Vectors.
        codes: Their classes.
        heads: A softmax regression on them.
        normalized: Bring both to unit length, and with them the gradient.

    Shape:
        x: (n, dim), float32; codes: (n,), int64.
        returns: errors (n, n_classes) and inputs with a one behind them (n, dim + 1), float32.
    """
    errors, inputs = heads.predict_proba(x)[:, 0], _with_one(x)
    errors[np.arange(len(errors)), codes] -= 1.0
    if normalized:
        errors /= np.linalg.norm(errors, axis=1, keepdims=True).clip(min=np.finfo(np.float32).tiny)
        inputs /= np.linalg.norm(inputs, axis=1, keepdims=True)
    return errors, inputs


def _mean_gradient(errors: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    return errors.T @ inputs / len(errors)


def _with_one(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x, np.ones((len(x), 1), dtype=x.dtype)], axis=1)
