"""Rows that leave no other row of the class far away."""

from condensers.methods.embedding_condenser import EmbeddingCondenser
from condensers.selection import GreedyKCenter


class GreedyKCenterCondenser(EmbeddingCondenser):
    """Farthest-first traversal (Sener and Savarese 2018)."""

    condenser_type = "greedy_k_center"
    default_placement = GreedyKCenter()
