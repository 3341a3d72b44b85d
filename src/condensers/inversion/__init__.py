"""Vectors to text: how does a point become a row?"""

from condensers.inversion.nearest_row import NearestRow
from condensers.inversion.protocol import Realiser, RowRealiser

__all__ = ["NearestRow", "Realiser", "RowRealiser"]
