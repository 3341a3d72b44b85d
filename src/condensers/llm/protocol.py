"""What a language model is to this library: chats in, completions out."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from condensers.errors import SettingError
from condensers.llm.prompt import Message

LIMIT = "limit"
"""The problem of a completion that was never asked for, since a spending limit was reached."""


@dataclass(frozen=True)
class Completion:
    """One reply, or what went wrong in getting it.

    Attributes:
        text: What the model said; empty if it said nothing.
        parsed: The reply as an object of the schema asked for; None without a schema or with a problem.
        finish_reason: Why the model stopped, in the server's words; empty if it never answered.
        n_input_tokens: Tokens of the chat.
        n_output_tokens: Tokens of the reply.
        cached: It cost nothing: it came from the cache.
        problem: None for a reply that can be used. Otherwise a kind, and after a colon what is known of it:
            ``refusal`` (the model declined), ``truncated`` (`max_tokens` reached), ``malformed`` (empty, or no JSON of
            the schema), ``too_long`` (the chat does not fit the model's context), ``failed`` (no answer, after all
            retries) or ``limit`` (not asked, for a spending limit was reached).
    """

    text: str
    parsed: BaseModel | None = None
    finish_reason: str = "stop"
    n_input_tokens: int = 0
    n_output_tokens: int = 0
    cached: bool = False
    problem: str | None = None

    @property
    def problem_kind(self) -> str | None:
        """The problem up to its colon."""
        return self.problem.partition(":")[0] if self.problem else None


@dataclass(frozen=True)
class SamplingSettings:
    """How a model picks its words. What is None is left to the server.

    Attributes:
        temperature: 0 takes the likeliest token each time.
        top_p: Share of the probability from which tokens are drawn.
        max_tokens: Longest reply.
        seed: Start of the randomness. Each sample of a chat gets its own seed, derived from this one and the sample's
            number.
        stop: Texts at which a reply ends.
        extra: Further fields for the server, such as ``{"top_k": 20}``; in process, further arguments of `generate`.

    Raises:
        SettingError: if a value is out of its range.
    """

    temperature: float | None = 1.0
    top_p: float | None = None
    max_tokens: int | None = 1024
    seed: int | None = 0
    stop: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.temperature is not None and self.temperature < 0:
            raise SettingError(f"`temperature` must be 0 or more; got {self.temperature}.")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise SettingError(f"`top_p` must lie above 0 and at most at 1; got {self.top_p}.")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise SettingError(f"`max_tokens` must be at least 1; got {self.max_tokens}.")
        if isinstance(self.stop, str):
            raise SettingError(f"`stop` must be a sequence of texts; got the text {self.stop!r}. Put it into a tuple.")

    def sample_seed(self, sample: int, salt: str = "") -> int | None:
        """Seed of one sample, below 2**31; None if there is no seed.

        Hashed, not added: the samples of two runs with seeds 0 and 1 must not be the same ones shifted by one.
        """
        if self.seed is None:
            return None
        digest = hashlib.sha256(f"{self.seed}:{sample}:{salt}".encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:4], "big") >> 1


@runtime_checkable
class LLM(Protocol):
    """A language model that can be asked.

    One of your own needs no more than this. Derive it from `StreamingLLM` instead if it can hand out each reply as it
    arrives: the cache then keeps every reply of a run that is killed.

    Attributes:
        name: What a user calls the model; written on cards.
        fingerprint: Changes when, and only when, the replies would: model, server, sampling; never a key. Reading it
            must not load a model.
    """

    name: str
    fingerprint: str

    def complete(
        self, chats: Sequence[Sequence[Message]], *, n: int = 1, schema: type[BaseModel] | None = None
    ) -> list[list[Completion]]:
        """Answers a batch of chats.

        Args:
            chats: What to answer.
            n: Replies a chat.
            schema: What each reply must be, as JSON.

        Returns:
            For each chat, in order, its n completions. One that failed carries its problem and fails no other.
        """
        ...
