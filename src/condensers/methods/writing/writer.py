"""What a writer is: something that has an LLM write candidates for a condensed subset."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from condensers.errors import SettingError
from condensers.llm import Desk, Message, Question, Unusable
from condensers.llm.asking import TOO_LONG
from condensers.llm.tokens import CHARACTERS_A_TOKEN
from condensers.methods.writing.replies import Form
from condensers.methods.writing.task import Candidate, Groups, Parts, Task

T = TypeVar("T")
Subset = Mapping[int, np.ndarray]
Wanted = Mapping[int, int]

# Around each sample of a JSON reply, and for the rest of the object.
_JSON_TOKENS = 16


class Planned(NamedTuple):
    """A chat that a round will need, for an estimate: what it takes from earlier replies is filled in by guess.

    Attributes:
        messages: The chat.
        n_reply_tokens: How long its reply will be.
    """

    messages: list[Message]
    n_reply_tokens: int


class Writer(ABC):
    """Writes candidates for a condensed subset.

    Args:
        desk: Asks the LLM.
        task: What is written, and checked.
        form: How rows are asked for.
    """

    def __init__(self, desk: Desk, task: Task, form: Form) -> None:
        self.desk = desk
        self.task = task
        self.form = form
        self._n_halvings = 0  # of the rows shown in one chat; what one round finds out the next ones know

    @abstractmethod
    def write(self, subset: Subset, wanted: Wanted, samples: Sequence[int]) -> list[Candidate]:
        """Writes candidates.

        Args:
            subset: Positions of the retrieved rows of each class.
            wanted: Rows to write of each class.
            samples: Numbers of the samples to draw; each gives at most one candidate for each unit.

        Raises:
            SettingError: if a chat does not fit the model's context however little is shown.
        """

    @abstractmethod
    def plan(self, subset: Subset, wanted: Wanted, n_reply_tokens: int | None) -> list[Planned]:
        """The chats of one sample in one round.

        Args:
            subset: Rows that stand for those that will be retrieved.
            wanted: Rows to write of each class.
            n_reply_tokens: Length of every reply; None guesses one for each.
        """

    @property
    def foci(self) -> list[int | None]:
        """What one reply is about: all classes at once, or one class after the other."""
        return [None] if self.form == "json" else list(self.task.rows.class_counts)

    @property
    def is_split(self) -> bool:
        """Whether the rows did not fit into one chat."""
        return self._n_halvings > 0

    def focus_label(self, focus: int | None) -> str | None:
        """What the class that a reply is about is called."""
        return None if focus is None else self.task.label(focus)

    def part_of(self, wanted: Wanted, focus: int | None) -> Wanted:
        """The rows that one reply must hold."""
        return {code: n for code, n in wanted.items() if n and focus in (None, code)}

    def gather(
        self, groups: Groups, samples: Sequence[int], build: Callable[[Groups, int], Question[list[T]]]
    ) -> dict[int, list[T]]:
        """Asks about rows; what does not fit the context is asked in halves, and merged (Appendix A.4).

        Returns:
            What each sample found; a sample that lacks an answer about some of the rows is left out.
        """
        found: dict[int, list[T]] = {sample: [] for sample in samples}
        pieces = [groups]
        for _ in range(self._n_halvings):
            pieces = [half for piece in pieces for half in halves(piece)]
        while pieces and found:
            asked = list(found)
            answers = self.desk.ask([build(piece, sample) for piece in pieces for sample in asked])
            too_long = []
            for k, piece in enumerate(pieces):
                replies = answers[k * len(asked) : (k + 1) * len(asked)]
                if any(reply.problem == TOO_LONG for reply in replies):
                    too_long.append(piece)
                    continue
                for sample, reply in zip(asked, replies, strict=True):
                    if reply.value is None:
                        found.pop(sample, None)
                    elif sample in found:
                        found[sample] += reply.value
            self._n_halvings += bool(too_long)
            self.desk.events.steps["chunked"] += len(too_long)
            pieces = [half for piece in too_long for half in halves(piece)]
        return found

    def shrink(self, samples: Sequence[int], builds: Sequence[Callable[[int], Question[T]]]) -> dict[int, T]:
        """Asks for rows; a chat that does not fit the context is put more briefly, in the next of several ways."""
        found: dict[int, T] = {}
        for build in builds:
            answers = self.desk.ask([build(sample) for sample in samples])
            found |= {k: reply.value for k, reply in zip(samples, answers, strict=True) if reply.value is not None}
            samples = [k for k, reply in zip(samples, answers, strict=True) if reply.problem == TOO_LONG]
            if not samples:
                return found
            self.desk.events.steps["chunked"] += len(samples)
        raise no_room()

    def counted(self, rows: list[tuple[Parts, int]], wanted: Wanted) -> list[tuple[Parts, int]]:
        """The rows in class order; raises `Unusable` unless there are as many of each class as wanted."""
        for code in self.task.rows.class_counts:
            found = sum(of == code for _, of in rows)
            if found != wanted.get(code, 0):
                raise Unusable(
                    "wrong_counts",
                    f"there are {found} samples with the label {self.task.label(code)}, not {wanted.get(code, 0)}",
                )
        return sorted(rows, key=lambda row: row[1])

    def first_good(self, rows: Sequence[Parts], n: int) -> list[Parts]:
        """The first n rows that may be used; raises `Unusable` if there are fewer. For replies in lines."""
        good: list[Parts] = []
        seen: set[str] = set()
        faults = []
        for parts in rows:
            fault = self.task.fault(parts, seen)
            if fault is not None:
                faults.append(fault)
                continue
            seen.add(self.task.normalised(parts))
            good.append(parts)
        if len(good) < n:
            raise faults[0] if faults else Unusable("wrong_counts", f"there are {len(good)} lines, not {n}")
        self.desk.events.steps["surplus_cut"] += len(good) - n
        return good[:n]

    def reply_tokens(self, wanted: Wanted) -> int:
        """About how many tokens a reply with these rows takes."""
        texts = self.task.rows.texts
        mean = sum(map(len, texts)) / len(texts) / CHARACTERS_A_TOKEN
        return round(sum(wanted.values()) * (mean + _JSON_TOKENS)) + _JSON_TOKENS


def halves(groups: Groups) -> list[Groups]:
    """Two halves of the rows of each label.

    Raises:
        SettingError: if no label has two rows.
    """
    if all(len(rows) < 2 for _, rows in groups):
        raise no_room()
    first = [(label, rows[: (len(rows) + 1) // 2]) for label, rows in groups]
    second = [(label, rows[(len(rows) + 1) // 2 :]) for label, rows in groups]
    return [first, [(label, rows) for label, rows in second if rows]]


def no_room() -> SettingError:
    """The error of a context that is too short for anything."""
    return SettingError(
        "not even one row of each class fits the context of the language model. Use a model with a longer context, or "
        "lower `reply_tokens` (`--reply-tokens`), which the context must hold as well."
    )
