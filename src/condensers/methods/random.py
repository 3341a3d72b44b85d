"""Rows drawn at random."""

from condensers.methods.embedding_condenser import EmbeddingCondenser
from condensers.selection import RandomRows


class RandomCondenser(EmbeddingCondenser):
    """Rows of each class drawn at random: the baseline of every paper."""

    condenser_type = "random"
    default_placement = RandomRows()
