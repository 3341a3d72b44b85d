"""Vectors to fewer vectors: where should the few rows sit?"""

from condensers.placement.kmeans import KMeansCentroids
from condensers.placement.protocol import Placement

PLACEMENTS = {"kmeans_centroids": KMeansCentroids}

__all__ = ["PLACEMENTS", "KMeansCentroids", "Placement"]
