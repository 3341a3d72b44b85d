"""Rows that are left when those a weak classifier is sure of have gone."""

from condensers.methods.embedding_condenser import EmbeddingCondenser
from condensers.selection import E2SCIS


class E2SCISCondenser(EmbeddingCondenser):
    """E2SC-IS (Cunha et al. 2023; CondenseLM, Table 12), with neighbours among sentence embeddings instead of TF-IDF.

    How it is brought to a fixed budget is told at `E2SCIS`.
    """

    condenser_type = "e2sc_is"
    default_placement = E2SCIS()
