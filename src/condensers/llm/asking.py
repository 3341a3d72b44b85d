"""Questions to an LLM whose replies are checked: repaired once, then generated anew, then let go."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from condensers.llm.events import Events
from condensers.llm.prompt import Message, Prompt
from condensers.llm.protocol import LIMIT, Completion
from condensers.llm.streaming import Request, StreamingLLM
from condensers.llm.text_reply import single_of
from condensers.llm.tokens import chat_tokens

T = TypeVar("T")

TOO_LONG = "too_long"
# Problems that the model would not mend if it were shown its reply.
_NOT_REPAIRED = frozenset({"refusal", "failed", TOO_LONG})


class Unusable(Exception):
    """A reply that is not what was asked for.

    Args:
        reason: The key it is counted under.
        complaint: What to tell the model.
    """

    def __init__(self, reason: str, complaint: str) -> None:
        super().__init__(complaint)
        self.reason = reason
        self.complaint = complaint


class Unfinished(Unusable):
    """A reply that is good as far as it goes. What it lacks is asked for alone.

    Args:
        so_far: What there is.
        missing: What to ask for, by the names before its texts.
        joined: Makes a whole reply of what there is and the text of what comes then.
    """

    def __init__(self, so_far: str, missing: Sequence[str], joined: Callable[[str], str]) -> None:
        super().__init__("unfinished", f"it ends before {missing[0]}")
        self.so_far = so_far
        self.missing = missing
        self.joined = joined


@dataclass(frozen=True)
class Question(Generic[T]):
    """One reply that is wanted.

    Attributes:
        messages: The chat.
        sample: Which of the chat's replies it is.
        read: Makes the value of a completion without problem; raises `Unusable` if there is none in it.
        schema: What the reply must be, as JSON; None for plain text.
        max_tokens: Where to cut the reply off, if that is sooner than the model's own limit.
        reads_truncated: Whether a reply that was cut off is read like any other, and not asked for anew.
    """

    messages: Sequence[Message]
    sample: int
    read: Callable[[Completion], T]
    schema: type[BaseModel] | None = None
    max_tokens: int | None = None
    reads_truncated: bool = False


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What came of a question.

    Attributes:
        value: What was read; None if nothing could be.
        problem: Why the last reply could not be used.
    """

    value: T | None
    problem: str | None = None


class Desk:
    """Asks questions in batches and counts what comes back.

    Args:
        llm: Who is asked.
        events: Where it is counted.
        n_samples: Samples of a chat that may be asked for at first; those generated anew come after them.
        max_input_tokens: Chats longer than this are not sent; None sends all and learns from the refusal.
        second_chances: False asks each question once, as a trial.
        regenerates: False generates none anew: a model that takes the likeliest token each time would say the same.

    Attributes:
        stopped: A spending limit was reached.
    """

    def __init__(
        self,
        llm: StreamingLLM,
        events: Events,
        *,
        n_samples: int,
        max_input_tokens: int | None = None,
        second_chances: bool = True,
        regenerates: bool = True,
    ) -> None:
        self.llm = llm
        self.events = events
        self.n_samples = n_samples
        self.max_input_tokens = max_input_tokens
        self.second_chances = second_chances
        self.regenerates = regenerates
        self.stopped = False
        self._repair = Prompt.load("asking/repair")
        self._rest = Prompt.load("asking/rest")

    def ask(self, questions: Sequence[Question[T]]) -> list[Answer[T]]:
        """Answers questions, in order.

        A reply that cannot be used, be it that it gives back an example of the chat, is shown to the model with what
        is wrong with it, or, if it only lacks its end, the end is asked for; if that does not help, another is
        generated; if that cannot be used either, the answer is empty.
        """
        questions = [_refusing_examples(question) for question in questions]
        answers: list[Answer[T]] = [Answer(None)] * len(questions)
        repairs = self._try(dict(enumerate(questions)), answers)
        if self.second_chances:
            self._try(repairs, answers, counted=("repair_asked", "repair_helped"))
        if self.second_chances and self.regenerates:
            left = [i for i, answer in enumerate(answers) if answer.value is None and _is_open(answer)]
            again = {i: self._regenerated(questions[i]) for i in left}
            self._try(again, answers, counted=("regenerated", "regeneration_helped"))
        for answer in answers:
            if answer.value is None and _is_open(answer):
                self.events.steps["dropped"] += 1
                self.llm.usage.count_dropped(answer.problem or "")
        return answers

    def _try(
        self,
        questions: dict[int, Question[T]],
        answers: list[Answer[T]],
        *,
        counted: tuple[str, str] | None = None,
    ) -> dict[int, Question[T]]:
        """Asks, fills in `answers`, and returns the repairs to ask for.

        `counted` names what is counted of a second chance: how often it was taken, and how often it helped.
        """
        repairs = {}
        if counted:
            self.events.steps[counted[0]] += len(questions)
        for i, completion in self._completions(questions):
            self.events.n_replies += completion.problem_kind != LIMIT
            try:
                answers[i] = Answer(_value(questions[i], completion))
            except Unusable as unusable:
                answers[i] = Answer(None, unusable.reason)
                if unusable.reason == LIMIT:
                    self.stopped = True
                    continue
                self.events.unusable[unusable.reason] += 1
                # Room of its own suits a question's text; who overran it once would again, at the price of reading it.
                overran = unusable.reason == "truncated" and questions[i].max_tokens is not None
                if unusable.reason not in _NOT_REPAIRED and not overran and completion.text.strip():
                    repairs[i] = self._repaired(questions[i], completion, unusable)
                continue
            if counted:
                self.events.steps[counted[1]] += 1
        return repairs

    def _completions(self, questions: dict[int, Question[T]]) -> list[tuple[int, Completion]]:
        found: dict[int, Completion] = {}
        for schema in dict.fromkeys(question.schema for question in questions.values()):
            group = [i for i, question in questions.items() if question.schema is schema]
            sent = [i for i in group if self._fits(questions[i])]
            found |= {i: Completion("", problem=TOO_LONG) for i in set(group) - set(sent)}
            requests = [Request(questions[i].messages, questions[i].sample, questions[i].max_tokens) for i in sent]
            found |= {sent[k]: completion for k, completion in self.llm.stream(requests, schema=schema)}
        # In the order of the questions: the order of arrival must decide nothing.
        return [(i, found[i]) for i in questions]

    def _fits(self, question: Question[Any]) -> bool:
        return self.max_input_tokens is None or chat_tokens(question.messages) <= self.max_input_tokens

    def _repaired(self, question: Question[T], completion: Completion, unusable: Unusable) -> Question[T]:
        if isinstance(unusable, Unfinished):
            return self._continued(question, unusable)
        reply: Message = {"role": "assistant", "content": completion.text}
        complaint = self._repair.messages(complaint=unusable.complaint)
        return replace(question, messages=[*question.messages, reply, *complaint])

    def _continued(self, question: Question[T], unfinished: Unfinished) -> Question[T]:
        def read(completion: Completion) -> T:
            return question.read(replace(completion, text=unfinished.joined(completion.text)))

        reply: Message = {"role": "assistant", "content": unfinished.so_far}
        rest = self._rest.messages(names=unfinished.missing)
        return replace(question, messages=[*question.messages, reply, *rest], read=read)

    def _regenerated(self, question: Question[T]) -> Question[T]:
        return replace(question, sample=question.sample + self.n_samples)


def _is_open(answer: Answer[Any]) -> bool:
    return answer.problem not in (TOO_LONG, LIMIT)


def _value(question: Question[T], completion: Completion) -> T:
    if completion.problem is not None:
        kind, _, detail = completion.problem.partition(":")
        if kind == "truncated" and question.reads_truncated:
            return question.read(completion)
        complaint = "it was cut off; be brief" if kind == "truncated" else detail.strip() or kind
        raise Unusable(kind, complaint)
    return question.read(completion)


def _refusing_examples(question: Question[T]) -> Question[T]:
    """The question, which no longer takes for a reply what its chat shows as one."""
    examples = {_plain(turn["content"]) for turn in question.messages if turn["role"] == "assistant"}
    if not examples:
        return question

    def read(completion: Completion) -> T:
        if _plain(completion.text) in examples:
            raise Unusable("repeats_example", "it gives back what it was shown; write another")
        return question.read(completion)

    return replace(question, read=read)


def _plain(text: str) -> str:
    return single_of(text).casefold()
