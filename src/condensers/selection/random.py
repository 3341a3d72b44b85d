"""Rows drawn at random."""

from dataclasses import dataclass

import numpy as np

from condensers.embedding import Matrix
from condensers.selection.protocol import check_size


@dataclass(frozen=True)
class RandomRows:
    """Rows drawn uniformly without replacement: the baseline that every method has to beat.

    Attributes:
        seed: Seed of the draw.
    """

    seed: int = 0

    def select(self, x: Matrix, n: int) -> np.ndarray:
        """Selects `n` rows; see `Selector.select`.

        Raises:
            BudgetError: if there are fewer than `n` rows.
        """
        check_size(x, n)
        return np.random.default_rng(self.seed).permutation(x.shape[0])[:n].astype(np.int64)
