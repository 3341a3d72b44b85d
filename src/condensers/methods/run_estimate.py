"""What a run will need of its language model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from condensers.data import Rows
from condensers.llm import Estimate, Prices, estimate
from condensers.llm.tokens import CHARACTERS_A_TOKEN
from condensers.methods.writing import Planned


@dataclass(frozen=True)
class RunEstimate:
    """What a run will need of its language model if nothing goes wrong.

    Attributes:
        n_rounds: Rounds.
        n_requests: Requests: exact, unless replies have to be repaired or another form of reply is fallen back to.
        n_input_tokens: Tokens in, at the mean length of rows.
        n_output_tokens: Tokens out, at a guess of each reply's length.
        max_input_tokens: Tokens in at most: the longest rows are shown, and replies quoted are as long as can be.
        max_output_tokens: Tokens out at most: every reply is as long as it may be.
        cost: Of the expected tokens at the user's prices; None without.
        max_cost: Of the most tokens.
        counted_by: How tokens were counted.
        own_work: What the run does itself beside that, such as steps of training, by name.
    """

    n_rounds: int
    n_requests: int
    n_input_tokens: int
    n_output_tokens: int
    max_input_tokens: int
    max_output_tokens: int
    cost: float | None
    max_cost: float | None
    counted_by: str
    own_work: Mapping[str, int] = field(default_factory=dict)


Chats = Sequence[tuple[list[Planned], int]]
"""Chats that will be needed, each list with how many replies each of its chats will get."""


def run_estimate(
    expected: Chats,
    most: Chats,
    prices: Prices | None,
    *,
    n_rounds: int,
    own_work: Mapping[str, int] | None = None,
) -> RunEstimate:
    """Adds up chats.

    Args:
        expected: With rows and replies of the usual length.
        most: The same chats with the longest.
        prices: Of a million tokens.
        n_rounds: Rounds they belong to.
        own_work: See `RunEstimate`.
    """
    few, many = _totals(expected, prices), _totals(most, prices)
    return RunEstimate(
        n_rounds=n_rounds,
        n_requests=few.n_requests,
        n_input_tokens=few.n_input_tokens,
        n_output_tokens=few.n_output_tokens,
        max_input_tokens=many.n_input_tokens,
        max_output_tokens=many.n_output_tokens,
        cost=few.cost,
        max_cost=many.cost,
        counted_by=few.counted_by,
        own_work=own_work or {},
    )


def stand_ins(rows: Rows, n: int, *, longest: bool) -> list[str]:
    """Texts of about mean length, or the longest ones."""
    lengths = np.asarray([len(text) for text in rows.texts])
    distance = -lengths if longest else np.abs(lengths - lengths.mean())
    return [rows.texts[i] for i in np.argsort(distance, kind="stable")[:n].tolist()]


def _totals(chats: Chats, prices: Prices | None) -> Estimate:
    parts = [
        estimate([planned.messages], n=n, output_tokens=planned.n_reply_tokens, prices=prices)
        for some, n in chats
        for planned in some
    ]
    n_in, n_out = (sum(getattr(part, name) for part in parts) for name in ("n_input_tokens", "n_output_tokens"))
    return Estimate(
        n_requests=sum(part.n_requests for part in parts),
        n_cached=0,
        n_input_tokens=n_in,
        n_output_tokens=n_out,
        cost=prices.cost(n_in, n_out) if prices else None,
        counted_by=f"{CHARACTERS_A_TOKEN} characters a token",
    )
