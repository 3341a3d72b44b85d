"""The classes of a dataset and of a classifier, and which is which."""

from dataclasses import dataclass

import numpy as np
from datasets import ClassLabel, Dataset
from transformers import PreTrainedConfig

from condensers.data import resolve_columns
from condensers.errors import ColumnError, RowError

_TOKENIZED_LABELS = ("labels", "label", "label_ids")


@dataclass(frozen=True)
class Labels:
    """The label column of a dataset.

    Attributes:
        codes: The class of each row; shape (n_rows,), int64, at least 0.
        names: What each code is called; None when the column holds bare integers.
    """

    codes: np.ndarray
    names: tuple[str, ...] | None

    def __str__(self) -> str:
        if self.names is not None:
            return ", ".join(self.names)
        return f"{', '.join(str(code) for code in np.unique(self.codes))} (integers without names)"


def label_column(dataset: Dataset, label: str | None = None) -> str:
    """Finds the label column, or checks the one given.

    Raises:
        ColumnError: if it is missing or cannot be guessed.
    """
    if label is not None:
        if label not in dataset.column_names:
            raise ColumnError(
                f"the dataset has no column {label!r}; its columns are {', '.join(dataset.column_names)}."
            )
        return label
    found = next((name for name in _TOKENIZED_LABELS if name in dataset.column_names), None)
    found = found or resolve_columns(dataset).label
    if found is None:
        raise ColumnError(f"the dataset has no label column; its columns are {', '.join(dataset.column_names)}.")
    return found


def read_labels(dataset: Dataset, label: str | None = None) -> Labels:
    """Reads the class of each row, and the class names if the dataset knows them.

    Names come from a ClassLabel, from the labels themselves if they are strings, or from a column ``<label>_text`` or
    ``<label>_name`` that calls each class by one name.

    Raises:
        ColumnError: if there is no label column, or it holds neither classes, integers nor strings.
        RowError: if there are no rows, or a label is missing or negative.
    """
    column = label_column(dataset, label)
    if len(dataset) == 0:
        raise RowError("the dataset is empty; it needs at least one labelled row.")
    values = dataset.with_format(None)[column][:]
    feature = dataset.features[column]
    missing = [i for i, value in enumerate(values) if value is None or (not isinstance(value, str) and value < 0)]
    if missing:
        raise RowError(
            f"{len(missing)} of {len(values)} rows have no label in column {column!r} (the first is row {missing[0]}, "
            f"value {values[missing[0]]!r}). Drop them."
        )
    if isinstance(feature, ClassLabel):
        return Labels(np.asarray(values, dtype=np.int64), tuple(feature.names))
    if isinstance(values[0], (str, bool)):
        distinct = sorted(set(values))
        codes = np.asarray([distinct.index(value) for value in values], dtype=np.int64)
        return Labels(codes, tuple(str(value) for value in distinct))
    if not isinstance(values[0], int):
        raise ColumnError(f"label column {column!r} must hold one class a row, not {feature}.")
    codes = np.asarray(values, dtype=np.int64)
    return Labels(codes, _companion_names(dataset, column, codes))


def config_names(config: PreTrainedConfig) -> tuple[str, ...] | None:
    """The class names of a classifier; None when they are the LABEL_0, LABEL_1, ... of an unnamed one."""
    names = tuple(str(name) for _, name in sorted((config.id2label or {}).items()))
    return None if names == tuple(f"LABEL_{code}" for code in range(len(names))) else names


def match_labels(labels: Labels, names: tuple[str, ...] | None, n_classes: int, *, what: str) -> np.ndarray:
    """Translates the classes of a dataset into those of a classifier, by name.

    Names are compared exactly, then ignoring case. Two sides without names are taken to count alike.

    Args:
        labels: The classes of the dataset.
        names: The class names of the classifier; None if it has none.
        n_classes: How many classes the classifier tells apart.
        what: What to call the classifier in messages.

    Shape:
        returns: (n_rows,), int64, codes of the classifier.

    Raises:
        RowError: if a class that occurs in the dataset cannot be found in the classifier.
    """
    present = np.unique(labels.codes)
    known = ", ".join(names) if names else f"{n_classes} classes without names"
    if (labels.names is None) != (names is None):
        raise RowError(
            f"cannot match the classes of the dataset ({labels}) with those of {what} ({known}), since only one side "
            f"has names. Cast the label column to ClassLabel, or set `id2label` in the model's config."
        )
    if labels.names is None or names is None:
        if present[-1] >= n_classes:
            raise RowError(f"{what} has {n_classes} classes, but label {present[-1]} occurs in the dataset.")
        return labels.codes
    table = np.asarray([_find(name, names) for name in labels.names], dtype=np.int64)
    lost = [labels.names[code] for code in present if table[code] < 0]
    if lost:
        raise RowError(
            f"the class(es) {', '.join(lost)} of the dataset are unknown to {what}: the dataset has {labels}, "
            f"{what} has {known}. Both must name their classes alike; rename them, or use another model."
        )
    return table[labels.codes]


def _find(name: str, names: tuple[str, ...]) -> int:
    if name in names:
        return names.index(name)
    folded = [candidate.strip().casefold() for candidate in names]
    wanted = name.strip().casefold()
    return folded.index(wanted) if folded.count(wanted) == 1 else -1


def _companion_names(dataset: Dataset, column: str, codes: np.ndarray) -> tuple[str, ...] | None:
    for companion in (f"{column}_text", f"{column}_name"):
        if companion not in dataset.column_names:
            continue
        pairs = set(zip(codes.tolist(), dataset.with_format(None)[companion][:], strict=True))
        names = dict(pairs)
        if len(names) == len(pairs) == len(set(names.values())) and all(isinstance(n, str) for n in names.values()):
            return tuple(names.get(code, f"LABEL_{code}") for code in range(max(names) + 1))
    return None
