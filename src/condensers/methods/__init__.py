"""One file a method; the base class and the table of methods beside them."""

from condensers.methods.auto import METHODS, AutoCondenser, condenser_class, generating_methods, settings_for
from condensers.methods.condensed import PROVENANCE, REWARD_PROVENANCE, Condensed
from condensers.methods.condenser import Condenser
from condensers.methods.config import CondenserConfig
from condensers.methods.embedding_condenser import EmbeddingCondenser, placed_points
from condensers.methods.facility_location import FacilityLocationCondenser
from condensers.methods.greedy_k_center import GreedyKCenterCondenser
from condensers.methods.herding import HerdingCondenser
from condensers.methods.k_center import KCenterCondenser
from condensers.methods.random import RandomCondenser
from condensers.methods.record import RunRecord
from condensers.methods.source import PreparedSource

__all__ = [
    "METHODS",
    "PROVENANCE",
    "REWARD_PROVENANCE",
    "AutoCondenser",
    "Condensed",
    "Condenser",
    "CondenserConfig",
    "EmbeddingCondenser",
    "FacilityLocationCondenser",
    "GreedyKCenterCondenser",
    "HerdingCondenser",
    "KCenterCondenser",
    "PreparedSource",
    "RandomCondenser",
    "RunRecord",
    "condenser_class",
    "generating_methods",
    "placed_points",
    "settings_for",
]
