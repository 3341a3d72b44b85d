"""Completions one by one, as they arrive: what lets a killed run keep what it has paid for."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from condensers.errors import SettingError
from condensers.llm.prompt import Message
from condensers.llm.protocol import LLM, Completion
from condensers.llm.spending import Usage


@dataclass(frozen=True)
class Request:
    """One reply that is wanted.

    Attributes:
        messages: The chat.
        sample: Which of the chat's replies it is, from 0. A reply depends on its chat and this number, not on how
            many replies are asked for together.
        max_tokens: Where to cut the reply off, if that is sooner than the model's own limit.
    """

    messages: Sequence[Message]
    sample: int = 0
    max_tokens: int | None = None

    def limit(self, own: int | None) -> int | None:
        """Longest reply in tokens, from a model whose own limit is `own`; None is none."""
        return min((limit for limit in (own, self.max_tokens) if limit is not None), default=None)

    def to_list(self) -> list[dict[str, Any]]:
        """The messages as plain dictionaries."""
        return [dict(message) for message in self.messages]


class StreamingLLM(ABC):
    """An `LLM` that hands out completions as they arrive.

    Attributes:
        name: See `LLM`.
        fingerprint: See `LLM`.
        usage: What was spent, and the limits.
    """

    name: str
    fingerprint: str
    usage: Usage

    @abstractmethod
    def stream(
        self, requests: Sequence[Request], *, schema: type[BaseModel] | None = None
    ) -> Iterator[tuple[int, Completion]]:
        """Yields each request's position and completion, in the order in which they are done, each exactly once.

        Closing the iterator early gives up what is under way.
        """

    def complete(
        self, chats: Sequence[Sequence[Message]], *, n: int = 1, schema: type[BaseModel] | None = None
    ) -> list[list[Completion]]:
        """Answers a batch of chats; see `LLM.complete`.

        Raises:
            SettingError: if `n` is less than 1 or a chat has no messages.
            ServiceError: if a server cannot be reached at all, or refuses.
        """
        found = dict(self.stream(requests_of(chats, n), schema=schema))
        return [[found[i * n + sample] for sample in range(n)] for i in range(len(chats))]


def requests_of(chats: Sequence[Sequence[Message]], n: int = 1) -> list[Request]:
    """The requests of a batch of chats: n for each, one chat after the other.

    Raises:
        SettingError: if `n` is less than 1 or a chat has no messages.
    """
    if n < 1:
        raise SettingError(f"`n`, the replies a chat, must be at least 1; got {n}.")
    for i, chat in enumerate(chats):
        if isinstance(chat, (str, dict)) or not chat or not all({"role", "content"} <= set(turn) for turn in chat):
            raise SettingError(
                f"chat {i} must be a list of messages such as {{'role': 'user', 'content': 'Hello'}}; "
                f"got {type(chat).__name__} {str(chat)[:80]!r}."
            )
    return [Request(chat, sample) for chat in chats for sample in range(n)]


def stream(
    llm: LLM, requests: Sequence[Request], *, schema: type[BaseModel] | None = None
) -> Generator[tuple[int, Completion], None, None]:
    """Streams from any LLM: one that only knows `complete` is asked one chat at a time.

    Such a one cannot be asked for sample 3 alone, so it is asked for samples 0 to 3, and what is not wanted is let go;
    nor can it be told of a request's own limit.
    """
    if isinstance(llm, StreamingLLM):
        yield from llm.stream(requests, schema=schema)
        return
    start = 0
    while start < len(requests):
        end = start + 1
        while end < len(requests) and requests[end].messages == requests[start].messages:
            end += 1
        wanted = requests[start:end]
        (replies,) = llm.complete([wanted[0].messages], n=max(request.sample for request in wanted) + 1, schema=schema)
        for i, request in enumerate(wanted, start):
            yield i, replies[request.sample]
        start = end
