"""Batches of rows that are about equally long, so that little of a batch is padding."""

from collections.abc import Iterator, Sequence

import numpy as np


def iter_by_length(lengths: Sequence[int], batch_size: int) -> Iterator[np.ndarray]:
    """Yields positions in batches, the longest rows first; equal lengths keep their order.

    Shape:
        yields: (at most batch_size,), int64.
    """
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
