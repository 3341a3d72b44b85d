"""The loop of Algorithm 1: retrieve, write candidates, keep the best, until each class has its rows."""

import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from condensers.data.dedup import normalise
from condensers.errors import BudgetError
from condensers.llm import CachedLLM
from condensers.methods.llm_config import RoundConfig
from condensers.methods.subset_sizes import SubsetSizes
from condensers.methods.writing import (
    Candidate,
    Desk,
    Events,
    Form,
    Subset,
    Task,
    Wanted,
    Writer,
    Written,
    too_few_rows,
)

N_TRIED = 3
"""Samples that are tried before a form of reply is settled on."""
_FORM_FAULTS = ("malformed", "truncated", "wrong_labels", "wrong_counts", "empty")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """A row of the condensed set.

    Attributes:
        row: What was written.
        reward: What it was chosen by.
        round: The round that made it, from 1.
    """

    row: Written
    reward: float
    round: int


class Guide(ABC):
    """What steers the rounds of one run: which rows are retrieved, and what written rows are worth."""

    @abstractmethod
    def retrieve(self, size: int, kept: Sequence[Kept]) -> Subset:
        """Positions of up to `size` rows of each class, given what is condensed so far."""

    def rewards(self, rows: Sequence[Written], kept: Sequence[Kept]) -> np.ndarray:
        """What each row is worth, given what is condensed so far; shape (n_rows,). Nothing, unless overridden."""
        return np.zeros(len(rows))


class Rounds:
    """The rounds of one call of `condense`.

    Args:
        config: Settings.
        task: What is written.
        guide: What steers it.
        sizes: Rows that go into a round and come out of it.
        llm: Who is asked.
        events: Where it is counted what became of the replies.
        n_candidates: Candidates a round.
        make_writer: Makes the writer for a form of reply.

    Attributes:
        kept: The condensed set so far.
    """

    def __init__(
        self,
        config: RoundConfig,
        task: Task,
        guide: Guide,
        sizes: SubsetSizes,
        llm: CachedLLM,
        events: Events,
        *,
        n_candidates: int,
        make_writer: Callable[[Desk, Task, Form], Writer],
    ) -> None:
        self.config = config
        self.task = task
        self.guide = guide
        self.sizes = sizes
        self.llm = llm
        self.events = events
        self.n_candidates = n_candidates
        self._make_writer = make_writer
        self.form: Form | None = None if self.config.reply_format == "auto" else self.config.reply_format
        self.trials: dict[str, Any] = {}
        self.log: list[dict[str, Any]] = []
        self.kept: list[Kept] = []
        self._writer: Writer | None = None

    def run(self, shares: Mapping[int, int]) -> list[Kept]:
        """Runs until each class has its rows, a limit is reached, or patience ends.

        Raises:
            BudgetError: if rows are missing after all rounds, or a limit was reached before there was one.
        """
        seen: list[dict[int, list[int]]] = []
        planned = -(-max(shares.values()) // self.sizes.condensed)
        while wanted := self._wanted(shares):
            if len(self.log) == planned + self.config.extra_rounds:
                raise self._too_few(shares)
            subset = self._retrieved(wanted)
            if self._writer is None:
                self._writer = self._settled_writer(subset, wanted)
                if self.trials and self.form == "single":
                    subset = self._retrieved(wanted)
            writer = self._writer
            # A round that sees the same rows as one before must not get the same replies.
            rows = {code: positions.tolist() for code, positions in subset.items()}
            first = seen.count(rows) * 2 * self.n_candidates
            seen.append(rows)
            candidates = writer.write(subset, wanted, range(first, first + self.n_candidates))
            added = self._choose(candidates, len(self.log) + 1)
            self.log.append(self._entry(subset, wanted, candidates, added))
            if writer.desk.stopped and self._wanted(shares):
                break
        if not self.kept:
            raise BudgetError(
                f"the limit {self.llm.usage.reached} was reached before a row was written. Raise it; what was replied "
                f"so far is in the cache and costs nothing the next time."
            )
        return self.kept

    def record(self) -> dict[str, Any]:
        """What the record of the run says of its language model."""
        return {
            "model": self.llm.name,
            "fingerprint": self.llm.fingerprint,
            "reply_format": self.form,
            "trials": self.trials,
            "subset_size": self.sizes.retrieved,
            "condensed_size": self.sizes.condensed,
            "candidates": self.n_candidates,
            "events": self.events.to_dict(),
            "rounds": self.log,
            "usage": self.llm.usage.to_dict(),
        }

    def _wanted(self, shares: Mapping[int, int]) -> dict[int, int]:
        codes = [each.row.code for each in self.kept]
        missing = {code: share - codes.count(code) for code, share in shares.items()}
        return {code: min(self.sizes.condensed, n) for code, n in missing.items() if n > 0}

    def _retrieved(self, wanted: Wanted) -> Subset:
        if self.form != "single":
            return self.guide.retrieve(self.sizes.retrieved, self.kept)
        # A rewriter needs one row for each that it writes, and others than those it has had. More would be spread over
        # rows of which only some are read.
        had = Counter(each.row.code for each in self.kept)
        return self.guide.retrieve(max(n + had[code] for code, n in wanted.items()), self.kept)

    def _settled_writer(self, subset: Subset, wanted: Wanted) -> Writer:
        self.form = self.form or self._manageable_form(subset, wanted)
        return self._make_writer(self._desk(self.events), self.task, self.form)

    def _manageable_form(self, subset: Subset, wanted: Wanted) -> Form:
        """The first form of reply in which the model gets at least half of a few samples right, at once."""
        forms: tuple[Form, ...] = ("json", "lines")
        for form in forms:
            events = Events()
            writer = self._make_writer(self._desk(events, second_chances=False), self.task, form)
            samples = range(N_TRIED)
            candidates = writer.write(subset, wanted, samples)
            self.trials[form] = events.to_dict()
            n_hoped = len(samples) * (1 if form == "json" else len(wanted))
            at_fault = any(events.unusable[fault] for fault in _FORM_FAULTS)
            if 2 * len(candidates) >= n_hoped or not at_fault or writer.desk.stopped:
                return form
            _logger.warning(
                "%s got %d of %d samples right when asked for rows as %s; asking in a simpler form from here on.",
                self.llm.name,
                len(candidates),
                n_hoped,
                form,
            )
        return "single"

    def _desk(self, events: Events, *, second_chances: bool = True) -> Desk:
        return Desk(
            self.llm,
            events,
            n_samples=self.n_candidates,
            max_input_tokens=self.config.max_input_tokens,
            second_chances=second_chances,
        )

    def _choose(self, candidates: Sequence[Candidate], number: int) -> list[Kept]:
        """Keeps the candidate with the highest sum of rewards, of each unit (Best-of-N, Section 2.4)."""
        if not candidates:
            return []
        rows = [row for candidate in candidates for row in candidate.rows]
        rewards = self.guide.rewards(rows, self.kept)
        ends = np.cumsum([len(candidate.rows) for candidate in candidates])
        by_candidate = np.split(rewards, ends[:-1])
        order = sorted(range(len(candidates)), key=lambda k: (candidates[k].unit, -float(by_candidate[k].sum())))
        added: list[Kept] = []
        filled: set[int] = set()
        for k in order:
            candidate = candidates[k]
            texts = [normalise(row.text) for row in candidate.rows]
            # Units are written apart from each other and may have hit upon the same text.
            if candidate.unit in filled or self.task.taken & set(texts):
                continue
            filled.add(candidate.unit)
            self.task.taken.update(texts)
            self.task.used.update(parent for row in candidate.rows for parent in row.parents)
            added += [Kept(row, float(r), number) for row, r in zip(candidate.rows, by_candidate[k], strict=True)]
        self.kept += added
        return added

    def _entry(
        self, subset: Subset, wanted: Wanted, candidates: Sequence[Candidate], added: Sequence[Kept]
    ) -> dict[str, Any]:
        return {
            "retrieved": {self.task.label(code): len(positions) for code, positions in subset.items()},
            "wanted": {self.task.label(code): n for code, n in wanted.items()},
            "candidates": len(candidates),
            "added": len(added),
            "reward": sum(each.reward for each in added),
        }

    def _too_few(self, shares: Mapping[int, int]) -> BudgetError:
        codes = [each.row.code for each in self.kept]
        found = {code: codes.count(code) for code in shares}
        return too_few_rows(
            self.llm.name,
            self.task,
            found,
            shares,
            self.events,
            tried=f"in {len(self.log)} rounds",
            advice="Use a stronger model, set `reply_format='single'` (`--reply-format single`), or raise "
            "`extra_rounds`",
        )
