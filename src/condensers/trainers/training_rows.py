"""Training rows and quality rows, checked before any work is spent."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from datasets import Dataset, Value
from transformers import PreTrainedConfig, PreTrainedTokenizerBase

from condensers.errors import ColumnError, RowError, SettingError
from condensers.rewards import (
    Labels,
    config_names,
    length_limit,
    match_labels,
    read_labels,
    shared_rows,
    tokenize_rows,
)


def tokenized(
    dataset: Any,  # noqa: ANN401  (whatever Trainer takes)
    processing_class: object,
    config: PreTrainedConfig,
) -> Any:  # noqa: ANN401
    """Tokenises rows of text, in one dataset or a mapping of several; everything else is returned as it is.

    Raises:
        ColumnError: if it is not plain which columns hold the text.
    """
    if isinstance(dataset, Mapping):
        return {name: tokenized(part, processing_class, config) for name, part in dataset.items()}
    if not isinstance(dataset, Dataset) or not isinstance(processing_class, PreTrainedTokenizerBase):
        return dataset
    if not any(isinstance(feature, Value) and "string" in feature.dtype for feature in dataset.features.values()):
        return dataset
    try:
        return tokenize_rows(dataset, processing_class, max_length=length_limit(processing_class, config))
    except ColumnError as error:
        raise ColumnError(
            f"the rows have no `input_ids`, and it is not plain what to tokenise: {error} Or tokenise them beforehand."
        ) from error


def check_source(rows: object, ready_column: str, has_checkers: bool) -> None:
    """Raises unless it is clear where the weights of the training rows come from.

    Args:
        rows: The training rows.
        ready_column: The column in which weights may come ready-made.
        has_checkers: Whether a checker, or rows to fit one on, are given.

    Raises:
        SettingError: if there are two sources or none, or checkers cannot read the rows.
    """
    ready = ready_column in (getattr(rows, "column_names", None) or [])
    if ready and has_checkers:
        raise SettingError(
            f"the training rows have a column {ready_column!r}, which leaves the checkers nothing to do. Drop the "
            f"column, or leave out the quality set and the checkers."
        )
    if has_checkers and not isinstance(rows, Dataset):
        raise SettingError(
            f"checkers score a `datasets.Dataset`; got {type(rows).__name__}. Convert it, or give each row its "
            f"{ready_column!r}."
        )
    if not ready and not has_checkers and isinstance(rows, Dataset):
        raise SettingError(
            f"pass `quality_dataset=`, a small real set, or `quality_model=`, a classifier; or give the training rows "
            f"a column {ready_column!r}."
        )


def training_labels(rows: Dataset, config: PreTrainedConfig) -> Labels:
    """The classes of the training rows; bare integers are called what the model calls them.

    Raises:
        ColumnError: if there is no label column.
        RowError: if there are no rows, a label is missing, or the model has too few classes.
    """
    labels = read_labels(rows)
    if labels.codes.max() >= (config.num_labels or 0):
        raise RowError(
            f"label {labels.codes.max()} occurs in the training rows, but the model has {config.num_labels} classes. "
            f"Load it with `num_labels={labels.codes.max() + 1}` or more."
        )
    return labels if labels.names is not None else Labels(labels.codes, config_names(config))


def check_quality_rows(quality: Dataset, rows: Dataset, labels: Labels, *, n_classes: int, warn: bool = True) -> int:
    """Checks a small real set against the training rows.

    Args:
        quality: The real set.
        rows: The training rows.
        labels: Their classes.
        n_classes: How many classes the model tells apart.
        warn: Whether to warn about what is allowed and yet likely a mistake.

    Returns:
        How many training rows occur in the real set. They are warned of, since the checker has learned their labels
        and will not doubt them; so are classes of the training rows that the real set lacks.

    Raises:
        RowError: if the real set is empty, or holds a class that the training rows do not know.
        ColumnError: if it has no label column, or neither text nor tokens.
    """
    if len(quality) == 0:
        raise RowError("`quality_dataset` is empty; the quality checker needs at least one real row of each class.")
    if "input_ids" not in quality.column_names:
        raise ColumnError(
            f"`quality_dataset` has no `input_ids`; its columns are {', '.join(quality.column_names)}. Tokenise it as "
            f"the training rows, or pass `processing_class=`."
        )
    codes = match_labels(read_labels(quality), labels.names, n_classes, what="the training rows")
    n_shared = len(shared_rows(rows, quality)) if "input_ids" in rows.column_names else 0
    if not warn:
        return n_shared
    if n_shared:
        warnings.warn(
            f"{n_shared} of {len(rows)} training rows also occur in the quality set of {len(quality)} rows. The "
            f"quality checker has seen their labels and will trust them whatever they are; keep the two sets apart.",
            stacklevel=5,
        )
    absent = np.setdiff1d(labels.codes, codes)
    if len(absent):
        names = [labels.names[code] if labels.names else str(code) for code in absent]
        warnings.warn(
            f"the quality set has no row of the class(es) {', '.join(names)}, so their training rows will weigh next "
            f"to nothing.",
            stacklevel=5,
        )
    return n_shared
