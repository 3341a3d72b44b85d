"""Batches of clean rows, one for each optimiser step."""

from collections.abc import Callable
from typing import Any

import numpy as np
from datasets import Dataset


class CleanBatches:
    """Shuffled passes over a small dataset, cut into batches that are told by the number of the step alone.

    So a run that is resumed sees the batches that an unbroken one sees, and all processes see the same. Passes follow
    each other without a gap: a batch may hold the end of one and the start of the next.

    Args:
        rows: The rows; their columns go to `collate` as they are.
        collate: Makes one batch of a list of rows.
        size: Rows a batch; if there are fewer rows, each batch holds them all.
        seed: Fixes the order.
    """

    def __init__(self, rows: Dataset, collate: Callable[[list[Any]], Any], *, size: int, seed: int) -> None:
        self._rows = rows
        self._collate = collate
        self._size = min(size, len(rows))
        self._seed = seed

    def positions(self, step: int) -> np.ndarray:
        """Which rows are in the batch of a step; shape (n_rows,), int64."""
        wanted = np.arange(step * self._size, (step + 1) * self._size)
        numbers, places = np.divmod(wanted, len(self._rows))
        orders = {
            n: np.random.default_rng([self._seed, n]).permutation(len(self._rows)) for n in set(map(int, numbers))
        }
        return np.asarray([orders[n][place] for n, place in zip(numbers.tolist(), places, strict=True)])

    def batch(self, step: int) -> Any:  # noqa: ANN401  (what `collate` returns)
        """The batch of a step, collated."""
        return self._collate([self._rows[int(position)] for position in self.positions(step)])
