"""Rows that stand for all others of the class."""

from condensers.methods.embedding_condenser import EmbeddingCondenser
from condensers.selection import FacilityLocation


class FacilityLocationCondenser(EmbeddingCondenser):
    """Greedy facility location (Mirzasoleiman et al. 2013).

    Deterministic. Looks at most pairs of rows of a class once, so its time grows with their square.
    """

    condenser_type = "facility_location"
    default_placement = FacilityLocation()
