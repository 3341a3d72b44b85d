"""Rows on which kernel ridge regression predicts the labels of all others best."""

from condensers.methods.embedding_condenser import EmbeddingCondenser
from condensers.selection import KRRExchange


class KRRExchangeCondenser(EmbeddingCondenser):
    """Real rows for the objective of KIP (Nguyen, Chen and Lee 2021), by greedy choice and exchange; ours.

    Reads the labels of all rows. Deterministic: the seed changes nothing.
    """

    condenser_type = "krr_exchange"
    default_placement = KRRExchange()
