"""Rows nearest to the centroids of k-means."""

from condensers.inversion import NearestRow
from condensers.methods.embedding_condenser import EmbeddingCondenser
from condensers.placement import KMeansCentroids


class KCenterCondenser(EmbeddingCondenser):
    """K-Center as in DiLM (Maekawa et al. 2024) and CondenseLM (Appendix A.3): k-means, then the nearest real rows.

    For the k-center of Sener and Savarese see `GreedyKCenterCondenser`.
    """

    condenser_type = "k_center"
    default_placement = KMeansCentroids()
    default_realiser = NearestRow()
