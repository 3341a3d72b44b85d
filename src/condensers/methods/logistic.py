"""Logistic regression, by which rows are judged where that must be quick."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression


def fit_logistic(
    features: "np.ndarray | csr_matrix", codes: np.ndarray, weights: np.ndarray | None, strength: float
) -> "LogisticRegression":
    """Fits a multinomial logistic regression with an L2 penalty.

    Args:
        features: One row a text.
        codes: Their classes, two at least.
        weights: How much each row counts, 1 on average; None counts all alike.
        strength: Inverse strength of the penalty, scikit-learn's `C`.

    Shape:
        features: (n, dim); codes: (n,), int64; weights: (n,).
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  (takes seconds to import)

    return LogisticRegression(C=strength, max_iter=1000).fit(features, codes, sample_weight=weights)
