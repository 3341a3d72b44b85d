"""Condensed rows after their source has grown: what must change, changes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from datasets import Dataset, concatenate_datasets

from condensers.errors import ColumnError, RowError
from condensers.methods.condensed import Condensed
from condensers.methods.source import PreparedSource


@dataclass(frozen=True)
class Change:
    """A row that gave way, or came.

    Attributes:
        class_name: Its class.
        dropped: Number of the source row that gave way; None if the class got more rows.
        added: Number of the source row that came; None if the class has fewer rows.
        is_new: Whether the row that came is one of the new ones; False for an earlier row that fits better by now.
        similarity: Cosine of the row that came to the point that it stands at; None without one.
        former: Cosine of the row that gave way to that point; None without one.
    """

    class_name: str
    dropped: int | None
    added: int | None
    is_new: bool
    similarity: float | None
    former: float | None


@dataclass(frozen=True)
class Update:
    """Condensed rows of a source that has grown.

    Attributes:
        dataset: The rows: those that are still right in their places, others where one gave way.
        changes: Each row that gave way or came, with what speaks for it.
        n_kept: Rows that stayed.
        n_new: Source rows that were added, without those that repeat others.
        n_embedded: Texts that went through the embedding model.
    """

    dataset: Dataset
    changes: tuple[Change, ...]
    n_kept: int
    n_new: int
    n_embedded: int

    @property
    def n_changed(self) -> int:
        """Rows that came."""
        return sum(change.added is not None for change in self.changes)

    def to_json(self) -> dict[str, Any]:
        """All but the rows, as `json` can write it."""
        changes = [vars(change) for change in self.changes]
        counts = {"n_kept": self.n_kept, "n_new": self.n_new, "n_embedded": self.n_embedded}
        return {**counts, "changes": changes}


def appended(source: Dataset, new: Dataset) -> Dataset:
    """The source rows, and new ones behind them.

    Raises:
        ColumnError: if the new rows lack a column of the source, or one cannot take its type.
        RowError: if there are no new rows.
    """
    if len(new) == 0:
        raise RowError("there are no new rows to update with; pass at least one.")
    missing = [name for name in source.column_names if name not in new.column_names]
    if missing:
        raise ColumnError(
            f"the new rows have no column {missing[0]!r}; they need those of the source: "
            f"{', '.join(source.column_names)}."
        )
    try:
        new = new.select_columns(source.column_names).cast(source.features)
    except (TypeError, ValueError) as error:  # pyarrow's errors are ValueErrors, too
        raise ColumnError(f"the new rows cannot take the types of the source's columns: {error}.") from error
    return concatenate_datasets([source.with_format(None), new.with_format(None)])


def in_former_places(condensed: Condensed, former: Condensed) -> tuple[Condensed, np.ndarray]:
    """Orders rows so that those which were there before stay in their places within their class.

    Args:
        condensed: Rows that are source rows, class by class.
        former: Those of before.

    Returns:
        The rows in the new order; and for each its place in `condensed`, shape (n,), int64.
    """
    ours, theirs = _positions(condensed), _positions(former)
    order = []
    for code in np.unique(condensed.codes).tolist():
        here = np.flatnonzero(condensed.codes == code).tolist()
        before = theirs[former.codes == code].tolist()
        place = {int(ours[i]): i for i in here}
        came = iter([i for i in here if int(ours[i]) not in set(before)])
        slots = [place[p] if p in place else next(came, None) for p in before]
        order += [*(i for i in slots if i is not None), *came]
    index = np.asarray(order, dtype=np.int64)
    return _taken(condensed, index), index


def changes_between(
    condensed: Condensed, former: Condensed, prepared: PreparedSource, points: np.ndarray, n_before: int
) -> tuple[Change, ...]:
    """What gave way to what.

    Args:
        condensed: The rows in the order of `in_former_places`.
        former: Those of before.
        prepared: The source with the new rows.
        points: Where each row of `condensed` should sit.
        n_before: Source rows there were before, without repeated ones.

    Shape:
        points: (n, dim), float32.
    """
    rows, changes = prepared.rows, []
    ours, theirs = _positions(condensed), _positions(former)
    for code in np.unique(np.concatenate([condensed.codes, former.codes])).tolist():
        here = np.flatnonzero(condensed.codes == code).tolist()
        before, after = theirs[former.codes == code].tolist(), ours[here].tolist()
        gone = [p for p in before if p not in set(after)]
        came = [i for i in here if int(ours[i]) not in set(before)]
        for k in range(max(len(gone), len(came))):
            left = gone[k] if k < len(gone) else None
            i = came[k] if k < len(came) else None
            changes.append(
                Change(
                    class_name=rows.class_name(code),
                    dropped=None if left is None else int(rows.source_index[left]),
                    added=None if i is None else int(rows.source_index[ours[i]]),
                    is_new=i is not None and int(ours[i]) >= n_before,
                    similarity=None if i is None else _cosine(prepared, int(ours[i]), points[i]),
                    former=None if i is None or left is None else _cosine(prepared, left, points[i]),
                )
            )
    return tuple(changes)


def _cosine(prepared: PreparedSource, position: int, point: np.ndarray) -> float:
    vector = prepared.vectors[np.asarray([position])][0]
    return float(vector @ point / max(float(np.linalg.norm(point)), 1e-12))


def _positions(condensed: Condensed) -> np.ndarray:
    if condensed.positions is None:
        raise ValueError("rows that were written have no positions")
    return condensed.positions


def _taken(condensed: Condensed, index: np.ndarray) -> Condensed:
    arrays: Mapping[str, np.ndarray | None] = {
        name: None if getattr(condensed, name) is None else getattr(condensed, name)[index]
        for name in ("codes", "similarity", "cluster_size", "positions", "reward", "rounds")
    }
    picked = index.tolist()
    return replace(
        condensed,
        **arrays,  # type: ignore[arg-type]
        texts=[condensed.texts[i] for i in picked],
        parents=[condensed.parents[i] for i in picked],
        further={name: [values[i] for i in picked] for name, values in condensed.further.items()},
    )
