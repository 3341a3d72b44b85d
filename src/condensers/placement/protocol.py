"""What a placement is."""

from typing import Protocol, runtime_checkable

import numpy as np

from condensers.embedding import Matrix


@runtime_checkable
class Placement(Protocol):
    """Says where a few points should sit among many."""

    def place(self, x: Matrix, n: int) -> np.ndarray:
        """Places `n` points.

        Shape:
            x: (n_rows, dim), float32.
            returns: (n, dim), float32.
        """
        ...
