"""Rows whose mean follows the mean of the class."""

from condensers.methods.embedding_condenser import EmbeddingCondenser
from condensers.selection import Herding


class HerdingCondenser(EmbeddingCondenser):
    """Herding (Welling 2009; CondenseLM, Table 4), on sentence embeddings instead of BERT's [CLS].

    Deterministic: the seed changes nothing.
    """

    condenser_type = "herding"
    default_placement = Herding()
