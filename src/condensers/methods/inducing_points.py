"""Points from which kernel ridge regression predicts the labels of all rows, and the rows nearest to them."""

from condensers.methods.embedding_condenser import EmbeddingCondenser
from condensers.placement import InducingPoints


class InducingPointsCondenser(EmbeddingCondenser):
    """Kernel inducing points (KIP: Nguyen, Chen and Lee 2021) in the space of embeddings, realised by any realiser.

    Reads the labels of all rows. The points lie where no row need be, so the nearest rows, which stand in by default,
    keep part of what the points are worth; `KRRExchangeCondenser` searches the rows themselves.
    """

    condenser_type = "inducing_points"
    default_placement = InducingPoints()
