"""A dataset as condensers see it: one text and one class code a row."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from datasets import ClassLabel, Dataset

from condensers.data.columns import Columns
from condensers.errors import RowError


@dataclass(frozen=True)
class Rows:
    """Rows of one dataset, validated.

    Attributes:
        dataset: The rows with all their columns, in source order.
        columns: Which of them are text and label.
        texts: The joined text of each row; length n_rows.
        codes: Class of each row as an index into `class_names`; shape (n_rows,), int64; zeros when unlabelled.
        class_names: Names of all classes, in the order of the source; empty when unlabelled.
        source_index: Where each row stands in the dataset that was passed in; shape (n_rows,), int64.
    """

    dataset: Dataset
    columns: Columns
    texts: list[str]
    codes: np.ndarray
    class_names: tuple[str, ...]
    source_index: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def class_counts(self) -> dict[int, int]:
        """Number of rows of each class that occurs, in class order; one entry, 0, when unlabelled."""
        codes, counts = np.unique(self.codes, return_counts=True)
        return dict(zip(codes.tolist(), counts.tolist(), strict=True))

    def class_name(self, code: int) -> str:
        """Name of a class; ``"all rows"`` when unlabelled."""
        return self.class_names[code] if self.class_names else "all rows"

    def by_class(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yields each class code that occurs, in order, with the positions of its rows (ascending, int64)."""
        for code in self.class_counts:
            yield code, np.flatnonzero(self.codes == code)

    def select(self, positions: np.ndarray) -> "Rows":
        """Keeps the rows at `positions`, in that order."""
        return Rows(
            dataset=self.dataset.select(positions),
            columns=self.columns,
            texts=[self.texts[i] for i in positions],
            codes=self.codes[positions],
            class_names=self.class_names,
            source_index=self.source_index[positions],
        )


def read_rows(
    dataset: Dataset, columns: Columns, *, drop_empty: bool = False, class_names: tuple[str, ...] | None = None
) -> Rows:
    """Reads texts and classes out of a dataset.

    Args:
        dataset: The rows.
        columns: Which columns hold text and label.
        drop_empty: Leave out rows without text instead of raising.
        class_names: Code the labels by these names, as the training rows of a test set do, and not by the names that
            occur here.

    Raises:
        RowError: if there are no rows, a text or label is missing, only one class occurs, or a class is unknown.
    """
    require_rows(dataset)
    texts = _joined_texts(dataset, columns)
    kept = np.arange(len(texts), dtype=np.int64)
    empty = [i for i, text in enumerate(texts) if text is None]
    if empty and not drop_empty:
        raise RowError(
            f"{len(empty)} of {len(texts)} rows have an empty or missing text in column(s) {', '.join(columns.text)} "
            f"(the first is row {empty[0]}). Fill them in, or pass `drop_empty=True`."
        )
    if empty:
        kept = np.delete(kept, empty)
        dataset = dataset.select(kept)
        if len(kept) == 0:
            raise RowError(f"no row has a text in column(s) {', '.join(columns.text)}.")
    codes, names = _class_codes(dataset, columns.label, class_names)
    return Rows(
        dataset=dataset,
        columns=columns,
        texts=[text for text in texts if text is not None],
        codes=codes,
        class_names=names,
        source_index=kept,
    )


def require_rows(dataset: Dataset) -> None:
    """Raises unless there is a row.

    Raises:
        RowError: if the dataset is empty.
    """
    if len(dataset) == 0:
        raise RowError("the dataset is empty; condensing needs at least one row.")


def _joined_texts(dataset: Dataset, columns: Columns) -> list[str | None]:
    values = [_column_values(dataset, name) for name in columns.text]
    return [
        columns.join(row) if all(isinstance(part, str) and part.strip() for part in row) else None
        for row in zip(*values, strict=True)
    ]


def _column_values(dataset: Dataset, name: str) -> list:
    return dataset.with_format(None)[name][:]


def _class_codes(
    dataset: Dataset, label: str | None, class_names: tuple[str, ...] | None
) -> tuple[np.ndarray, tuple[str, ...]]:
    if label is None:
        return np.zeros(len(dataset), dtype=np.int64), ()
    values = _column_values(dataset, label)
    feature = dataset.features[label]
    missing = [i for i, value in enumerate(values) if value is None or (isinstance(feature, ClassLabel) and value < 0)]
    if missing:
        raise RowError(
            f"{len(missing)} of {len(values)} rows have no label in column {label!r} (the first is row {missing[0]}, "
            f"value {values[missing[0]]!r}). Drop them, or pass `label=None` to condense without labels."
        )
    if isinstance(feature, ClassLabel):
        found: tuple[str, ...] = tuple(feature.names)
        codes = np.asarray(values, dtype=np.int64)
    else:
        distinct = sorted(set(values))
        order = {value: code for code, value in enumerate(distinct)}
        companion = _companion(dataset, label, values)
        names = companion[1] if companion else {value: str(value) for value in distinct}
        found = tuple(names[value] for value in distinct)
        codes = np.asarray([order[value] for value in values], dtype=np.int64)
    if class_names is not None:
        return _recode(codes, found, class_names, label), class_names
    if len(np.unique(codes)) == 1:
        raise RowError(
            f"label column {label!r} holds one class only ({found[int(codes[0])]!r}), so there is nothing to tell "
            f"apart. Choose another `label`, or pass `label=None` to condense without labels."
        )
    return codes, found


def companion_column(dataset: Dataset, label: str) -> str | None:
    """A second column such as ``label_text`` that names each class of an unnamed `label` once, if there is one."""
    if isinstance(dataset.features[label], ClassLabel):
        return None
    found = _companion(dataset, label, _column_values(dataset, label))
    return found and found[0]


def _companion(dataset: Dataset, label: str, values: list) -> tuple[str, dict] | None:
    """The companion column and its name for each value of the label."""
    for column in (f"{label}_text", f"{label}_name"):
        if column in dataset.column_names:
            pairs = set(zip(values, _column_values(dataset, column), strict=True))
            names = dict(pairs)
            one_to_one = len(pairs) == len(names) == len(set(names.values()))
            if one_to_one and all(isinstance(name, str) for name in names.values()):
                return column, names
    return None


def _recode(codes: np.ndarray, found: tuple[str, ...], wanted: tuple[str, ...], label: str) -> np.ndarray:
    """Maps classes by name, so that two datasets that number their classes differently agree."""
    present = {int(code) for code in np.unique(codes)}
    unknown = [found[code] for code in sorted(present) if found[code] not in wanted]
    if unknown:
        raise RowError(
            f"label column {label!r} holds the class(es) {', '.join(unknown)}, which are not among "
            f"{', '.join(wanted)}. Both datasets must name their classes alike."
        )
    table = np.asarray([wanted.index(name) if name in wanted else -1 for name in found], dtype=np.int64)
    return table[codes]
