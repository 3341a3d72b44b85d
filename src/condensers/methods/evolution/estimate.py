"""What an evolution will ask of its language model."""

from collections.abc import Mapping, Sequence
from typing import Any

from condensers.llm import Message, estimate
from condensers.methods.evolution.evolution import first_sizes, n_subjects
from condensers.methods.evolution.writer import MANNERS, EvolutionWriter, Kind, Member, reply_room

_WORDS = 40  # of a text whose length is not known
_TOKENS_A_WORD = 1.4
_TOKENS_A_SUBJECT = 8


def evolution_estimate(writer: EvolutionWriter, kinds: Sequence[Kind], shares: Mapping[int, int]) -> dict[str, Any]:
    """The figures of a `RunEstimate`, if no reply has to be repaired.

    Args:
        writer: Makes the chats; asks nothing.
        kinds: The classes.
        shares: Rows wanted of each class.
    """
    config, sizes = writer.config, first_sizes(shares, writer.config)
    n_asked = n_subjects(sizes)
    expected: list[tuple[list[Message], int, int]] = []  # a chat, how often it is sent, and the length of its reply
    most: list[tuple[list[Message], int, int]] = []
    for kind in kinds:
        n_versions = shares[kind.code] * config.variations * (config.iterations - 1)
        longest = min(config.reply_tokens, reply_room(kind.words, writer.columns) or config.reply_tokens)
        words = kind.words or _WORDS
        for asked, n_words, n_subject, n_tokens in (
            (expected, words, _TOKENS_A_SUBJECT * n_asked, round(_TOKENS_A_WORD * words)),
            (most, longest, config.reply_tokens, longest),
        ):
            text = writer.columns.join(["word " * -(-n_words // len(writer.columns.text))] * len(writer.columns.text))
            asked.append((writer.subjects_chat(kind, n_asked), 1, n_subject))
            asked.append(
                (writer.random_chat(kind, "a subject in a few words", MANNERS[0]), sizes[kind.code], n_tokens)
            )
            asked.append((writer.variation_chat(kind, Member(text, 0), 0), n_versions, n_tokens))
    few, many = _totals(expected), _totals(most)
    prices = config.prices
    return {
        "n_rounds": config.iterations,
        "n_requests": sum(n for _, n, _ in expected),
        "n_input_tokens": few[0],
        "n_output_tokens": few[1],
        "max_input_tokens": many[0],
        "max_output_tokens": many[1],
        "cost": prices.cost(*few) if prices else None,
        "max_cost": prices.cost(*many) if prices else None,
        "counted_by": estimate([expected[0][0]], output_tokens=0).counted_by,
    }


def _totals(asked: Sequence[tuple[list[Message], int, int]]) -> tuple[int, int]:
    """Tokens in and tokens out."""
    n_in = sum(n * estimate([chat], output_tokens=0).n_input_tokens for chat, n, _ in asked)
    return n_in, sum(n * n_tokens for _, n, n_tokens in asked)
