"""Rows of one class after the other: written, sifted, answered, until there are as many as are wanted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from condensers.errors import BudgetError
from condensers.methods.generation.answers import AnswerWriter
from condensers.methods.generation.sieve import Drop, Sieve
from condensers.methods.generation.tally import Tally
from condensers.softsrv.targeted import SPARE

# Where the number of texts is not given, it is doubled so often before too few of them are given up on.
_DOUBLINGS = 3


@dataclass(frozen=True)
class Written:
    """Texts as they were written.

    Attributes:
        texts: The texts.
        parents: Position of the source row that each was written after; shape (n,), int64.
        unusable: Those that are known to be none of use.
    """

    texts: list[str]
    parents: np.ndarray
    unusable: Mapping[int, Drop]


@dataclass(frozen=True)
class Generated:
    """A row.

    Attributes:
        text: The question, parts joined.
        parent: Position of the source row that it was written after.
        answer: Its answer; None where none is wanted.
    """

    text: str
    parent: int
    answer: str | bool | None = None


WriteAfter = Callable[[np.ndarray, int], Written]
"""Writes so many texts after the rows at some positions, which take turns; asked for more, it begins with the same."""


class Generation:
    """Step 2 and 3 of SoftSRV (Section 3.3), for its adapter and for prompts alike.

    Args:
        write: Writes texts.
        sieve: Says which may stay.
        answers: Answers them; None wants no answers.
        tally: Counts.
        is_stopped: Whether a spending limit was reached.
    """

    def __init__(
        self,
        write: WriteAfter,
        sieve: Sieve,
        answers: AnswerWriter | None,
        tally: Tally,
        is_stopped: Callable[[], bool],
    ) -> None:
        self._write = write
        self._sieve = sieve
        self._answers = answers
        self._tally = tally
        self._is_stopped = is_stopped

    def run(self, positions: np.ndarray, n: int, *, num_written: int | None, allow_fewer: bool) -> list[Generated]:
        """Makes `n` rows after source rows; fewer where a spending limit was reached or `allow_fewer`.

        Args:
            positions: Source rows; shape (n_rows,), int64.
            n: How many.
            num_written: Texts to write; None writes twice as many as are wanted, and more if few may stay.
            allow_fewer: Take what there is.

        Raises:
            BudgetError: if fewer may stay.
        """
        wanted = SPARE * n if num_written is None else num_written
        rows: list[Generated] = []
        tried: set[str] = set()
        for tries_left in reversed(range(_DOUBLINGS + 1 if num_written is None else 1)):
            written = self._write(positions, wanted)
            sifted = self._sieve.sift(written.texts, written.unusable)
            is_last = not tries_left or self._is_stopped()
            if len(sifted.order) >= n or is_last:
                rows += self._answered(written, sifted.order.tolist(), n - len(rows), tried)
            if len(rows) == n or is_last or self._is_stopped():
                break
            wanted *= 2
        self._tally.n_written += len(written.texts)
        self._tally.n_left_over += len(sifted.order) - len(tried)
        for i, drop in sifted.dropped.items():
            self._tally.drop(drop.reason, written.texts[i], drop.why)
        if len(rows) < n and not (self._is_stopped() or (allow_fewer and rows)):
            raise BudgetError(
                f"of {len(written.texts)} texts that were written for {n} rows, {len(rows)} can stay ({self._tally}). "
                f"Raise `num_written` (`--num-written`), which keeps what is written, or take fewer with "
                f"`allow_fewer=True` (`--allow-fewer`)."
            )
        return rows

    def _answered(self, written: Written, order: list[int], n: int, tried: set[str]) -> list[Generated]:
        """Up to `n` rows of texts that were not tried yet; where an answer fails, the next text has its turn."""
        fresh = [i for i in order if written.texts[i] not in tried]
        rows: list[Generated] = []
        while fresh and len(rows) < n:
            wave, fresh = fresh[: n - len(rows)], fresh[n - len(rows) :]
            tried.update(written.texts[i] for i in wave)
            rows += self._wave(written, wave)
            if self._answers is not None and self._is_stopped():
                break
        return rows

    def _wave(self, written: Written, wave: list[int]) -> list[Generated]:
        texts, parents = [written.texts[i] for i in wave], written.parents[wave].tolist()
        if self._answers is None:
            return [Generated(text, parent) for text, parent in zip(texts, parents, strict=True)]
        answers = self._answers.answer(texts)
        # An answer may hold what its question does not.
        leaks = self._sieve.leaks([f"{text} {answer}" for text, answer in zip(texts, answers, strict=True)])
        rows = []
        for i, (text, parent, answer) in enumerate(zip(texts, parents, answers, strict=True)):
            if answer is None:
                self._tally.drop("unanswered", text, "no reply was of use")
            elif i in leaks:
                self._tally.drop(leaks[i].reason, text, leaks[i].why)
            else:
                rows.append(Generated(text, parent, answer))
        return rows
