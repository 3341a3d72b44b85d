"""The baselines of SoftSRV: questions that a language model is asked for in words."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from condensers.data.dedup import normalise
from condensers.embedding import EmbeddedRows
from condensers.errors import RowError, SettingError
from condensers.llm import LLM, CachedLLM, Completion, Desk, Events, Prompt, Question, StreamingLLM, Unusable
from condensers.llm.prompt import Message
from condensers.llm.text_reply import lines_of, single_of
from condensers.softsrv.targeted import SPARE, TargetedTexts, sift

_STOP = re.compile(r"^\W*stop\W*$", re.IGNORECASE)


@dataclass(frozen=True)
class PromptTemplateWriter:
    """Asks a language model for texts like a row: PT of SoftSRV (Section 3.2), and with refinements PT_SR.

    The model is shown one row and asked for several more at once, since that makes them differ (Appendix A.4). PT_SR
    has each of them criticised and written anew, in rounds, until the critic has nothing but praise (Madaan et al.
    2023). The templates are the paper's Figures 8, 10 and 11 in our own words.

    The paper draws at a temperature of 2 here; that is a setting of the model.

    Attributes:
        llm: The model; one that is no `StreamingLLM` is put behind a `CachedLLM`.
        kind: What a row is, such as ``grade-school math problem``.
        per_row: Texts asked for at once; 1 is the paper's PT without diversification.
        refinements: Rounds of criticism; 0 is PT. The paper says "several" for PT_SR.
        prompt: The request: one that ships, a file, or a `Prompt`, filled in with ``kind``, ``n`` and ``example``, and
            ``separator`` if it has a place for it.
        critique_prompt: What a critic is asked, filled in with ``kind`` and ``text``.
        refine_prompt: What the author is asked, filled in with ``kind``, ``text`` and ``critique``, and ``separator``
            if it has a place for it.
        separator: What stands between the parts of a text, where it has several.
        max_input_tokens: Chats that are longer are not sent; None sends all.
        events: Where replies are counted. Give each run its own.

    Raises:
        SettingError: if a number is out of its range.
        SourceNotFoundError: if there is no such prompt.
    """

    llm: LLM
    kind: str = "question"
    per_row: int = 10
    refinements: int = 0
    prompt: str | os.PathLike[str] | Prompt = "softsrv/questions"
    critique_prompt: str | os.PathLike[str] | Prompt = "softsrv/critique"
    refine_prompt: str | os.PathLike[str] | Prompt = "softsrv/refine"
    separator: str | None = None
    max_input_tokens: int | None = None
    events: Events = field(default_factory=Events, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, least in (("per_row", 1), ("refinements", 0)):
            if getattr(self, name) < least:
                raise SettingError(f"`{name}` must be at least {least}; got {getattr(self, name)}.")
        _ = self._prompts

    @cached_property
    def _prompts(self) -> tuple[Prompt, Prompt, Prompt]:
        """The request, the critic's and the author's."""
        return Prompt.load(self.prompt), Prompt.load(self.critique_prompt), Prompt.load(self.refine_prompt)

    def plan(self, example: str) -> tuple[list[Message], ...]:
        """The chats about one row, for an estimate: the request, and of refinements the critic's and the author's."""
        ask, criticise, refine = self._prompts
        chats = [self._fill(ask, n=self.per_row, example=example)]
        if self.refinements:
            chats.append(self._fill(criticise, text=example))
            # A critic says about as much as the text.
            chats.append(self._fill(refine, text=example, critique=example))
        return tuple(chats)

    def _fill(self, prompt: Prompt, **values: Any) -> list[Message]:  # noqa: ANN401  (what the prompt takes)
        separator = {"separator": self.separator} if "separator" in prompt.variables else {}
        return prompt.messages(kind=self.kind, **values, **separator)

    def write(self, rows: Sequence[str] | EmbeddedRows, n: int) -> tuple[list[str], np.ndarray]:
        """Writes up to `n` texts; rows take turns.

        Replies that hold fewer than were asked for, or none of use, leave fewer.

        Args:
            rows: Texts of the sample.
            n: How many to ask for.

        Returns:
            The texts, and the position of the row that each was written after, shape (at most n,), int64.

        Raises:
            RowError: if there are no rows.
            ServiceError: if a server cannot be reached at all, or refuses.
        """
        examples = rows.texts if isinstance(rows, EmbeddedRows) else rows
        if not len(examples):
            raise RowError("there are no rows to write texts like; pass at least one.")
        n_chats = -(-n // self.per_row)
        llm = self.llm if isinstance(self.llm, StreamingLLM) else CachedLLM(self.llm, keep_problems=True)
        n_samples = -(-n_chats // len(examples))
        desk = Desk(llm, self.events, n_samples=n_samples, max_input_tokens=self.max_input_tokens)
        questions = [self._question(examples[i % len(examples)], i // len(examples)) for i in range(n_chats)]
        texts, parents = [], []
        for i, answer in enumerate(desk.ask(questions)):
            texts += answer.value or []
            parents += [i % len(examples)] * len(answer.value or [])
        texts = self._refined(texts[:n], desk)
        return texts, np.asarray(parents[:n], dtype=np.int64)

    def write_targeted(
        self,
        rows: Sequence[str] | EmbeddedRows,
        total: int,
        *,
        num_written: int | None = None,
        num_clusters: int = 700,
        dim: int = 100,
        seed: int = 0,
    ) -> TargetedTexts:
        """Writes texts and keeps a diverse part of them, as `condensers.softsrv.targeted.write_targeted` does.

        Raises:
            RowError: as `write`.
            ServiceError: as `write`.
            BudgetError: if fewer than `total` texts are left.
        """
        texts, parents = self.write(rows, SPARE * total if num_written is None else num_written)
        kept, dropped = sift(texts, total, {}, num_clusters=num_clusters, dim=dim, seed=seed)
        return TargetedTexts([texts[i] for i in kept.tolist()], parents[kept], texts, dropped)

    def _question(self, example: str, sample: int) -> Question[list[str]]:
        # Models repeat what the paper's template ends with: "Question 1:".
        numbered = re.compile(rf"^(?:question|problem|{re.escape(self.kind)})\s*#?\d+\s*[:.)]\s*", re.IGNORECASE)

        def read(completion: Completion) -> list[str]:
            cut_off = completion.problem is not None
            # Whole lines are texts, wherever the reply ends; the last is none if it ends there.
            text = completion.text.rpartition("\n")[0] if cut_off else completion.text
            lines = [numbered.sub("", line) for line in lines_of(text)]
            new = [line for line in lines if line and normalise(line) != normalise(example)][: self.per_row]
            if new:
                return new
            if cut_off:
                raise Unusable("truncated", "it was cut off; be brief")
            raise Unusable("empty" if not lines else "copies_source", "it holds nothing new")

        asked = self._fill(self._prompts[0], n=self.per_row, example=example)
        return Question(asked, sample, read, reads_truncated=self.per_row > 1)

    def _refined(self, texts: list[str], desk: Desk) -> list[str]:
        """The texts after the rounds of criticism; one that gets no usable reply stays as it is."""
        texts = list(texts)
        _, criticise, refine = self._prompts
        open_texts = list(range(len(texts)))
        for _ in range(self.refinements):
            chats = [self._fill(criticise, text=texts[i]) for i in open_texts]
            # A critic who was cut off has said something.
            critiques = desk.ask([Question(chat, 0, whole_reply, reads_truncated=True) for chat in chats])
            judged = [(i, answer.value) for i, answer in zip(open_texts, critiques, strict=True) if answer.value]
            chats = [self._fill(refine, text=texts[i], critique=critique) for i, critique in judged]
            written = desk.ask([Question(chat, 0, _single) for chat in chats])
            open_texts = []
            for (i, _critique), answer in zip(judged, written, strict=True):
                if answer.value and not _STOP.match(answer.value):
                    texts[i] = answer.value
                    open_texts.append(i)
        return texts


def whole_reply(completion: Completion) -> str:
    """The text of a reply as it is.

    Raises:
        Unusable: if it is empty.
    """
    return _not_empty(completion.text.strip())


def _single(completion: Completion) -> str:
    return _not_empty(single_of(completion.text))


def _not_empty(text: str) -> str:
    if not text:
        raise Unusable("empty", "it is empty")
    return text
