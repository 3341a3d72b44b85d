"""Rows that stand for all the others."""

import heapq
from dataclasses import dataclass

import numpy as np

from condensers.embedding import Matrix, iter_blocks
from condensers.selection.protocol import check_size

# Rows and candidates a tile: 2048 x 512 float32 similarities stay in the processor's cache.
_TILE_ROWS = 2048
_BATCH = 512


@dataclass(frozen=True)
class FacilityLocation:
    r"""Greedy facility location (Mirzasoleiman et al. 2013; apricot, Schreiber et al. 2020).

    Maximises :math:`f(S) = \sum_i \max_{j \in S} s_{ij}` with :math:`s_{ij} = (1 + x_i^\top x_j) / 2`, which is not
    negative on unit vectors. Greedy is within 1 - 1/e of the best set. It is evaluated lazily (Minoux 1978): a gain
    can only fall as S grows, so an old gain bounds the new one, and only candidates whose bound leads are evaluated
    again, a batch at a time. Similarities exist one tile at a time, never as an (n_rows, n_rows) matrix; the second
    step still has to look at most pairs once. No randomness.
    """

    def select(self, x: Matrix, n: int) -> np.ndarray:
        """Selects `n` rows; see `Selector.select`.

        Raises:
            BudgetError: if there are fewer than `n` rows.
        """
        check_size(x, n)
        n_rows = x.shape[0]
        covered = np.zeros(n_rows, dtype=np.float32)
        chosen: list[int] = []
        # Gains fall, heapq is a min-heap: entries are (-bound, row, number of rows chosen when it was computed).
        heap = [(-gain, row, 0) for row, gain in enumerate(_first_gains(x).tolist())]
        heapq.heapify(heap)
        batch = 1
        while len(chosen) < n:
            stale: list[int] = []
            while heap and heap[0][2] < len(chosen) and len(stale) < batch:
                stale.append(heapq.heappop(heap)[1])
            if not stale:
                _, best, _ = heapq.heappop(heap)
                chosen.append(best)
                _cover(x, best, covered)
                batch = 1
                continue
            for row, gain in zip(stale, _gains(x, np.asarray(stale), covered).tolist(), strict=True):
                heapq.heappush(heap, (-gain, row, len(chosen)))
            batch = min(2 * batch, _BATCH)
        return np.asarray(chosen, dtype=np.int64)


def _first_gains(x: Matrix) -> np.ndarray:
    """Gains over the empty set, in closed form: half of n_rows plus the product with the sum of all rows."""
    total = np.zeros(x.shape[1])
    for _, block in iter_blocks(x):
        total += block.sum(axis=0, dtype=np.float64)
    return np.concatenate([(x.shape[0] + block @ total) / 2.0 for _, block in iter_blocks(x)])


def _gains(x: Matrix, candidates: np.ndarray, covered: np.ndarray) -> np.ndarray:
    halves = 0.5 * np.asarray(x[candidates], dtype=np.float32).T
    gains = np.zeros(len(candidates))
    for where, block in iter_blocks(x, _TILE_ROWS):
        rise = block @ halves
        rise += (0.5 - covered[where])[:, None]
        np.maximum(rise, 0.0, out=rise)
        gains += rise.sum(axis=0)
    return gains


def _cover(x: Matrix, row: int, covered: np.ndarray) -> None:
    column = x[np.asarray([row])][0]
    for where, block in iter_blocks(x):
        np.maximum(covered[where], (1.0 + block @ column) / 2.0, out=covered[where])
