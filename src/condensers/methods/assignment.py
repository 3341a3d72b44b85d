"""Which condensed row each source row is nearest to."""

from dataclasses import dataclass

import numpy as np

from condensers.embedding import Matrix, VectorRows, iter_blocks
from condensers.selection import nearest_of


@dataclass(frozen=True)
class Assignment:
    """Source rows, each with the condensed row of its class that stands for it.

    Attributes:
        owners: For each source row, the nearest condensed row of its class; shape (n_source_rows,), int64; -1 where
            there is none.
        similarity: Cosine of each source row to that; shape (n_source_rows,), float32; NaN where there is none.
        n: Number of condensed rows.
    """

    owners: np.ndarray
    similarity: np.ndarray
    n: int

    @property
    def sizes(self) -> np.ndarray:
        """Source rows that each condensed row stands for; shape (n,), int64."""
        return np.bincount(self.owners[self.owners >= 0], minlength=self.n)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum of a value of the source rows over those that each condensed row stands for.

        Shape:
            values: (n_source_rows,); returns: (n,), float64.
        """
        there = self.owners >= 0
        return np.bincount(self.owners[there], weights=values[there], minlength=self.n)

    def nearest(self, n_shown: int) -> list[list[int]]:
        """For each condensed row, positions of the nearest of the source rows that it stands for, nearest first."""
        order = np.lexsort((-self.similarity, self.owners))
        starts = np.searchsorted(self.owners[order], np.arange(self.n + 1)).tolist()
        bounds = zip(starts, starts[1:], strict=False)
        return [order[start : min(start + n_shown, end)].tolist() for start, end in bounds]


def assign(source: Matrix, codes: np.ndarray, condensed: np.ndarray, condensed_codes: np.ndarray) -> Assignment:
    """Assigns each source row to the nearest condensed row of its class.

    Shape:
        source: (n_source_rows, dim); codes: (n_source_rows,); condensed: (n, dim); condensed_codes: (n,); unit
            vectors.
    """
    owners = np.full(source.shape[0], -1, dtype=np.int64)
    for code in np.unique(condensed_codes).tolist():
        here, few = np.flatnonzero(codes == code), np.flatnonzero(condensed_codes == code)
        owners[here] = few[nearest_of(VectorRows(source, here), condensed[few])]
    similarity = np.full(source.shape[0], np.nan, dtype=np.float32)
    for where, block in iter_blocks(source):
        similarity[where] = np.einsum("ij,ij->i", block, condensed[owners[where]])
    similarity[owners < 0] = np.nan
    return Assignment(owners, similarity, len(condensed))
