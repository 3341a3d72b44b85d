"""Rows that leave no other row far away."""

from dataclasses import dataclass

import numpy as np

from condensers.embedding import Matrix, iter_blocks
from condensers.selection.protocol import check_size


@dataclass(frozen=True)
class GreedyKCenter:
    r"""Farthest-first traversal (Sener and Savarese 2018, Algorithm 1).

    Each step takes the row farthest from those chosen, which keeps the radius
    :math:`\max_i \min_{j \in S} \lVert x_i - x_j \rVert` within twice the best possible.
    One pass over the rows a step.

    Attributes:
        seed: Seed of the first row, which is drawn at random.
    """

    seed: int = 0

    def select(self, x: Matrix, n: int) -> np.ndarray:
        """Selects `n` rows; see `Selector.select`.

        Raises:
            BudgetError: if there are fewer than `n` rows.
        """
        check_size(x, n)
        n_rows = x.shape[0]
        norms = np.empty(n_rows, dtype=np.float32)
        for where, block in iter_blocks(x):
            norms[where] = np.einsum("ij,ij->i", block, block)
        radius = np.full(n_rows, np.inf, dtype=np.float32)
        chosen = np.empty(n, dtype=np.int64)
        chosen[0] = np.random.default_rng(self.seed).integers(n_rows)
        for step in range(n):
            if step:
                chosen[step] = int(np.argmax(radius))
            centre = x[chosen[step : step + 1]][0]
            for where, block in iter_blocks(x):
                distance = norms[where] - 2.0 * (block @ centre) + norms[chosen[step]]
                np.minimum(radius[where], distance, out=radius[where])
            radius[chosen[: step + 1]] = -np.inf
        return chosen
