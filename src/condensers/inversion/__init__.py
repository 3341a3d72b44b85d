"""Vectors to text: how does a point become a row?"""

from condensers.inversion.llm_writer import LLMWriter, LLMWritten
from condensers.inversion.nearest_row import NearestRow
from condensers.inversion.protocol import DrawingRealiser, GroupRealiser, Realiser, RowRealiser, SlowRealiser

__all__ = [
    "DrawingRealiser",
    "GroupRealiser",
    "LLMWriter",
    "LLMWritten",
    "NearestRow",
    "Realiser",
    "RowRealiser",
    "SlowRealiser",
]
