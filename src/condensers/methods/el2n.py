"""Rows that a classifier gets most wrong early in its training."""

from condensers.methods.embedding_condenser import EmbeddingCondenser
from condensers.selection import EL2N


class EL2NCondenser(EmbeddingCondenser):
    """EL2N (Paul et al. 2021; CondenseLM, Table 5), with a linear layer on the sentence embeddings instead of BERT.

    The hardest rows of each class, as in CondenseLM; ``placement=EL2N(hardest=False)`` takes the easiest.
    """

    condenser_type = "el2n"
    default_placement = EL2N()
