"""A matrix of row vectors that lies on disk, and the few operations that algorithms need of it."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from condensers.errors import RowError

BLOCK_ROWS = 8192


class Matrix(Protocol):
    """Anything that placements and selectors read rows from: an array, a memory map, `Vectors`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n_rows, dim)."""
        ...

    def __getitem__(self, key: slice | np.ndarray, /) -> np.ndarray:
        """Rows by slice or by an integer array; shape (n, dim)."""
        ...


class Vectors:
    """Rows of float32 in several memory-mapped shards, read as one matrix.

    Slicing one shard is free of copies; everything else copies just the rows asked for. So memory holds the blocks in
    use, and the operating system's page cache the rest.

    Shape:
        shards: each (n_i, dim), float32.
    """

    def __init__(self, shards: Sequence[np.ndarray]) -> None:
        if not shards or len({shard.shape[1] for shard in shards}) != 1:
            raise RowError("vectors need at least one shard, and all shards must have the same dimension.")
        self._shards = tuple(shards)
        self._starts = np.cumsum([0, *(len(shard) for shard in shards)])

    @property
    def shape(self) -> tuple[int, int]:
        """(n_rows, dim)."""
        return int(self._starts[-1]), self._shards[0].shape[1]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: slice | np.ndarray, /) -> np.ndarray:
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step == 1:
                return self._slice(start, max(start, stop))
            key = np.arange(start, stop, step)
        return self._gather(np.asarray(key, dtype=np.int64))

    def rows(self, positions: np.ndarray) -> "VectorRows":
        """A view of some rows, in the order of `positions`; nothing is read yet."""
        return VectorRows(self, positions)

    def _slice(self, start: int, stop: int) -> np.ndarray:
        parts = [
            shard[max(start - first, 0) : stop - first]
            for shard, first in zip(self._shards, self._starts.tolist(), strict=False)
            if first < stop and first + len(shard) > start
        ]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.empty((0, self.shape[1]), dtype=np.float32)

    def _gather(self, positions: np.ndarray) -> np.ndarray:
        positions = np.where(positions < 0, positions + len(self), positions)
        out = np.empty((len(positions), self.shape[1]), dtype=np.float32)
        shard_of = np.searchsorted(self._starts, positions, side="right") - 1
        for number in np.unique(shard_of):
            here = shard_of == number
            out[here] = self._shards[number][positions[here] - self._starts[number]]
        return out


class VectorRows:
    """Some rows of a matrix, read when asked for.

    Shape:
        positions: (n,), rows of `base`.
    """

    def __init__(self, base: Matrix, positions: np.ndarray) -> None:
        self._base = base
        self._positions = np.asarray(positions, dtype=np.int64)

    @property
    def shape(self) -> tuple[int, int]:
        """(n_rows, dim)."""
        return len(self._positions), self._base.shape[1]

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, key: slice | np.ndarray, /) -> np.ndarray:
        return self._base[self._positions[key]]


def iter_blocks(
    x: Matrix, block_rows: int = BLOCK_ROWS, *, part: slice | None = None
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yields ``(where, rows)`` over consecutive blocks of a matrix.

    Args:
        x: The matrix.
        block_rows: Rows of a block.
        part: Pass over these rows only; `where` counts from the first of them.

    Shape:
        rows: (at most block_rows, dim), float32.
    """
    first, end = (0, x.shape[0]) if part is None else (part.start, part.stop)
    for start in range(first, end, block_rows):
        stop = min(start + block_rows, end)
        yield slice(start - first, stop - first), np.asarray(x[start:stop], dtype=np.float32)


def vector_column(vectors: np.ndarray) -> pa.FixedSizeListArray:
    """Vectors as a column of a table; through lists of Python floats it would take half a minute for 50,000 rows.

    Shape:
        vectors: (n, dim).
    """
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(vectors).ravel()), vectors.shape[1])


def check_finite(x: Matrix) -> None:
    """Raises unless every number is finite.

    Raises:
        RowError: if a vector holds NaN or infinity; the message names the first such row.
    """
    for where, block in iter_blocks(x):
        bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
        if len(bad):
            raise RowError(
                f"vector {where.start + int(bad[0])} holds NaN or infinity ({len(bad)} in its block). "
                f"Check the embedder and the text of that row."
            )
