"""RANDOM_API and VARIATION_API of Aug-PE: texts out of nothing but their kind, and new versions of texts."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from condensers.data import Columns
from condensers.data.dedup import normalise
from condensers.llm import Completion, Desk, Message, Prompt, Question, Unusable
from condensers.llm.row_reply import part_names, row_of
from condensers.llm.text_reply import lines_of
from condensers.methods.evolution.config import AugPEConfig

MANNERS = (
    "in plain words",
    "briefly and casually",
    "in careful detail",
    "as somebody in a hurry would",
    "formally",
    "as an expert would",
    "as a beginner would",
    "with a touch of humour",
)
"""Ways to write that suit any kind of text, so that the first texts differ."""

MAX_SUBJECTS = 20
BLANK = "_"
_ROOM = 64  # tokens of a reply besides those of its words
_TOKENS_A_WORD = 6  # in whatever language, names included
_TOKENS_A_SUBJECT = 16


@dataclass(frozen=True)
class Member:
    """A text of the population.

    Attributes:
        text: The joined text.
        iteration: The iteration that wrote it; 0 for the first texts.
        n_varied: How often versions of it have been asked for.
    """

    text: str
    iteration: int
    n_varied: int = 0


@dataclass(frozen=True)
class Kind:
    """What the texts of a class are, as far as the public may know.

    Attributes:
        code: The class.
        label: What it is called; None without labels.
        words: About how many words a text has; None says nothing of it.
    """

    code: int
    label: str | None
    words: int | None


class EvolutionWriter:
    """Has an LLM write a population. It never sees a real row.

    Args:
        desk: Asks the LLM.
        config: Settings.
        columns: Which text columns a row has.
        forbidden: Normalised source texts that no text may repeat; empty in a private run, where whether a text occurs
            among the real ones is nobody's business.
    """

    def __init__(self, desk: Desk, config: AugPEConfig, columns: Columns, forbidden: frozenset[str]) -> None:
        self.desk = desk
        self.config = config
        self.columns = columns
        self.names = part_names(columns)
        self._forbidden = forbidden
        self._written: dict[int, set[str]] = {}

    def subjects(self, kinds: Sequence[Kind], n: int) -> dict[int, list[str]]:
        """What the texts of each class may speak about; nothing where the model names nothing."""
        room = _ROOM + n * _TOKENS_A_SUBJECT
        answers = self.desk.ask(
            [
                Question(self.subjects_chat(kind, n), 0, _subjects, max_tokens=room, reads_truncated=True)
                for kind in kinds
            ]
        )
        return {kind.code: (answer.value or [])[:n] for kind, answer in zip(kinds, answers, strict=True)}

    def initial(
        self, wanted: Sequence[tuple[Kind, int, int]], subjects: dict[int, list[str]]
    ) -> dict[int, list[Member]]:
        """First texts.

        Args:
            wanted: For each class the number of its first request and how many to make; numbers that were asked for
                before give the same texts, which are then repeats.
            subjects: What they may speak about.
        """
        questions: list[Question[str]] = []
        for kind, first, n in wanted:
            for number in range(first, first + n):
                subject, manner, occurrence = _variety(number, subjects.get(kind.code, []))
                chat = self.random_chat(kind, subject, manner)
                questions.append(self._question(chat, kind, occurrence * 2 * self.desk.n_samples))
        texts = iter(self.desk.ask(questions))
        found: dict[int, list[Member]] = {}
        for kind, _, n in wanted:
            values = [next(texts).value for _ in range(n)]
            found.setdefault(kind.code, []).extend(Member(text, 0) for text in values if text is not None)
        return found

    def vary(self, kept: Sequence[tuple[Kind, list[Member]]], iteration: int) -> dict[int, list[Member]]:
        """The texts that were kept, each followed by the new versions of it that can be used."""
        n = self.config.variations
        questions = []
        for kind, members in kept:
            for member in members:
                for k in range(n):
                    # Texts that stay for several iterations are asked for other samples each time.
                    sample = member.n_varied * 2 * self.desk.n_samples + k
                    questions.append(self._question(self.variation_chat(kind, member, k), kind, sample))
        answers = iter(self.desk.ask(questions))
        found: dict[int, list[Member]] = {}
        for kind, members in kept:
            population = found.setdefault(kind.code, [])
            for member in members:
                versions = [next(answers).value for _ in range(n)]
                population.append(replace(member, n_varied=member.n_varied + 1))
                population += [Member(text, iteration) for text in versions if text is not None]
        return found

    # What is asked

    def subjects_chat(self, kind: Kind, n: int) -> list[Message]:
        """The chat that asks what texts may speak about."""
        return self._subjects_prompt.messages(topic=self.config.topic, label=kind.label, n=n)

    def random_chat(self, kind: Kind, subject: str | None, manner: str) -> list[Message]:
        """The chat that asks for a first text."""
        return self._random_prompt.messages(
            topic=self.config.topic,
            label=kind.label,
            names=self.names,
            subject=subject,
            manner=manner,
            words=kind.words,
        )

    def variation_chat(self, kind: Kind, member: Member, k: int) -> list[Message]:
        """The chat that asks for version k of a text."""
        manner = MANNERS[(member.n_varied * self.config.variations + k) % len(MANNERS)]
        parts = self.columns.split(member.text)
        if self.config.vary_by == "fill_in":
            rng = np.random.default_rng([self.config.seed, member.n_varied, k, *_number_of(member.text)])
            parts = tuple(blanked(part, self.config.blank_share, rng) for part in parts)
            return self._variation_prompt.messages(label=kind.label, names=self.names, parts=parts, manner=manner)
        return self._variation_prompt.messages(
            label=kind.label, names=self.names, parts=parts, manner=manner, words=kind.words
        )

    @cached_property
    def _subjects_prompt(self) -> Prompt:
        return Prompt.load("aug_pe/subjects")

    @cached_property
    def _random_prompt(self) -> Prompt:
        return Prompt.load("aug_pe/random")

    @cached_property
    def _variation_prompt(self) -> Prompt:
        return Prompt.load(f"aug_pe/{self.config.vary_by}")

    def _question(self, chat: list[Message], kind: Kind, sample: int) -> Question[str]:
        written = self._written.setdefault(kind.code, set())

        def read(completion: Completion) -> str:
            text = row_of(completion.text, self.columns)
            if self.config.vary_by == "fill_in" and BLANK in text.split():
                raise Unusable("blanks", f"there is still a {BLANK} in it")
            normalised = normalise(text)
            if normalised in self._forbidden:
                raise Unusable("copies_source", f"{text[:80]!r} is a copy of an entry that exists")
            if normalised in written:
                raise Unusable("repeats", f"{text[:80]!r} was written before")
            written.add(normalised)
            return text

        return Question(chat, sample, read, max_tokens=reply_room(kind.words, self.columns))


def reply_room(words: int | None, columns: Columns) -> int | None:
    """Longest reply in tokens: several times the words wanted; None is the model's own limit."""
    return None if words is None else _ROOM * len(columns.text) + _TOKENS_A_WORD * words


def blanked(text: str, share: float, rng: np.random.Generator) -> str:
    """A text with a share of its words, at least one, taken out at random; a blank for each."""
    words = text.split()
    if not words:
        return text
    gone = set(rng.permutation(len(words))[: max(1, round(share * len(words)))].tolist())
    return " ".join(BLANK if i in gone else word for i, word in enumerate(words))


def _variety(number: int, subjects: Sequence[str]) -> tuple[str | None, str, int]:
    """Subject and manner of a request, no two alike as long as there are others, and how often they came before."""
    n = max(len(subjects), 1)
    subject, turn = number % n, number // n
    manner = MANNERS[(subject + turn) % len(MANNERS)]
    return subjects[subject] if subjects else None, manner, turn // len(MANNERS)


def _subjects(completion: Completion) -> list[str]:
    lines = lines_of(completion.text)
    if completion.problem is not None:  # cut off, perhaps within a line
        lines = lines[:-1]
    found = [line for line in dict.fromkeys(lines) if re.search(r"\w", line)]
    if not found:
        raise Unusable("empty", "it names nothing")
    return found


def _number_of(text: str) -> list[int]:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return np.frombuffer(digest[:16], dtype=np.uint32).tolist()
