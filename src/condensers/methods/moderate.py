"""Rows that are neither typical of the class nor odd."""

from condensers.methods.embedding_condenser import EmbeddingCondenser
from condensers.selection import Moderate


class ModerateCondenser(EmbeddingCondenser):
    """Moderate coreset (Xia et al. 2023; CondenseLM, Table 5), on sentence embeddings instead of BERT's [CLS].

    Deterministic: the seed changes nothing.
    """

    condenser_type = "moderate"
    default_placement = Moderate()
