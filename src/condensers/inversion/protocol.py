"""What a realiser is."""

from typing import Protocol, runtime_checkable

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
