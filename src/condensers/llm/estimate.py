"""What a run will need, before it spends any of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel

from condensers.llm.cache import CachedLLM
from condensers.llm.prompt import Message
from condensers.llm.protocol import LLM
from condensers.llm.spending import Prices
from condensers.llm.streaming import requests_of
from condensers.llm.tokens import CHARACTERS_A_TOKEN, chat_tokens


@dataclass(frozen=True)
class Estimate:
    """What a batch of chats will need.

    Attributes:
        n_requests: Requests, if none has to be repeated.
        n_cached: Replies that are there already.
        n_input_tokens: Tokens of the chats to be sent, without what the server adds (a schema, mostly).
        n_output_tokens: Tokens of the replies, at the number expected for each.
        cost: At the user's prices; None without.
        counted_by: How the input tokens were counted.
    """

    n_requests: int
    n_cached: int
    n_input_tokens: int
    n_output_tokens: int
    cost: float | None
    counted_by: str

    def to_dict(self) -> dict[str, Any]:
        """The figures by name."""
        return asdict(self)


def estimate(
    chats: Sequence[Sequence[Message]],
    *,
    n: int = 1,
    output_tokens: int,
    llm: LLM | None = None,
    schema: type[BaseModel] | None = None,
    tokenizer: Any = None,  # noqa: ANN401  (any of transformers')
    prices: Prices | None = None,
) -> Estimate:
    """Says what a batch of chats will need; sends nothing and loads no model.

    Args:
        chats: What would be asked.
        n: Replies a chat.
        output_tokens: Tokens expected in a reply.
        llm: Who would be asked: with a `CachedLLM`, what it knows already is not counted.
        schema: What each reply would have to be.
        tokenizer: Counts the tokens of the chats; None takes a quarter of the characters.
        prices: For the cost; None takes those of `llm.usage`.

    Raises:
        SettingError: if `n` is less than 1 or a chat has no messages.
    """
    requests = requests_of(chats, n)
    missing = llm.missing(requests, schema=schema) if isinstance(llm, CachedLLM) else requests
    n_input = sum(chat_tokens(request.messages, tokenizer) for request in missing)
    n_output = output_tokens * len(missing)
    prices = prices or getattr(getattr(llm, "usage", None), "prices", None)
    return Estimate(
        n_requests=len(missing),
        n_cached=len(requests) - len(missing),
        n_input_tokens=n_input,
        n_output_tokens=n_output,
        cost=prices.cost(n_input, n_output) if prices else None,
        counted_by="the tokenizer" if tokenizer is not None else f"{CHARACTERS_A_TOKEN} characters a token",
    )
