"""What an evolution will ask of its language model."""

from collections.abc import Mapping, Sequence

from condensers.methods.evolution.evolution import first_sizes, n_subjects
from condensers.methods.evolution.writer import MANNERS, EvolutionWriter, Kind, Member, reply_room
from condensers.methods.run_estimate import RunEstimate, run_estimate
from condensers.methods.writing import Planned

_WORDS = 40  # of a text whose length is not known
_TOKENS_A_WORD = 1.4
_TOKENS_A_SUBJECT = 8


def evolution_estimate(writer: EvolutionWriter, kinds: Sequence[Kind], shares: Mapping[int, int]) -> RunEstimate:
    """What a run will need, if no reply has to be repaired.

    Args:
        writer: Makes the chats; asks nothing.
        kinds: The classes.
        shares: Rows wanted of each class.
    """
    config, sizes = writer.config, first_sizes(shares, writer.config)
    n_asked = n_subjects(sizes)
    expected: list[tuple[list[Planned], int]] = []
    most: list[tuple[list[Planned], int]] = []
    for kind in kinds:
        n_versions = shares[kind.code] * config.variations * (config.iterations - 1)
        longest = min(config.reply_tokens, reply_room(kind.words, writer.columns) or config.reply_tokens)
        words = kind.words or _WORDS
        for asked, n_words, n_subject, n_tokens in (
            (expected, words, _TOKENS_A_SUBJECT * n_asked, round(_TOKENS_A_WORD * words)),
            (most, longest, config.reply_tokens, longest),
        ):
            text = writer.columns.join(["word " * -(-n_words // len(writer.columns.text))] * len(writer.columns.text))
            first = writer.random_chat(kind, "a subject in a few words", MANNERS[0])
            asked.append(([Planned(writer.subjects_chat(kind, n_asked), n_subject)], 1))
            asked.append(([Planned(first, n_tokens)], sizes[kind.code]))
            asked.append(([Planned(writer.variation_chat(kind, Member(text, 0), 0), n_tokens)], n_versions))
    few, many = ([(some, n) for some, n in asked if n > 0] for asked in (expected, most))
    return run_estimate(few, many, config.prices, n_rounds=config.iterations)
