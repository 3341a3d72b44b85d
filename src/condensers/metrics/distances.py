"""Exact distances between many rows, in blocks, at nearly the price of float32 products.

A product gives lower bounds with a known slack; the few pairs for which the slack matters are measured again in
float64. No matrix of all pairs is ever built.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from condensers.embedding import Matrix, VectorRows, iter_blocks
from condensers.errors import BudgetError, SettingError

_BLOCK_ROWS = 2048
# Neighbours kept beyond the k asked for, so that bounds in the wrong order seldom need a second pass.
_SPARE = 3
# Columns from which a first limit is taken.
_SOME = 256
# Numbers in a piece of exact differences.
_PIECE = 2**21
# Rows of such pieces in the second pass of the search, in which any number of pairs may be close.
_FEW = 64


class Block(NamedTuple):
    """Consecutive rows, as they are and about a centre; ``norms`` are squared, of the latter."""

    where: slice
    rows: np.ndarray
    centred: np.ndarray
    norms: np.ndarray


def blocks(x: Matrix, centre: np.ndarray, start: int = 0) -> Iterator[Block]:
    """Yields consecutive blocks of a matrix from a row on; shape (n_rows, dim) and (dim,) in."""
    for first in range(start, x.shape[0], _BLOCK_ROWS):
        where = slice(first, min(first + _BLOCK_ROWS, x.shape[0]))
        rows = np.asarray(x[where], dtype=np.float32)
        centred = (rows - centre).astype(np.float32)
        yield Block(where, rows, centred, np.square(centred, dtype=np.float64).sum(axis=1))


def centre_of(x: Matrix) -> np.ndarray:
    """Mean row, about which products lose least to rounding; shape (dim,), float64."""
    total = np.zeros(x.shape[1])
    for _, block in iter_blocks(x, _BLOCK_ROWS):
        total += block.sum(axis=0, dtype=np.float64)
    return total / x.shape[0]


def _slack(dim: int) -> float:
    # Error of a float32 sum of dim + 2 products, of rounding the centred rows and their norms, as a share of the sum
    # of both squared norms; 2^-24 is half a unit in the last place.
    return (dim + 16) * 2.0**-23


def lower_bounds(one: Block, other: Block) -> np.ndarray:
    r"""Lower bounds of squared distances, from one matrix product.

    :math:`\lVert a - b \rVert^2 - c (\lVert a \rVert^2 + \lVert b \rVert^2)`, in float32, with c so large that it
    covers any error; the distance is at most twice that above.

    Shape:
        returns: (n_one, n_other), float32.
    """
    share = 1.0 - _slack(one.rows.shape[1])
    norms = [(share * block.norms).astype(np.float32)[:, None] for block in (one, other)]
    left = np.concatenate([-2.0 * one.centred, norms[0], np.ones_like(norms[0])], axis=1)
    right = np.concatenate([other.centred, np.ones_like(norms[1]), norms[1]], axis=1)
    return left @ right.T


def _squared(x: Matrix, i: np.ndarray, y: Matrix, j: np.ndarray) -> np.ndarray:
    """Exact squared distances of pairs of rows; shape (n,) twice in, (n,) out, float64."""
    out = np.empty(len(i))
    step = max(_PIECE // x.shape[1], 1)
    for start in range(0, len(i), step):
        part = slice(start, start + step)
        gap = np.asarray(x[i[part]], dtype=np.float32).astype(np.float64) - np.asarray(y[j[part]], dtype=np.float32)
        out[part] = np.square(gap).sum(axis=1)
    return out


def closer(bounds: np.ndarray, one: Block, other: Block, limits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of two blocks whose squared distance is below a limit; `limits` broadcasts against `bounds`."""
    # Nothing is below 0, so identical rows, of which there may be many, are left out at once.
    cuts = np.where(limits > 0, np.nextafter(limits.astype(np.float32), np.float32(np.inf)), np.float32(-np.inf))
    i, j = _pairs(bounds < cuts)
    limit = np.broadcast_to(limits, bounds.shape)[i, j]
    below = bounds[i, j] + 2.0 * _slack(one.rows.shape[1]) * (one.norms[i] + other.norms[j]) < limit
    open_ = np.flatnonzero(~below)
    below[open_] = _squared(one.rows, i[open_], other.rows, j[open_]) < limit[open_]
    return i[below], j[below]


def nearest_radii(x: Matrix, k: int) -> np.ndarray:
    """Squared distance of each row to its k-th nearest other row, 0 if it has k twins.

    Shape:
        x: (n_rows, dim), read as float32; returns: (n_rows,), float64.

    Raises:
        SettingError: if `k` is below 1.
        BudgetError: if there are not more than `k` rows.
    """
    return nearest_others(x, k, "rows")[1][:, -1]


def nearest_others(x: Matrix, k: int, what: str) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest other rows of each row, nearest first, and their squared distances.

    Shape:
        x: (n_rows, dim), read as float32; returns: (n_rows, k), int64 and float64.

    Raises:
        SettingError: if `k` is below 1.
        BudgetError: if there are not more than `k` rows; `what` says of what.
    """
    check_neighbours(x, k, k + 1, what)
    n_rows, centre = x.shape[0], centre_of(x)
    found = np.empty((n_rows, k), dtype=np.int64)
    squared = np.empty((n_rows, k))
    lowest = _lowest_bounds(x, centre, min(k + _SPARE, n_rows - 1))
    for one in blocks(x, centre):
        kept, bounds = lowest.rows[one.where], lowest.bounds[one.where]
        rows = np.repeat(np.arange(len(kept)), kept.shape[1])
        exact = _squared(one.rows, rows, x, kept.ravel()).reshape(kept.shape)
        order = np.argsort(exact, axis=1, kind="stable")[:, :k]
        found[one.where] = np.take_along_axis(kept, order, axis=1)
        squared[one.where] = radii = np.take_along_axis(exact, order, axis=1)
        if kept.shape[1] < n_rows - 1:
            # A row that was not kept has a bound no lower than the highest that was.
            open_ = np.flatnonzero((bounds.max(axis=1) < radii[:, -1]) & (radii[:, -1] > 0)) + one.where.start
            for some in np.split(open_, range(_FEW, len(open_), _FEW)):
                found[some], squared[some] = _search_again(x, some, squared[some, -1], k, centre)
    return found, squared


class _Lowest:
    """For each row the other rows with the lowest bounds so far.

    Shape:
        rows, bounds: (n_rows, n_kept), int64 and float32; bounds are infinite where nothing was seen yet.
    """

    def __init__(self, n_rows: int, n_kept: int) -> None:
        self.rows = np.zeros((n_rows, n_kept), dtype=np.int64)
        self.bounds = np.full((n_rows, n_kept), np.inf, dtype=np.float32)

    def see(self, where: slice, others: slice, bounds: np.ndarray) -> None:
        """Takes what is lower than what is kept, for some rows; shape (n_some, n_others), float32."""
        rows, n_kept = self.rows[where], self.rows.shape[1]
        highest = self.bounds[where].max(axis=1, keepdims=True)
        if np.isinf(highest).any() and n_kept <= bounds.shape[1]:
            # The n-th lowest of some columns is not below the n-th lowest of all, and is found much sooner.
            some = np.partition(bounds[:, : max(_SOME, n_kept)], n_kept - 1, axis=1)
            highest = np.minimum(highest, np.nextafter(some[:, n_kept - 1 : n_kept], np.float32(np.inf)))
        # Few are below, and finding them is one comparison each, made in the order in which they lie in memory.
        i, j = _pairs(bounds < highest) if bounds.flags.c_contiguous else _pairs(bounds.T < highest.T)[::-1]
        which = np.concatenate([np.repeat(np.arange(len(rows)), n_kept), i])
        values = np.concatenate([self.bounds[where].ravel(), bounds[i, j]])
        order = np.lexsort((values, which))
        firsts = np.searchsorted(which[order], np.arange(len(rows)))
        best = order[firsts[:, None] + np.arange(n_kept)]
        self.rows[where] = np.concatenate([rows.ravel(), j + others.start])[best]
        self.bounds[where] = values[best]


def _lowest_bounds(x: Matrix, centre: np.ndarray, n_kept: int) -> _Lowest:
    """Each pair of blocks is multiplied once, for the rows of both."""
    lowest = _Lowest(x.shape[0], n_kept)
    for one in blocks(x, centre):
        for other in blocks(x, centre, one.where.start):
            bounds = lower_bounds(one, other)
            if other.where == one.where:
                np.fill_diagonal(bounds, np.inf)
            else:
                lowest.see(other.where, one.where, bounds.T)
            lowest.see(one.where, other.where, bounds)
    return lowest


def _pairs(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`np.nonzero`, which takes five times as long for a matrix as for a vector."""
    return np.divmod(np.flatnonzero(mask.ravel()), mask.shape[1])


def _search_again(
    x: Matrix, positions: np.ndarray, limits: np.ndarray, k: int, centre: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`nearest_others` of a few rows, by measuring all that may be as near as a limit known not to be too low."""
    found = np.empty((len(positions), k), dtype=np.int64)
    squared = np.empty((len(positions), k))
    if not len(positions):
        return found, squared
    (one,) = blocks(VectorRows(x, positions), centre)
    pairs = []
    for other in blocks(x, centre):
        i, j = _pairs(lower_bounds(one, other) <= limits[:, None])
        apart = positions[i] != j + other.where.start
        i, j = i[apart], j[apart]
        pairs.append((i, j + other.where.start, _squared(one.rows, i, other.rows, j)))
    rows, others, exact = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    order = np.lexsort((others, exact, rows))
    firsts = np.searchsorted(rows[order], np.arange(len(positions)))
    chosen = order[firsts[:, None] + np.arange(k)]
    return others[chosen], exact[chosen]


def check_neighbours(x: Matrix, k: int, least: int, what: str) -> None:
    """Raises unless there are rows enough.

    Raises:
        SettingError: if `k` is below 1.
        BudgetError: if there are fewer than `least` rows.
    """
    if k < 1:
        raise SettingError(f"`k` must be at least 1; got {k}.")
    if x.shape[0] < least:
        raise BudgetError(
            f"{k} nearest neighbours need at least {least} {what}; got {x.shape[0]}. Lower `k`, or pass more {what}."
        )
