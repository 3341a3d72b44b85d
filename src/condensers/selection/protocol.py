"""What a selector is."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np

from condensers.embedding import EmbeddedRows, Matrix
from condensers.errors import BudgetError, RowError


@runtime_checkable
class Selector(Protocol):
    """Chooses a few rows among many; equal rows are told apart by index, so results do not depend on the machine."""

    def select(self, x: Matrix, n: int) -> np.ndarray:
        """Selects `n` different rows.

        Shape:
            x: (n_rows, dim), float32.
            returns: (n,), int64, positions in `x`, in the order of selection.
        """
        ...


@runtime_checkable
class SupervisedSelector(Protocol):
    """Chooses a few rows of every class at once, by what the rows of all classes and their labels say.

    Equal rows are told apart by index.
    """

    def select_by_class(
        self, rows: EmbeddedRows, codes: np.ndarray, counts: Mapping[int, int]
    ) -> dict[int, np.ndarray]:
        """Selects `counts[code]` different rows of each class.

        Shape:
            rows: vectors (n_rows, dim), float32.
            codes: (n_rows,), int64, the class of each row.
            returns: by class code, (counts[code],), int64, positions in `rows`, in the order of selection.

        Args:
            rows: Rows of all classes.
            codes: Their classes, of which there are at least two.
            counts: Rows to select, by class code, for every class that occurs.
        """
        ...


@runtime_checkable
class RenewableSelector(Selector, Protocol):
    """A selector that can go on from what it chose when rows are added, so that few choices change."""

    def renew(self, x: Matrix, chosen: np.ndarray, n_before: int) -> np.ndarray:
        """Chooses as many rows as before, among all.

        Args:
            x: All rows, those of before first.
            chosen: What was chosen among those of before.
            n_before: How many those are.

        Shape:
            x: (n_rows, dim), float32; chosen: (n,), int64.
            returns: (n,), int64, in the order of `chosen`.
        """
        ...


def check_size(x: Matrix, n: int) -> None:
    """Raises unless `n` different rows can be chosen.

    Raises:
        BudgetError: if `n` is below 1 or above the number of rows.
    """
    if not 1 <= n <= x.shape[0]:
        raise BudgetError(f"cannot select {n} of {x.shape[0]} rows; the number must be 1 to {x.shape[0]}.")


def check_sizes(rows: EmbeddedRows, codes: np.ndarray, counts: Mapping[int, int]) -> None:
    """Raises unless `counts[code]` different rows of each class can be chosen.

    Raises:
        BudgetError: if a count is below 1, above the number of rows of its class, or missing.
        RowError: if there is not one class code a row, or there are fewer than two classes.
    """
    if len(codes) != len(rows):
        raise RowError(f"each row needs a class code; got {len(codes)} codes for {len(rows)} rows.")
    found, sizes = np.unique(codes, return_counts=True)
    if len(found) < 2:
        raise RowError(f"rows of at least two classes are needed; got {len(found)}. Use a selector without labels.")
    for code, size in zip(found.tolist(), sizes.tolist(), strict=True):
        if not 1 <= counts.get(code, 0) <= size:
            raise BudgetError(
                f"cannot select {counts.get(code, 0)} of the {size} rows of class {code}; "
                f"the number must be 1 to {size}."
            )
