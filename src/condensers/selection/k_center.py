"""Rows nearest to the centroids of k-means."""

from dataclasses import dataclass

import numpy as np

from condensers.embedding import Matrix
from condensers.placement import KMeansCentroids
from condensers.selection.nearest import nearest_rows
from condensers.selection.protocol import check_size


@dataclass(frozen=True)
class KCenter:
    """K-Center as DiLM (Maekawa et al. 2024) and CondenseLM (Appendix A.3) define it.

    Not the k-center of Sener and Savarese, which they cite for it: that one is `GreedyKCenter`.

    Attributes:
        seed: Seed of k-means.
    """

    seed: int = 0

    def select(self, x: Matrix, n: int) -> np.ndarray:
        """Selects `n` rows; see `Selector.select`.

        Raises:
            BudgetError: if there are fewer than `n` rows.
        """
        check_size(x, n)
        return nearest_rows(KMeansCentroids(seed=self.seed).place(x, n), x)
