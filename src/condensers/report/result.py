"""Results of methods, checked against their source and coded like it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from datasets import Dataset

from condensers.data import Rows
from condensers.embedding import Matrix, check_finite
from condensers.errors import ColumnError, RowError, SettingError
from condensers.evaluation import MethodResult
from condensers.report.formatting import count


@dataclass(frozen=True)
class LabelledResult:
    """A result with what the charts need of it.

    Attributes:
        result: The result.
        label: The method's name; with its rows where it has several budgets, numbered where that is not enough.
        codes: Class of each row, coded as in the source; shape (n,), int64.
    """

    result: MethodResult
    label: str
    codes: np.ndarray

    @property
    def budget(self) -> tuple:
        """What was asked for; the number of rows where the record does not say."""
        settings = self.result.run.settings
        asked = tuple(settings.get(name) for name in ("per_class", "total", "fraction"))
        return asked if any(value is not None for value in asked) else (len(self.codes),)


def label_results(results: Sequence[MethodResult], source: Rows, vectors: Matrix) -> list[LabelledResult]:
    """Checks results against their source, and names and codes them.

    Shape:
        vectors: (n_source_rows, dim).

    Raises:
        SettingError: if there are no results, or those of a private run.
        RowError: if a result has no rows, vectors do not fit or are not finite, or a label is not one of the source.
        ColumnError: if a text or label column of the source is missing.
    """
    if not results:
        raise SettingError("`results` must hold at least one method; got none.")
    if vectors.shape[0] != len(source):
        raise RowError(f"`vectors` must hold one row for each of {len(source)} source rows; got {vectors.shape[0]}.")
    check_finite(vectors)
    for result in results:
        _check(result, source, vectors.shape[1])
    return [
        LabelledResult(result=result, label=label, codes=class_codes(result.rows, source))
        for result, label in zip(results, _labels(results), strict=True)
    ]


def _labels(results: Sequence[MethodResult]) -> list[str]:
    """Names that tell the results apart."""
    sizes: dict[str, set[int]] = {}
    for result in results:
        sizes.setdefault(result.method, set()).add(len(result.rows))
    names = [
        f"{result.method}, {count(len(result.rows), 'row')}" if len(sizes[result.method]) > 1 else result.method
        for result in results
    ]
    turns = [names[: i + 1].count(name) for i, name in enumerate(names)]
    return [f"{name} ({turn})" if names.count(name) > 1 else name for name, turn in zip(names, turns, strict=True)]


def class_codes(rows: Dataset, source: Rows) -> np.ndarray:
    """Codes the labels of condensed rows as the source does.

    Shape:
        returns: (n,), int64; zeros when unlabelled.

    Raises:
        RowError: if a label does not occur in the source.
    """
    label = source.columns.label
    if label is None:
        return np.zeros(len(rows), dtype=np.int64)
    codes, first = np.unique(source.codes, return_index=True)
    values = source.dataset.select(first).with_format(None)[label][:]
    code_of: dict[object, int] = {source.class_name(code): code for code in codes.tolist()}
    code_of |= dict(zip(values, codes.tolist(), strict=True))
    found = rows.with_format(None)[label][:]
    unknown = [value for value in found if value not in code_of]
    if unknown:
        raise RowError(
            f"column {label!r} of the condensed rows holds {unknown[0]!r}, which is no class of the source. "
            f"Pass the source that they were condensed from."
        )
    return np.asarray([code_of[value] for value in found], dtype=np.int64)


def _check(result: MethodResult, source: Rows, dim: int) -> None:
    if result.run.privacy and result.run.privacy["withheld"]:
        raise SettingError(
            f"the rows of method {result.method!r} are private, and a report shows the source they come from. Leave "
            f"the report out (`--no-report`)."
        )
    n_rows = len(result.rows)
    if n_rows == 0:
        raise RowError(f"method {result.method!r} has no rows; a report needs at least one.")
    if result.vectors.shape != (n_rows, dim):
        raise RowError(
            f"`vectors` of method {result.method!r} must have the shape {(n_rows, dim)}, one row a condensed row; "
            f"got {result.vectors.shape}."
        )
    check_finite(result.vectors)
    wanted = (*source.columns.text, *([source.columns.label] if source.columns.label else []))
    missing = [name for name in wanted if name not in result.rows.column_names]
    if missing:
        raise ColumnError(
            f"the rows of method {result.method!r} have no column {missing[0]!r}; "
            f"their columns are {', '.join(result.rows.column_names)}."
        )
