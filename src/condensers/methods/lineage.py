"""Why a row: which condensed row stands for a source row, and which source rows are behind a condensed one."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from datasets import Dataset

from condensers.data import Rows, read_rows
from condensers.data.dedup import normalise
from condensers.embedding import Embedder, embed_texts
from condensers.errors import ColumnError, RowError
from condensers.methods.assignment import Assignment, assign
from condensers.methods.source import PreparedSource


@dataclass(frozen=True)
class Neighbour:
    """A row beside the one that was asked about.

    Attributes:
        row: Its number, in the source or among the condensed rows, from 0.
        similarity: Cosine of the two.
        text: Its text.
        class_name: Its class.
        parent: Whether the condensed row was made from it; False between condensed rows.
    """

    row: int
    similarity: float
    text: str
    class_name: str
    parent: bool = False


@dataclass(frozen=True)
class StoodFor:
    """Which condensed row stands for a text.

    Attributes:
        source_row: Its number in the source, from 0; None for a text that is not in it.
        text: The text.
        class_name: Its class; None for a text that is not in the source.
        condensed: The condensed rows of its class (of all classes, where it has none), nearest first: the first
            stands for it.
        rank: Its place among the source rows which that one stands for, 1 for the nearest.
        n_stood_for: Source rows that it stands for.
    """

    source_row: int | None
    text: str
    class_name: str | None
    condensed: tuple[Neighbour, ...]
    rank: int
    n_stood_for: int


@dataclass(frozen=True)
class StandsFor:
    """What is behind a condensed row.

    Attributes:
        condensed_row: Its number, from 0.
        text: Its text.
        class_name: Its class.
        n_source_rows: Source rows of its class to which no other condensed row is nearer.
        n_class: Source rows of its class.
        similarity: Mean cosine of the rows that it stands for; None if there are none.
        provenance: What its provenance columns say, without their prefix: method, similarity to the point that it
            realises, reward, round.
        source: The nearest of the rows that it stands for and all rows that it was made from, nearest first.
    """

    condensed_row: int
    text: str
    class_name: str
    n_source_rows: int
    n_class: int
    similarity: float | None
    provenance: dict[str, Any]
    source: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Lineage:
    """Condensed rows and the source rows behind them, to be asked from either side.

    Attributes:
        prepared: The source rows.
        rows: The condensed rows as a dataset, with their provenance.
        condensed: The same, as they were read.
        vectors: Their vectors; shape (n, dim), float32.
        embedder: What they were embedded with.
    """

    prepared: PreparedSource
    rows: Dataset
    condensed: Rows
    vectors: np.ndarray
    embedder: Embedder

    @classmethod
    def trace(cls, prepared: PreparedSource, rows: Dataset, embedder: Embedder) -> "Lineage":
        """Embeds condensed rows beside their source.

        Raises:
            ColumnError: if they lack a column of the source.
            RowError: if there are none, or one has no text.
        """
        columns = prepared.columns
        wanted = columns.text if columns.label is None else (*columns.text, columns.label)
        missing = [name for name in wanted if name not in rows.column_names]
        if missing:
            raise ColumnError(
                f"the condensed rows have no column {missing[0]!r}, but {', '.join(rows.column_names)}: which source "
                f"rows are behind them can be told only of rows in the columns of the source."
            )
        names = prepared.rows.class_names or None
        condensed = read_rows(rows, columns, class_names=names)
        vectors = embed_texts(condensed.texts, embedder, progress=False).vectors[:]
        return cls(prepared, rows, condensed, vectors, embedder)

    @cached_property
    def assignment(self) -> Assignment:
        """Each source row with the condensed row that stands for it."""
        return assign(self.prepared.vectors, self.prepared.rows.codes, self.vectors, self.condensed.codes)

    def source_row(self, number: int, *, n_shown: int = 3) -> StoodFor:
        """Which condensed row stands for a source row.

        Args:
            number: Of the row, from 0, in the source as it was before repeated rows were left out.
            n_shown: Condensed rows that are named, at most.

        Raises:
            RowError: if there is no such row among those that were condensed.
        """
        source = self.prepared.rows
        found = np.flatnonzero(source.source_index == number)
        if not len(found):
            raise RowError(
                f"source row {number} is not among the {len(source)} rows that were condensed, which are numbered 0 "
                f"to {int(source.source_index[-1])} without those that repeat another or are empty. Ask by its text."
            )
        return self._stood_for(int(found[0]), n_shown)

    def text(self, text: str, *, n_shown: int = 3) -> StoodFor:
        """Which condensed row stands for a text: a source row's, up to case and white space, or any other.

        Args:
            text: The text; of several columns, joined as the source's are.
            n_shown: Condensed rows that are named, at most.
        """
        wanted = normalise(text)
        position = next((i for i, known in enumerate(self.prepared.rows.texts) if normalise(known) == wanted), None)
        if position is not None:
            return self._stood_for(position, n_shown)
        cosines = self.vectors @ self.embedder.encode([text])[0]
        order = np.argsort(-cosines, kind="stable")[:n_shown].tolist()
        rank, n_stood_for = self._rank(order[0], cosines[order[0]])
        return StoodFor(None, text, None, self._condensed(order, cosines), rank, n_stood_for)

    def condensed_row(self, number: int, *, n_shown: int = 8) -> StandsFor:
        """What is behind a condensed row.

        Args:
            number: Of the row, from 0.
            n_shown: Source rows that it stands for and that are named, at most.

        Raises:
            RowError: if there is no such row.
        """
        n, source = len(self.condensed), self.prepared.rows
        if not 0 <= number < n:
            raise RowError(f"there is no condensed row {number}; there are {n}, numbered 0 to {n - 1}.")
        own = np.flatnonzero(self.assignment.owners == number)
        cosines = self.assignment.similarity[own]
        parents = parent_positions(self.rows, source)[number]
        nearest = own[np.argsort(-cosines, kind="stable")[:n_shown]]
        shown = np.unique(np.asarray([*nearest.tolist(), *parents], dtype=np.int64))
        beside = self.prepared.vectors[shown] @ self.vectors[number]
        code = int(self.condensed.codes[number])
        return StandsFor(
            condensed_row=number,
            text=self.condensed.texts[number],
            class_name=source.class_name(code),
            n_source_rows=len(own),
            n_class=source.class_counts[code],
            similarity=float(cosines.mean()) if len(own) else None,
            provenance=self._provenance(number),
            source=tuple(
                Neighbour(
                    row=int(source.source_index[shown[i]]),
                    similarity=float(beside[i]),
                    text=source.texts[shown[i]],
                    class_name=source.class_name(int(source.codes[shown[i]])),
                    parent=int(shown[i]) in parents,
                )
                for i in np.argsort(-beside, kind="stable").tolist()
            ),
        )

    def _stood_for(self, position: int, n_shown: int) -> StoodFor:
        source = self.prepared.rows
        code = int(source.codes[position])
        few = np.flatnonzero(self.condensed.codes == code)
        if not len(few):
            raise RowError(
                f"no condensed row stands for source row {int(source.source_index[position])}: its class "
                f"{source.class_name(code)!r} has none."
            )
        cosines = self.vectors @ self.prepared.vectors[np.asarray([position])][0]
        owner = int(self.assignment.owners[position])
        others = few[np.argsort(-cosines[few], kind="stable")].tolist()
        rank, n_stood_for = self._rank(owner, cosines[owner])
        return StoodFor(
            source_row=int(source.source_index[position]),
            text=source.texts[position],
            class_name=source.class_name(code),
            condensed=self._condensed([owner, *(i for i in others if i != owner)][:n_shown], cosines),
            rank=rank,
            n_stood_for=n_stood_for,
        )

    def _condensed(self, order: list[int], cosines: np.ndarray) -> tuple[Neighbour, ...]:
        return tuple(
            Neighbour(
                row=i,
                similarity=float(cosines[i]),
                text=self.condensed.texts[i],
                class_name=self.prepared.rows.class_name(int(self.condensed.codes[i])),
            )
            for i in order
        )

    def _rank(self, owner: int, cosine: float) -> tuple[int, int]:
        """How many rows of a condensed row are nearer to it than `cosine`, and one; and how many rows it has."""
        own = self.assignment.similarity[self.assignment.owners == owner]
        # A matrix product and a vector product of the same numbers may differ in their last digit.
        return int((own > cosine + 1e-6).sum()) + 1, len(own)

    def _provenance(self, number: int) -> dict[str, Any]:
        row = self.rows[number]
        left_out = ("condensed_parents", "condensed_cluster_size")
        named = [name for name in row if name.startswith("condensed_") and name not in left_out]
        return {name.removeprefix("condensed_"): row[name] for name in named if row[name] is not None}


def parent_positions(rows: Dataset, source: Rows) -> list[list[int]]:
    """For each condensed row, positions of the source rows it was made from; those not among `source` are left out."""
    if "condensed_parents" not in rows.column_names:
        return [[] for _ in range(len(rows))]
    position = {number: i for i, number in enumerate(source.source_index.tolist())}
    found = rows.with_format(None)["condensed_parents"][:]
    return [[position[number] for number in numbers or () if number in position] for numbers in found]
