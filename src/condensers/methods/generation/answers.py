"""Answers to questions that were written."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from condensers.data import QuestionColumns
from condensers.llm import Completion, Desk, Prompt, Question, Unusable, live_usage
from condensers.llm.prompt import Message
from condensers.methods.generation.row_format import shown
from condensers.softsrv.prompted import whole_reply

_TRUTH = re.compile(r"^\W*(?:the )?(?:answer\W+(?:is\W+)?)?(true|yes|false|no)\b", re.IGNORECASE)


class AnswerWriter:
    """Has a language model answer questions (SoftSRV, Section 3.3, step 3).

    Args:
        desk: Where the model is asked.
        prompt: How; filled in with ``question``, and ``kind`` if it has a place for it.
        questions: The columns of the questions.
        kind: What a question is.
        is_boolean: Whether answers are true or false; a reply that begins with neither is none.
    """

    def __init__(
        self,
        desk: Desk,
        prompt: Prompt,
        questions: QuestionColumns,
        *,
        kind: str = "question",
        is_boolean: bool = False,
    ) -> None:
        self.desk = desk
        self.is_boolean = is_boolean
        self._prompt = prompt
        self._columns = questions.columns
        self._kind = {"kind": kind} if "kind" in prompt.variables else {}

    def answer(self, texts: Sequence[str]) -> list[str | bool | None]:
        """Answers questions; None where no reply was of use.

        Args:
            texts: The questions, parts joined.
        """
        read: Callable[[Completion], Any] = _truth if self.is_boolean else whole_reply
        with live_usage(self.desk.llm.usage):
            answers = self.desk.ask([Question(self.messages(text), 0, read) for text in texts])
        return [answer.value for answer in answers]

    def messages(self, text: str) -> list[Message]:
        """The chat about one question."""
        return self._prompt.messages(question=shown(self._columns, text), **self._kind)


def _truth(completion: Completion) -> bool:
    found = _TRUTH.match(completion.text)
    if not found:
        raise Unusable("malformed", "it must begin with True or with False")
    return found[1].casefold() in ("true", "yes")
