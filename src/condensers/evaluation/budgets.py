"""The quality-versus-budget curve of a method, with any learner."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict

from condensers.embedding import KnownTexts
from condensers.evaluation.comparison import MethodResult, compare_methods
from condensers.evaluation.learners import Learner, load_learner
from condensers.evaluation.protocol import Scores
from condensers.methods import AutoCondenser, BudgetCurve, PreparedSource
from condensers.methods.sizing import N_SEEDS, TOLERANCE, measure_budgets


@dataclass(frozen=True)
class BudgetStudy:
    """What condensed rows are worth at several sizes.

    Attributes:
        curve: The curve, the size chosen from it, and why.
        results: The rows of the first seed and the scores of all, one a size.
        source: The rows that those of the first seed were condensed from.
    """

    curve: BudgetCurve
    results: tuple[MethodResult, ...]
    source: PreparedSource

    @property
    def chosen(self) -> int:
        """The size at which more rows stop paying, in rows of each class; see `BudgetCurve`."""
        return self.curve.chosen


def budget_curve(
    dataset: str | os.PathLike[str] | Dataset | DatasetDict | PreparedSource,
    *,
    method: str = "k_center",
    learner: str | Learner = "linear_probe",
    sizes: Sequence[int] | None = None,
    n_seeds: int = N_SEEDS,
    tolerance: float = TOLERANCE,
    split: str | None = None,
    name: str | None = None,
    revision: str | None = None,
    on_progress: Callable[[str], None] = lambda message: None,
    **settings: Any,
) -> BudgetStudy:
    """Condenses to several sizes, trains on each, and tests on a held-out part of the training rows.

    ``per_class="auto"`` of a condenser is this with a linear probe. The test split is never read.

    Example::

        study = budget_curve("stanfordnlp/sst2", method="herding")
        print(study.chosen, study.curve.reason)

    Args:
        dataset: The rows; see `Condenser.fit`.
        method: What condenses. A method that asks a language model asks it at each size with each seed.
        learner: What is trained; a name, or a learner.
        sizes: Rows a class, three different ones at least; None takes up to seven from 1 to 100.
        n_seeds: Splits of the rows, each with a seed of its own for method and learner.
        tolerance: Gain of a doubling, as a share of the held-out rows, up to which more rows do not pay.
        split: See `Condenser.fit`.
        name: See `Condenser.fit`.
        revision: See `Condenser.fit`.
        on_progress: Called with a line before each step that takes time.
        **settings: Settings of the condenser, `embedder`, `text` and `label` among them.

    Raises:
        BudgetError: if the rows have no labels, or a class has too few for the sizes.
        SettingError: if the method or the learner does not exist, or a setting is not allowed.
        CondensersError: the leaf that fits, if the rows cannot be read.
    """
    condenser = AutoCondenser.from_method(method, **settings)
    prepared = condenser.fit(dataset, split=split, name=name, revision=revision).prepared_
    embedder = KnownTexts(condenser.embedder, prepared.rows.texts, prepared.vectors)
    trained = load_learner(learner, embedder=embedder) if isinstance(learner, str) else learner
    others = {key: value for key, value in settings.items() if key != "embedder"}
    found: dict[int, list[MethodResult]] = {}
    first: list[PreparedSource] = []

    def score(train: PreparedSource, held_out: PreparedSource, per_class: int, seed: int) -> float:
        first.append(train)
        on_progress(f"{per_class} rows a class, seed {seed}")
        (result,) = compare_methods(
            train,
            held_out.rows,
            [method],
            {trained.name: (trained, [seed])},
            embedder=embedder,
            settings={**others, "per_class": per_class},
        )
        found.setdefault(per_class, []).append(result)
        return result.scores[0].mean

    curve = measure_budgets(
        prepared, score, method=method, judge=trained.name, sizes=sizes, n_seeds=n_seeds, tolerance=tolerance
    )
    return BudgetStudy(curve, tuple(_over_seeds(found[point.per_class]) for point in curve.points), first[0])


def _over_seeds(results: Sequence[MethodResult]) -> MethodResult:
    """The result of the first seed with the scores of all."""
    scores = [result.scores[0] for result in results]
    together = Scores(
        learner=scores[0].learner,
        accuracy=tuple(value for each in scores for value in each.accuracy),
        macro_f1=tuple(value for each in scores for value in each.macro_f1),
        seconds=sum(each.seconds for each in scores),
        seeds=tuple(seed for each in scores for seed in each.seeds),
    )
    seconds = float(np.mean([result.seconds for result in results]))
    return replace(results[0], scores=(together,), seconds=seconds)
