"""Rows to fewer rows: the coreset selectors. `select(x, n)` takes the vectors of one class and returns positions.

`select_by_class(rows, codes, counts)` of a supervised selector takes the rows and labels of all classes.
"""

from condensers.selection.e2sc_is import E2SCIS
from condensers.selection.el2n import EL2N, el2n_scores
from condensers.selection.facility_location import FacilityLocation
from condensers.selection.g_dig import GDIG
from condensers.selection.greedy_k_center import GreedyKCenter
from condensers.selection.herding import Herding
from condensers.selection.k_center import KCenter
from condensers.selection.krr_exchange import KRRExchange
from condensers.selection.moderate import Moderate
from condensers.selection.nearest import nearest_of, nearest_rows
from condensers.selection.protocol import RenewableSelector, Selector, SupervisedSelector, check_sizes
from condensers.selection.random import RandomRows
from condensers.selection.round_robin import RoundRobin, TextSample, sample_texts
from condensers.selection.softmax_regression import SoftmaxRegression

__all__ = [
    "E2SCIS",
    "EL2N",
    "GDIG",
    "FacilityLocation",
    "GreedyKCenter",
    "Herding",
    "KCenter",
    "KRRExchange",
    "Moderate",
    "RandomRows",
    "RenewableSelector",
    "RoundRobin",
    "Selector",
    "SoftmaxRegression",
    "SupervisedSelector",
    "TextSample",
    "check_sizes",
    "el2n_scores",
    "nearest_of",
    "nearest_rows",
    "sample_texts",
]
