"""The accuracy chart: one panel a learner, one line a method, one dot a seed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from condensers.evaluation import Scores
from condensers.report.charts import Tick, axis
from condensers.report.formatting import fixed
from condensers.report.result import LabelledResult


@dataclass(frozen=True)
class AccuracyLine:
    """One method's accuracies with one learner; all positions in per cent of the width.

    Attributes:
        label: The method.
        text: Mean and standard deviation.
        mean: Where the mean lies.
        low: Where the mean less the standard deviation lies.
        high: Where the mean plus the standard deviation lies.
        seeds: Where each seed lies, with its number and accuracy.
        best: No other method has a higher mean.
    """

    label: str
    text: str
    mean: float
    low: float
    high: float
    seeds: list[Tick]
    best: bool


@dataclass(frozen=True)
class AccuracyPanel:
    """All methods with one learner.

    Attributes:
        learner: Name of the learner.
        lines: One a method that was scored with it.
        ticks: Along the bottom, in per cent correct.
        ceiling: Where all source rows lead, if somebody looked.
    """

    learner: str
    lines: list[AccuracyLine]
    ticks: list[Tick]
    ceiling: Tick | None = None


def learners_of(results: Sequence[LabelledResult]) -> list[str]:
    """Names of all learners, in the order in which they first occur."""
    return list(dict.fromkeys(scores.learner for entry in results for scores in entry.result.scores))


def scores_of(entry: LabelledResult, learner: str) -> Scores | None:
    """The scores of one learner, if it has any and they are numbers."""
    found = next((scores for scores in entry.result.scores if scores.learner == learner), None)
    return found if found is not None and found.n > 0 and all(map(math.isfinite, found.accuracy)) else None


def spread_of(scores: Scores) -> float:
    """Standard deviation; 0 where one seed leaves it unknown."""
    return scores.std if scores.n > 1 and math.isfinite(scores.std) else 0.0


def accuracy_text(scores: Scores) -> str:
    """``81.2 ± 0.8``, in per cent correct; without the deviation where there is one seed only."""
    mean = fixed(scores.mean * 100, 1)
    return f"{mean} ± {fixed(spread_of(scores) * 100, 1)}" if scores.n > 1 else mean


def ceiling_of(ceilings: Sequence[Scores], learner: str) -> float | None:
    """Accuracy of a learner that was trained on all source rows."""
    return next((scores.mean for scores in ceilings if scores.learner == learner), None)


def ceiling_text(ceiling: float) -> str:
    """``all rows 86.4%``."""
    return f"all rows {fixed(100 * ceiling, 1)}%"


def draw_accuracy(results: Sequence[LabelledResult], ceilings: Sequence[Scores] = ()) -> list[AccuracyPanel]:
    """Draws one panel a learner, each with its own axis, which need not start at 0.

    Args:
        results: What the methods made, and its scores.
        ceilings: Scores of learners that were trained on all source rows.
    """
    panels = []
    for learner in learners_of(results):
        found = [(entry.label, scores) for entry in results if (scores := scores_of(entry, learner)) is not None]
        if found:
            panels.append(_panel(learner, found, ceiling_of(ceilings, learner)))
    return panels


def _panel(learner: str, found: Sequence[tuple[str, Scores]], ceiling: float | None) -> AccuracyPanel:
    reach = [
        100 * value
        for _, scores in found
        for value in (*scores.accuracy, scores.mean - spread_of(scores), scores.mean + spread_of(scores))
    ]
    reach += [] if ceiling is None else [100 * ceiling]
    ticks = axis(min(reach) - 0.2, max(reach) + 0.2, n=4)

    def across(share: float) -> float:
        return round((100 * share - ticks[0]) / (ticks[-1] - ticks[0]) * 100, 2)

    best = max((fixed(scores.mean * 100, 1) for _, scores in found), key=float)
    lines = [
        AccuracyLine(
            label=label,
            text=accuracy_text(scores),
            mean=across(scores.mean),
            low=across(scores.mean - spread_of(scores)),
            high=across(scores.mean + spread_of(scores)),
            seeds=[
                Tick(across(value), f"seed {seed}: {fixed(value * 100, 1)}")
                for seed, value in zip(scores.seeds, scores.accuracy, strict=True)
            ],
            best=len(found) > 1 and fixed(scores.mean * 100, 1) == best,
        )
        for label, scores in found
    ]
    top = None if ceiling is None else Tick(across(ceiling), ceiling_text(ceiling))
    return AccuracyPanel(learner, lines, [Tick(across(value / 100), f"{value:g}%") for value in ticks], top)
