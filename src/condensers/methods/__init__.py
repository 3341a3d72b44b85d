"""One file a method; the base class and the table of methods beside them."""

from condensers.methods.assignment import Assignment, assign
from condensers.methods.auto import METHODS, AutoCondenser, condenser_class, generating_methods, settings_for
from condensers.methods.budget_curve import BudgetCurve, BudgetPoint, PowerLaw
from condensers.methods.condensed import PROVENANCE, REWARD_PROVENANCE, Condensed
from condensers.methods.condenser import Condenser
from condensers.methods.config import CondenserConfig
from condensers.methods.e2sc_is import E2SCISCondenser
from condensers.methods.el2n import EL2NCondenser
from condensers.methods.embedding_condenser import EmbeddingCondenser, placed_points
from condensers.methods.facility_location import FacilityLocationCondenser
from condensers.methods.g_dig import GDIGCondenser
from condensers.methods.greedy_k_center import GreedyKCenterCondenser
from condensers.methods.herding import HerdingCondenser
from condensers.methods.k_center import KCenterCondenser
from condensers.methods.lineage import Lineage, Neighbour, StandsFor, StoodFor
from condensers.methods.moderate import ModerateCondenser
from condensers.methods.random import RandomCondenser
from condensers.methods.record import RunRecord
from condensers.methods.source import PreparedSource
from condensers.methods.updating import Change, Update

__all__ = [
    "METHODS",
    "PROVENANCE",
    "REWARD_PROVENANCE",
    "Assignment",
    "AutoCondenser",
    "BudgetCurve",
    "BudgetPoint",
    "Change",
    "Condensed",
    "Condenser",
    "CondenserConfig",
    "E2SCISCondenser",
    "EL2NCondenser",
    "EmbeddingCondenser",
    "FacilityLocationCondenser",
    "GDIGCondenser",
    "GreedyKCenterCondenser",
    "HerdingCondenser",
    "KCenterCondenser",
    "Lineage",
    "ModerateCondenser",
    "Neighbour",
    "PowerLaw",
    "PreparedSource",
    "RandomCondenser",
    "RunRecord",
    "StandsFor",
    "StoodFor",
    "Update",
    "assign",
    "condenser_class",
    "generating_methods",
    "placed_points",
    "settings_for",
]
