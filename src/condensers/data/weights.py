"""How much each row counts."""

import numpy as np
from datasets import Dataset

from condensers.errors import ColumnError, RowError

WEIGHT_COLUMN = "importance_weight"
"""Where rows carry their weight: written by `score_synthetic` and by condensers with `weight`, read by
`ImportanceWeightedTrainer` and by learners."""


def read_weights(dataset: Dataset, column: str = WEIGHT_COLUMN) -> np.ndarray:
    """The weights of rows, checked.

    Shape:
        returns: (n_rows,), float64.

    Raises:
        ColumnError: if there is no such column, or it holds no numbers.
        RowError: if a weight is missing or cannot weight a loss (`check_weights`).
    """
    if column not in dataset.column_names:
        raise ColumnError(
            f"the rows have no column {column!r} to weight them by; their columns are "
            f"{', '.join(dataset.column_names)}. `condense(..., weight=...)` (`--weight`) makes one."
        )
    try:
        weights = np.asarray(dataset.with_format(None)[column][:], dtype=np.float64)  # None becomes NaN
    except (TypeError, ValueError) as error:
        raise ColumnError(f"column {column!r} holds no numbers, but {dataset.features[column]}.") from error
    check_weights(weights, column)
    return weights


def check_weights(weights: np.ndarray, column: str) -> None:
    """Raises unless weights can weight a loss.

    Shape:
        weights: (n_rows,).

    Raises:
        RowError: if a weight is NaN, infinite or negative, or all are zero.
    """
    for what, bad in (
        ("NaN", np.isnan(weights)),
        ("infinite", np.isinf(weights)),
        ("negative", weights < 0),
    ):
        if bad.any():
            first = int(np.argmax(bad))
            raise RowError(
                f"{int(bad.sum())} of {len(weights)} weights in column {column!r} are {what} (the first is row "
                f"{first}, value {weights[first]}). Weights must be finite and at least 0; correct or drop these rows."
            )
    if not weights.any():
        raise RowError(f"all {len(weights)} weights in column {column!r} are zero, so nothing would be learned.")
