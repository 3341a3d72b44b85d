"""How many rows to keep, and how many of each class."""

from collections.abc import Mapping
from dataclasses import dataclass

from condensers.errors import BudgetError


@dataclass(frozen=True)
class Budget:
    """The size of a condensed dataset; exactly one of the three is given.

    Attributes:
        per_class: Rows of each class (DPC in the papers).
        total: Rows in all, split over the classes in proportion to their size, at least one each.
        fraction: Share of the source rows, in (0, 1], split like `total`.
    """

    per_class: int | None = None
    total: int | None = None
    fraction: float | None = None

    def __post_init__(self) -> None:
        given = {name: value for name, value in vars(self).items() if value is not None}
        if len(given) != 1:
            got = ", ".join(f"{name}={value}" for name, value in given.items()) or "none"
            raise BudgetError(f"give exactly one of `per_class`, `total` and `fraction`; got {got}.")
        for name in ("per_class", "total"):
            value = given.get(name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise BudgetError(f"`{name}` must be a whole number of at least 1; got {value!r}.")
        if self.fraction is not None and not 0 < self.fraction <= 1:
            raise BudgetError(f"`fraction` must be above 0 and at most 1; got {self.fraction!r}.")

    def allocate(
        self, class_sizes: Mapping[str, int], *, allow_fewer: bool = False, unbounded: bool = False
    ) -> dict[str, int]:
        """Says how many rows to keep of each class.

        `total` and `fraction` are shared out by largest remainders after each class has got one row, ties going to the
        class that stands first.

        Args:
            class_sizes: Rows that each class has, in class order.
            allow_fewer: Take the whole class where it has fewer rows than `per_class`.
            unbounded: The rows are written, and there may be more of them than the source has.

        Raises:
            BudgetError: if a class or the dataset has fewer rows than asked for, or there are more classes than rows.
        """
        if unbounded and self.per_class is not None:
            return dict.fromkeys(class_sizes, self.per_class)
        if self.per_class is not None:
            for name, size in class_sizes.items():
                if size < self.per_class and not allow_fewer:
                    raise BudgetError(
                        f"`per_class` must be at most {size}, the size of class {name!r}; got {self.per_class}. "
                        f"Lower it, or pass `allow_fewer=True`."
                    )
            return {name: min(size, self.per_class) for name, size in class_sizes.items()}
        available = sum(class_sizes.values())
        total = self.total if self.total is not None else max(1, round(available * (self.fraction or 0.0)))
        if total > available and not (allow_fewer or unbounded):
            raise BudgetError(
                f"`total` must be at most {available}, the number of rows; got {total}. "
                f"Lower it, or pass `allow_fewer=True`."
            )
        total = total if unbounded else min(total, available)
        if total < len(class_sizes):
            raise BudgetError(
                f"a budget of {total} rows cannot hold one row of each of {len(class_sizes)} classes. Raise it."
            )
        return _share_out(total, class_sizes)


def _share_out(total: int, class_sizes: Mapping[str, int]) -> dict[str, int]:
    rest = total - len(class_sizes)
    spare = {name: size - 1 for name, size in class_sizes.items()}
    if not any(spare.values()):
        spare = dict(class_sizes)
    pool = sum(spare.values())
    quotas = {name: rest * size / pool for name, size in spare.items()}
    shares = {name: int(quota) for name, quota in quotas.items()}
    by_remainder = sorted(quotas, key=lambda name: shares[name] - quotas[name])
    for name in by_remainder[: rest - sum(shares.values())]:
        shares[name] += 1
    return {name: share + 1 for name, share in shares.items()}
