"""A condenser that finds out how many rows are enough."""

import numpy as np

from condensers.methods.budget_curve import BudgetCurve
from condensers.methods.components import seeded
from condensers.methods.saved_condenser import SavedCondenser
from condensers.methods.sizing import measure_budgets, probe_accuracy
from condensers.methods.source import PreparedSource
from condensers.selection import KCenter


class SizedCondenser(SavedCondenser):
    """The part of `Condenser` that settles ``per_class="auto"``."""

    def _measure_sizes(self, prepared: PreparedSource) -> BudgetCurve:
        """The curve by which ``per_class="auto"`` is settled: a linear probe on the rows of `_sizing_rows`."""

        def score(train: PreparedSource, held_out: PreparedSource, per_class: int, seed: int) -> float:
            return probe_accuracy(train, self._sizing_rows(train, per_class, seed), held_out)

        return measure_budgets(prepared, score, method=self._sizing_method, judge="linear_probe")

    @property
    def _sizing_method(self) -> str:
        """What chooses the rows by which a size is found."""
        return "k_center"

    def _sizing_rows(self, prepared: PreparedSource, per_class: int, seed: int) -> np.ndarray:
        """Positions of rows by which a size is found: K-Center's, since what writes rows would be paid at each size.

        Shape:
            returns: (n,), int64.
        """
        return np.concatenate(
            [
                positions[seeded(KCenter(), seed, code).select(prepared.vectors.rows(positions), per_class)]
                for code, positions in prepared.rows.by_class()
            ]
        )
