"""Rows whose mean follows the mean of all rows."""

from dataclasses import dataclass

import numpy as np

from condensers.embedding import Matrix, iter_blocks
from condensers.selection.protocol import check_size


@dataclass(frozen=True)
class Herding:
    r"""Herding (Welling 2009), greedy as in iCaRL and DeepCore.

    Step t takes the row that brings the mean of the chosen rows closest to the mean :math:`\mu` of all rows:

    .. math:: \arg\min_i \Big\lVert \mu - \tfrac{1}{t} \big(x_i + \textstyle\sum_{j \in S} x_j \big) \Big\rVert^2
       = \arg\min_i \; \lVert x_i \rVert^2 - 2 x_i^\top \big(t \mu - \textstyle\sum_{j \in S} x_j \big).

    On unit vectors this is Welling's update of a weight vector. One pass over the rows a step; no randomness.
    """

    def select(self, x: Matrix, n: int) -> np.ndarray:
        """Selects `n` rows; see `Selector.select`.

        Raises:
            BudgetError: if there are fewer than `n` rows.
        """
        check_size(x, n)
        n_rows, dim = x.shape
        total = np.zeros(dim)
        norms = np.empty(n_rows)
        for where, block in iter_blocks(x):
            total += block.sum(axis=0, dtype=np.float64)
            norms[where] = np.einsum("ij,ij->i", block, block, dtype=np.float64)
        mean = total / n_rows
        chosen = np.empty(n, dtype=np.int64)
        taken = np.zeros(dim)
        for step in range(n):
            aim = ((step + 1) * mean - taken).astype(np.float32)
            cost = norms.copy()
            for where, block in iter_blocks(x):
                cost[where] -= 2.0 * (block @ aim)
            cost[chosen[:step]] = np.inf
            chosen[step] = int(np.argmin(cost))
            taken += x[chosen[step : step + 1]][0]
        return chosen
