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

    def renew(self, x: Matrix, chosen: np.ndarray, n_before: int) -> np.ndarray:
        """Lets new rows in as often as a draw among all rows would; see `RenewableSelector.renew`.

        The number of new rows in a uniform sample is hypergeometric; so many of the chosen rows, drawn at random, give
        way to new ones. A uniform sample thus stays one.
        """
        rng = np.random.default_rng((self.seed, x.shape[0]))
        n, n_new = len(chosen), x.shape[0] - n_before
        n_let_in = int(rng.hypergeometric(n_new, n_before, n)) if n_new else 0
        renewed = chosen.copy()
        renewed[np.sort(rng.permutation(n)[:n_let_in])] = n_before + rng.permutation(n_new)[:n_let_in]
        return renewed
