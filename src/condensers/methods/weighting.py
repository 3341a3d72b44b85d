"""The weights of condensed rows, out of those of the source rows that they stand for."""

from typing import get_args

import numpy as np
from datasets import Dataset, Value

from condensers.data import WEIGHT_COLUMN, Rows, check_weights, read_weights
from condensers.errors import SettingError
from condensers.methods.assignment import assign
from condensers.methods.config import Weight
from condensers.methods.source import PreparedSource


def check_weighting(weight: str | None) -> None:
    """Raises unless `weight` is None or names a way of weighting.

    Raises:
        SettingError: otherwise.
    """
    if weight is not None and weight not in get_args(Weight):
        known = ", ".join(repr(name) for name in get_args(Weight))
        raise SettingError(f"`weight` must be {known} or None; got {weight!r}.")


def check_source_weights(weight: Weight | None, rows: Rows) -> None:
    """Raises, before any work is spent, unless the source has the weights that are asked for.

    Raises:
        ColumnError: if it has none.
        RowError: if they are NaN, infinite, negative, missing or all zero.
    """
    if weight in ("sum", "mean"):
        read_weights(rows.dataset)


def condensed_weights(weight: Weight, prepared: PreparedSource, vectors: np.ndarray, codes: np.ndarray) -> np.ndarray:
    r"""Weights of condensed rows.

    Let :math:`C_j` be the source rows of its class to which condensed row j is nearest and :math:`w_i` their weights.
    With ``sum``, row j weighs :math:`\sum_{i \in C_j} w_i`, so that a loss over the condensed rows stands for the
    weighted loss over the source (IMP-Loss of Kuo et al. 2024, Eq. 6, each row's loss taken to be that of the row
    which stands for it); with ``cluster_size`` the same of an unweighted source, :math:`|C_j|`. Both are divided by
    their mean, so that they change no learning rate. With ``mean`` it is :math:`\sum_{i \in C_j} w_i / |C_j|`, as it
    is: how far the rows are to be trusted, and not how many there are. A row that stands for none weighs nothing.

    Args:
        weight: Which of the three.
        prepared: The source rows, with weights in the column ``importance_weight`` unless `weight` is
            ``cluster_size``.
        vectors: The condensed rows.
        codes: Their classes.

    Shape:
        vectors: (n, dim); codes: (n,); returns: (n,), float64.

    Raises:
        ColumnError: if the source has no weights.
        RowError: if they are NaN, infinite, negative, missing or all zero.
    """
    found = assign(prepared.vectors, prepared.rows.codes, vectors, codes)
    sizes = found.sizes.astype(np.float64)
    if weight == "cluster_size":
        return sizes / sizes.mean()
    sums = found.sums(read_weights(prepared.rows.dataset))
    # Where all that stand for something weigh nothing, `with_weights` says so.
    return sums / np.maximum(sizes, 1.0) if weight == "mean" else sums / (sums.mean() or 1.0)


def with_weights(
    dataset: Dataset, weight: Weight, prepared: PreparedSource, vectors: np.ndarray, codes: np.ndarray
) -> Dataset:
    """Condensed rows with their weights in the column ``importance_weight``; see `condensed_weights`."""
    weights = condensed_weights(weight, prepared, vectors, codes)
    check_weights(weights, WEIGHT_COLUMN)
    if WEIGHT_COLUMN in dataset.column_names:
        dataset = dataset.remove_columns(WEIGHT_COLUMN)
    return dataset.add_column(WEIGHT_COLUMN, weights, feature=Value("float64"))
