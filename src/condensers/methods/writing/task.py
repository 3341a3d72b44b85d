"""What is to be written: rows of which columns and classes, and what must not be repeated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from condensers.data import Rows
from condensers.data.dedup import normalise
from condensers.errors import ColumnError
from condensers.llm import Unusable

Parts = tuple[str, ...]
"""One text a text column."""
Groups = list[tuple[str, list[Parts]]]
"""Labels, each with rows to show, as prompts take them."""


@dataclass(frozen=True)
class Written:
    """A row that an LLM wrote.

    Attributes:
        text: Its joined text.
        code: Its class.
        parents: Positions of the retrieved rows of its class that it was made of.
    """

    text: str
    code: int
    parents: tuple[int, ...]


@dataclass(frozen=True)
class Candidate:
    """Rows that are taken together or not at all.

    Attributes:
        unit: Candidates of the same unit compete. A reply with rows of all classes is one unit; where each class, or
            each row, is asked for on its own, each is a unit.
        rows: The rows.
    """

    unit: int
    rows: tuple[Written, ...]


@dataclass
class Task:
    """The rows an LLM learns from, and a check of those it writes.

    Attributes:
        rows: The source rows.
        taken: Normalised texts that are in the condensed set by now.
        used: Positions of the source rows that those were made of.

    Raises:
        ColumnError: if the rows have more than two text columns.
    """

    rows: Rows
    taken: set[str] = field(default_factory=set)
    used: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        if len(self.rows.columns.text) > 2:
            raise ColumnError(
                f"an LLM writes rows of one text or a pair; there are {len(self.rows.columns.text)} text columns "
                f"({', '.join(self.rows.columns.text)}). Choose one or two with `text=`."
            )
        self._source = {normalise(text) for text in self.rows.texts}
        self._codes = {self.label(code).strip().casefold(): code for code in self.rows.class_counts}

    @property
    def names(self) -> Parts:
        """Names of the text columns."""
        return self.rows.columns.text

    @property
    def is_pair(self) -> bool:
        """Whether a row has two texts."""
        return len(self.names) == 2

    def label(self, code: int) -> str:
        """What a class is called."""
        return self.rows.class_name(code)

    def code_of(self, label: str) -> int:
        """The class that a reply names; raises `Unusable` if there is none of that name."""
        code = self._codes.get(label.strip().casefold())
        if code is None:
            known = ", ".join(self.label(code) for code in self.rows.class_counts)
            raise Unusable("wrong_labels", f"there is no label {label[:40]!r}; the labels are {known}")
        return code

    def parts(self, position: int) -> Parts:
        """The texts of a source row."""
        values = self.rows.dataset[int(position)]
        return tuple(values[name] for name in self.names)

    def normalised(self, parts: Parts) -> str:
        """The form in which two rows count as the same."""
        return normalise(self.rows.columns.join(parts))

    def groups(self, subset: Mapping[int, np.ndarray]) -> Groups:
        """Retrieved rows as prompts take them."""
        return [(self.label(code), [self.parts(i) for i in positions]) for code, positions in subset.items()]

    def accepted(self, rows: Sequence[tuple[Parts, int]], subset: Mapping[int, np.ndarray]) -> tuple[Written, ...]:
        """Rows of a reply as rows of a candidate; raises `Unusable` if one of them may not be used."""
        seen: set[str] = set()
        written = []
        for parts, code in rows:
            fault = self.fault(parts, seen)
            if fault is not None:
                raise fault
            seen.add(self.normalised(parts))
            written.append(Written(self.rows.columns.join(parts), code, tuple(subset[code].tolist())))
        return tuple(written)

    def fault(self, parts: Parts, seen: set[str]) -> Unusable | None:
        """Why a row may not be used; None if it may.

        Args:
            parts: Its texts.
            seen: Normalised texts that stand before it in the same reply.
        """
        if not all(part.strip() for part in parts):
            return Unusable("empty", "a sample is empty")
        mark = self.rows.columns.separator.strip()
        if self.is_pair and mark and any(mark in part for part in parts):
            return Unusable("separator", f"a sample holds the mark {mark}, which stands between the texts of a pair")
        text = self.normalised(parts)
        if text in self._source:
            return Unusable("copies_source", f"the sample {parts[-1][:80]!r} is a copy of one that exists")
        if text in seen or text in self.taken:
            return Unusable("repeats", f"the sample {parts[-1][:80]!r} was written before")
        return None
