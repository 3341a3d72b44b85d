"""Rows whose gradients help on good rows, and differ among themselves."""

from condensers.methods.embedding_condenser import EmbeddingCondenser
from condensers.selection import GDIG


class GDIGCondenser(EmbeddingCondenser):
    """G-DIG (Pan et al. 2024; CondenseLM, Table 5), with a linear layer on the sentence embeddings instead of BERT.

    What stands in for the paper's checked seed rows and for the layers of its model is told at `GDIG`.
    """

    condenser_type = "g_dig"
    default_placement = GDIG()
