"""Rows written after examples, and rows said in other words."""

from collections.abc import Sequence
from functools import partial
from typing import Literal

import numpy as np

from condensers.llm import Completion, Desk, Prompt, Question, Unusable
from condensers.llm.text_reply import lines_of, single_of, untagged
from condensers.methods.writing.replies import Form, PairSamples, Samples
from condensers.methods.writing.task import Candidate, Groups, Parts, Task, Written
from condensers.methods.writing.writer import Planned, Subset, Wanted, Writer, halves

Purpose = Literal["examples", "errors"]
BETWEEN = "||"
# Tokens of a reply besides those of the row: a short opening, quotation marks.
_ROOM = 32


class FewShot(Writer):
    """Few-shot prompting: the retrieved rows are shown, and more like them asked for. One chat a sample.

    Args:
        desk: See `Writer`.
        task: See `Writer`.
        form: See `Writer`.
        purpose: What the model is told about the rows: that they are examples, or that a classifier got them wrong.
    """

    def __init__(self, desk: Desk, task: Task, form: Form, purpose: Purpose = "examples") -> None:
        super().__init__(desk, task, form)
        self.purpose = purpose
        self._prompt = Prompt.load("condenselm/few_shot")

    def write(self, subset: Subset, wanted: Wanted, samples: Sequence[int]) -> list[Candidate]:
        """Writes candidates; see `Writer.write`."""
        shown = [self.task.groups(subset)]
        while any(len(rows) > 1 for _, rows in shown[-1]):
            shown.append(halves(shown[-1])[0])
        candidates = []
        for unit, focus in enumerate(self.foci):
            here = self.part_of(wanted, focus)
            if here:
                builds = [partial(self._ask, groups=groups, subset=subset, wanted=here) for groups in shown]
                candidates += [Candidate(unit, rows) for rows in self.shrink(samples, builds).values()]
        return candidates

    def plan(self, subset: Subset, wanted: Wanted, n_reply_tokens: int | None) -> list[Planned]:
        """The chats of one sample; see `Writer.plan`."""
        groups = self.task.groups(subset)
        parts = [part for part in (self.part_of(wanted, focus) for focus in self.foci) if part]
        return [Planned(self._chat(groups, part), n_reply_tokens or self.reply_tokens(part)) for part in parts]

    def _chat(self, groups: Groups, wanted: Wanted) -> list:
        return self._prompt.messages(
            groups=groups,
            names=self.task.names,
            wanted=[(self.task.label(code), n) for code, n in wanted.items()],
            purpose=self.purpose,
            form=self.form,
        )

    def _ask(self, sample: int, groups: Groups, subset: Subset, wanted: Wanted) -> Question[tuple[Written, ...]]:
        def read(completion: Completion) -> tuple[Written, ...]:
            if isinstance(completion.parsed, (Samples, PairSamples)):
                rows = [(_parts(each), self.task.code_of(each.label)) for each in completion.parsed.samples]
                return self.task.accepted(self.counted(rows, wanted), subset)
            (code,) = wanted
            lines = [self._split(line) for line in lines_of(completion.text)]
            good = self.first_good([parts for parts in lines if parts], wanted[code])
            return self.task.accepted([(parts, code) for parts in good], subset)

        schema = None if self.form != "json" else PairSamples if self.task.is_pair else Samples
        return Question(self._chat(groups, wanted), sample, read, schema)

    def _split(self, line: str) -> Parts:
        """The texts of a line; none if it is no row."""
        parts = tuple(part.strip() for part in line.split(BETWEEN)) if self.task.is_pair else (line,)
        return parts if len(parts) == len(self.task.names) else ()


class Rewrite(Writer):
    """One row a reply: a retrieved row in other words; of a pair, the second text.

    For models that keep to neither a schema nor a list. Each row to write has a retrieved row of its own, one that has
    not been rewritten before if there is one, so the candidates for each row compete among themselves.

    Args:
        desk: See `Writer`.
        task: See `Writer`.
        form: See `Writer`.
        at_length: Have texts told at greater length, in about twice to three times the words. A pair's second text
            stays as long as it is: what is added to a hypothesis may not follow any more.
    """

    def __init__(self, desk: Desk, task: Task, form: Form = "single", *, at_length: bool = False) -> None:
        super().__init__(desk, task, form)
        self.at_length = at_length and not task.is_pair
        alone = "asking/at_length" if self.at_length else "asking/in_other_words"
        self._prompt = Prompt.load("condenselm/rewrite" if task.is_pair else alone)

    def write(self, subset: Subset, wanted: Wanted, samples: Sequence[int]) -> list[Candidate]:
        """Writes candidates; see `Writer.write`."""
        slots = self._slots(subset, wanted)
        questions = [self._ask(code, position, sample) for code, position in slots for sample in samples]
        units = [unit for unit in range(len(slots)) for _ in samples]
        answers = self.desk.ask(questions)
        return [
            Candidate(unit, (answer.value,))
            for unit, answer in zip(units, answers, strict=True)
            if answer.value is not None
        ]

    def plan(self, subset: Subset, wanted: Wanted, n_reply_tokens: int | None) -> list[Planned]:
        """The chats of one sample; see `Writer.plan`."""
        usual = (2 if self.at_length else 1) * self.reply_tokens({0: 1})
        return [
            Planned(self._chat(code, position), min(n_reply_tokens, self._room(position)) if n_reply_tokens else usual)
            for code, position in self._slots(subset, wanted)
        ]

    def _slots(self, subset: Subset, wanted: Wanted) -> list[tuple[int, int]]:
        slots = []
        for code, n in wanted.items():
            fresh_first = sorted(subset[code].tolist(), key=self.task.used.__contains__)
            slots += [(code, position) for position in np.resize(fresh_first, n).tolist()]
        return slots

    def _chat(self, code: int, position: int) -> list:
        parts = self.task.parts(position)
        if self.task.is_pair:
            return self._prompt.messages(row=parts, label=self.task.label(code))
        return self._prompt.messages(text=parts[0])

    def _ask(self, code: int, position: int, sample: int) -> Question[Written]:
        def read(completion: Completion) -> Written:
            text = single_of(completion.text)
            if not text:
                raise Unusable("empty", "it holds no text")
            parts = (*self.task.parts(position)[:-1], text)
            fault = self.task.fault(parts, set())
            if fault is not None:
                raise fault
            return Written(self.task.rows.columns.join(parts), code, (position,))

        return Question(self._chat(code, position), sample, read, max_tokens=self._room(position))

    def _room(self, position: int) -> int:
        """Tokens for other words of a row: several times its own, in any script."""
        room = _ROOM + len(self.task.parts(position)[-1].encode())
        return 2 * room if self.at_length else room


def _parts(sample: object) -> Parts:
    names = ("first", "second") if hasattr(sample, "first") else ("text",)
    return tuple(untagged(getattr(sample, name)) for name in names)
