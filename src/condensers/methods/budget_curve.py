"""Accuracy by the number of rows, and the number at which more rows stop paying."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

# Exponents of a learning curve that are tried: flatter ones are straight lines in what can be measured, steeper steps.
_EXPONENTS = np.geomspace(0.05, 3.0, 120)
_RESAMPLES = 200


@dataclass(frozen=True)
class PowerLaw:
    r"""A learning curve, :math:`a(n) = a_\infty - b n^{-c}` (Cortes et al. 1993; Figueroa et al. 2012).

    Attributes:
        asymptote: Accuracy that it tends to, at most 1.
        scale: What is missing at one row a class; at least 0, so the curve never falls.
        exponent: How quickly that shrinks.
    """

    asymptote: float
    scale: float
    exponent: float

    @classmethod
    def fit(cls, sizes: Sequence[int], accuracies: Sequence[float]) -> "PowerLaw":
        """Fits a curve by least squares, every measured size alike.

        Args:
            sizes: Rows a class, three different ones at least.
            accuracies: Mean accuracy at each, in [0, 1].
        """
        x = np.asarray(sizes, dtype=np.float64)[None, :] ** -_EXPONENTS[:, None]
        y = np.asarray(accuracies, dtype=np.float64)
        centred = x - x.mean(axis=1, keepdims=True)
        scale = np.maximum(-(centred @ (y - y.mean())) / (centred**2).sum(axis=1), 0.0)
        asymptote = y.mean() + scale * x.mean(axis=1)
        # No accuracy is above 1; where the best curve would be, the best of those that end there.
        capped = (x @ (1.0 - y)) / (x**2).sum(axis=1)
        scale, asymptote = np.where(asymptote > 1.0, capped, scale), np.minimum(asymptote, 1.0)
        errors = ((asymptote[:, None] - scale[:, None] * x - y) ** 2).sum(axis=1)
        best = int(np.argmin(errors))
        return cls(float(asymptote[best]), float(scale[best]), float(_EXPONENTS[best]))

    def __call__(self, per_class: float) -> float:
        """Accuracy at so many rows a class."""
        return self.asymptote - self.scale * per_class**-self.exponent

    def gain_of_doubling(self, per_class: float) -> float:
        """What twice as many rows gain: :math:`b n^{-c} (1 - 2^{-c})`, which falls with n."""
        return self(2 * per_class) - self(per_class)


@dataclass(frozen=True)
class BudgetPoint:
    """One size.

    Attributes:
        per_class: Rows of each class.
        accuracy: On rows that were held out, one a seed, in [0, 1].
    """

    per_class: int
    accuracy: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean accuracy."""
        return float(np.mean(self.accuracy))


@dataclass(frozen=True)
class BudgetCurve:
    """The quality of condensed rows by their number, and a number chosen from it.

    The size is the smallest of those measured at which twice as many rows would gain no more than `tolerance`, by a
    curve fitted to all of them. So it asks nothing of the curve beyond twice the sizes measured, where an asymptote
    would be a guess, and one lucky size does not decide.

    Attributes:
        points: Each size, from the smallest.
        tolerance: Gain of a doubling, in shares of the held-out rows, up to which more rows do not pay.
        method: What chose the rows.
        judge: What was trained on them.
        n_train: Rows that they were chosen from.
        n_held_out: Rows that were held out of the training split.
    """

    points: tuple[BudgetPoint, ...]
    tolerance: float
    method: str
    judge: str
    n_train: int
    n_held_out: int

    @cached_property
    def law(self) -> PowerLaw:
        """The curve through the means."""
        return PowerLaw.fit([p.per_class for p in self.points], [p.mean for p in self.points])

    @property
    def chosen(self) -> int:
        """The size at which more rows stop paying, in rows of each class; the largest if they still pay there."""
        return self._choose(self.law)

    @property
    def settled(self) -> bool:
        """Whether more rows stop paying at one of the sizes that were measured."""
        return self.law.gain_of_doubling(self.chosen) <= self.tolerance

    @cached_property
    def chosen_range(self) -> tuple[int, int]:
        """The sizes that nine in ten resamples of the seeds would choose (5th and 95th percentile)."""
        table = np.asarray([p.accuracy for p in self.points])
        draws = np.random.default_rng(0).integers(table.shape[1], size=(_RESAMPLES, table.shape[1]))
        sizes = [p.per_class for p in self.points]
        found = [self._choose(PowerLaw.fit(sizes, table[:, draw].mean(axis=1).tolist())) for draw in draws]
        low, high = np.percentile(found, [5, 95], method="nearest")
        return int(low), int(high)

    @property
    def reason(self) -> str:
        """Why this size, in a sentence."""
        gain, limit = 100 * self.law.gain_of_doubling(self.chosen), 100 * self.tolerance
        low, high = self.chosen_range
        others = "" if low == high else f"; other draws would choose {low} to {high}"
        if self.settled:
            return f"{self.chosen} rows a class: twice as many gain {gain:.1f} points, at most {limit:g}{others}"
        return f"{self.chosen} rows a class, the most that were tried: twice as many would gain {gain:.1f} points"

    def to_json(self) -> dict[str, Any]:
        """A dictionary that `json` can write."""
        return {
            "chosen": self.chosen,
            "settled": self.settled,
            "reason": self.reason,
            "chosen_range": list(self.chosen_range),
            "tolerance": self.tolerance,
            "method": self.method,
            "judge": self.judge,
            "n_train": self.n_train,
            "n_held_out": self.n_held_out,
            "law": {"asymptote": self.law.asymptote, "scale": self.law.scale, "exponent": self.law.exponent},
            "points": [{"per_class": p.per_class, "accuracy": list(p.accuracy)} for p in self.points],
        }

    def _choose(self, law: PowerLaw) -> int:
        sizes = [p.per_class for p in self.points]
        return next((n for n in sizes if law.gain_of_doubling(n) <= self.tolerance), sizes[-1])
