"""Rows to fewer rows: the coreset selectors. `select(x, n)` takes the vectors of one class and returns positions."""

from condensers.selection.facility_location import FacilityLocation
from condensers.selection.greedy_k_center import GreedyKCenter
from condensers.selection.herding import Herding
from condensers.selection.k_center import KCenter
from condensers.selection.nearest import nearest_of, nearest_rows
from condensers.selection.protocol import Selector
from condensers.selection.random import RandomRows

__all__ = [
    "FacilityLocation",
    "GreedyKCenter",
    "Herding",
    "KCenter",
    "RandomRows",
    "Selector",
    "nearest_of",
    "nearest_rows",
]
