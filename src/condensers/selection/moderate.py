"""Rows that are neither typical nor odd."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from condensers.embedding import Matrix, iter_blocks
from condensers.errors import SettingError
from condensers.selection.protocol import check_size

Centre = Literal["mean", "median"]


@dataclass(frozen=True)
class Moderate:
    r"""Moderate coreset (Xia et al. 2023, Section 3; CondenseLM, Table 5).

    A row's score is its distance to the centre of the class, :math:`d_i = \lVert x_i - c \rVert`. Those rows are taken
    whose scores are nearest to the median score, :math:`\lvert d_i - \operatorname{med}_j d_j \rvert`, in that order.
    No randomness. Two passes over the rows with the mean; the median has to hold all rows in memory.

    Attributes:
        centre: The mean of the rows, which is the paper's, or the median of each coordinate, which is that of the
            authors' code.
    """

    centre: Centre = "mean"

    def select(self, x: Matrix, n: int) -> np.ndarray:
        """Selects `n` rows; see `Selector.select`.

        Raises:
            BudgetError: if there are fewer than `n` rows.
            SettingError: if `centre` is neither of the two.
        """
        check_size(x, n)
        centre = self._centre(x)
        distances = np.empty(x.shape[0])
        for where, block in iter_blocks(x):
            distances[where] = np.linalg.norm(block - centre, axis=1)
        return np.argsort(np.abs(distances - np.median(distances)), kind="stable")[:n]

    def _centre(self, x: Matrix) -> np.ndarray:
        if self.centre == "mean":
            return sum(block.sum(axis=0, dtype=np.float64) for _, block in iter_blocks(x)) / x.shape[0]
        if self.centre == "median":
            return np.median(x[:], axis=0)
        raise SettingError(f"`centre` must be 'mean' or 'median'; got {self.centre!r}.")
