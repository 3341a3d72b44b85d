"""Rows to fewer rows: the coreset selectors. `select(x, n)` takes the vectors of one class and returns positions."""

from condensers.selection.facility_location import FacilityLocation
from condensers.selection.greedy_k_center import GreedyKCenter
from condensers.selection.herding import Herding
from condensers.selection.k_center import KCenter
from condensers.selection.nearest import nearest_of, nearest_rows
from condensers.selection.protocol import Selector
from condensers.selection.random import RandomRows
from condensers.selection.round_robin import RoundRobin, TextSample, sample_texts

__all__ = [
    "FacilityLocation",
    "GreedyKCenter",
    "Herding",
    "KCenter",
    "RandomRows",
    "RoundRobin",
    "Selector",
    "TextSample",
    "nearest_of",
    "nearest_rows",
    "sample_texts",
]
