"""What a realiser is."""

from collections.abc import Sequence
from typing import Protocol, Self, runtime_checkable

import numpy as np

from condensers.embedding import EmbeddedRows


@runtime_checkable
class Realiser(Protocol):
    """Turns points in embedding space into texts."""

    def realise(self, points: np.ndarray, rows: EmbeddedRows) -> list[str]:
        """Writes or finds one text a point.

        Shape:
            points: (n, dim), float32.

        Args:
            points: Where the texts should sit.
            rows: Source rows of the class that the points belong to.
        """
        ...


@runtime_checkable
class RowRealiser(Realiser, Protocol):
    """A realiser whose texts are source rows, so that a row can be kept whole."""

    def locate(self, points: np.ndarray, rows: EmbeddedRows) -> np.ndarray:
        """Finds one row a point.

        Shape:
            points: (n, dim), float32.
            returns: (n,), int64, different positions in `rows`.
        """
        ...


@runtime_checkable
class GroupRealiser(Realiser, Protocol):
    """A realiser that does the points of several classes at once, in fewer and fuller batches."""

    def realise_groups(self, groups: Sequence[tuple[np.ndarray, EmbeddedRows]]) -> list[list[str]]:
        """Writes one text a point, for points of each class; see `Realiser.realise`."""
        ...


@runtime_checkable
class DrawingRealiser(Realiser, Protocol):
    """A realiser that draws its texts, and so can give others for the same points."""

    def redrawn(self, draw: int) -> Self:
        """The realiser that draws anew.

        Args:
            draw: Which draw, from 1; 0 is the one at hand.
        """
        ...


@runtime_checkable
class SlowRealiser(DrawingRealiser, Protocol):
    """A realiser that looks at no rows, and whose texts cost so much that they are kept on disk.

    Attributes:
        batch_size: Points worked on together.
        fingerprint: Changes when, and only when, its texts would.
    """

    batch_size: int

    @property
    def fingerprint(self) -> str:
        """See above."""
        ...
