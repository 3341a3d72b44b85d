"""What a selector is."""

from typing import Protocol, runtime_checkable

import numpy as np

from condensers.embedding import Matrix
from condensers.errors import BudgetError


@runtime_checkable
class Selector(Protocol):
    """Chooses a few rows among many; equal rows are told apart by index, so results do not depend on the machine."""

    def select(self, x: Matrix, n: int) -> np.ndarray:
        """Selects `n` different rows.

        Shape:
            x: (n_rows, dim), float32.
            returns: (n,), int64, positions in `x`, in the order of selection.
        """
        ...


def check_size(x: Matrix, n: int) -> None:
    """Raises unless `n` different rows can be chosen.

    Raises:
        BudgetError: if `n` is below 1 or above the number of rows.
    """
    if not 1 <= n <= x.shape[0]:
        raise BudgetError(f"cannot select {n} of {x.shape[0]} rows; the number must be 1 to {x.shape[0]}.")
