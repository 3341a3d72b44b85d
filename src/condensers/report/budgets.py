"""Accuracy by the number of rows: how far each further row pays."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from condensers.evaluation import Scores, mean_interval, spent
from condensers.report.accuracy import ceiling_of, ceiling_text, learners_of, scores_of
from condensers.report.charts import Tick, axis
from condensers.report.classes import N_COLOURS, N_SHAPES
from condensers.report.formatting import DASH, count, fixed
from condensers.report.result import LabelledResult

CURVE_HEIGHT = 240
Unit = Literal["rows", "tokens"]
# What the others are measured by: it has no colour of its own.
REFERENCE = "random"
# Neighbours' intervals stand side by side, so many pixels apart.
_STEP = 6
# Labels of budgets nearer than this, in per cent of the width, would lie on each other.
_LABEL_WIDTH = 9.0


@dataclass(frozen=True)
class CurvePoint:
    """One method at one budget; `x` in per cent, the others in pixels from the top.

    Attributes:
        x: The number of rows, on a logarithmic axis.
        y: Mean accuracy over the seeds.
        low: Lower end of its 95 per cent interval.
        high: Upper end of it.
        text: In words.
    """

    x: float
    y: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class CurveLine:
    """One method from budget to budget.

    Attributes:
        method: Its name.
        css: CSS class of its colour.
        shape: Index into the shapes of marks.
        shift: Pixels by which it is drawn beside its place.
        points: From the fewest rows to the most.
    """

    method: str
    css: str
    shape: int
    shift: float
    points: list[CurvePoint]


@dataclass(frozen=True)
class Curve:
    """All methods with one learner.

    Attributes:
        learner: Name of the learner.
        lines: One a method, the reference first.
        x_ticks: Numbers of rows or tokens, along the bottom.
        y_ticks: Per cent correct, in pixels from the top.
        unit: What is along the bottom: rows, or tokens of their texts.
        ceiling: Where all source rows lead, in pixels from the top, if somebody looked.
    """

    learner: str
    lines: list[CurveLine]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    unit: Unit = "rows"
    ceiling: Tick | None = None


def has_several_budgets(results: Sequence[LabelledResult]) -> bool:
    """Whether some method was run with more budgets than one."""
    budgets: dict[str, set] = {}
    for entry in results:
        budgets.setdefault(entry.result.method, set()).add(entry.budget)
    return any(len(found) > 1 for found in budgets.values())


def draw_curves(
    results: Sequence[LabelledResult], unit: Unit = "rows", ceilings: Sequence[Scores] = ()
) -> list[Curve]:
    """Draws one chart a learner, if a method was run with several budgets; else none.

    An interval is that of the mean over seeds, by Student's t; without a second seed there is none.

    Args:
        results: What the methods made, and its scores.
        unit: What is along the bottom.
        ceilings: Scores of learners that were trained on all source rows.
    """
    if not has_several_budgets(results):
        return []
    methods = list(dict.fromkeys(entry.result.method for entry in results))
    methods.sort(key=lambda method: method != REFERENCE)
    curves = []
    for learner in learners_of(results):
        found = [(entry, scores) for entry in results if (scores := scores_of(entry, learner)) is not None]
        if found:
            curves.append(_curve(learner, methods, found, unit, ceiling_of(ceilings, learner)))
    return curves


def _curve(
    learner: str,
    methods: Sequence[str],
    found: Sequence[tuple[LabelledResult, Scores]],
    unit: Unit,
    ceiling: float | None,
) -> Curve:
    reach = [100 * end for _, scores in found for end in _interval(scores)]
    reach += [] if ceiling is None else [100 * ceiling]
    y_axis = axis(min(reach) - 0.2, max(reach) + 0.2, n=5)
    amount = {id(entry): max(1, round(spent(entry.result, unit))) for entry, _ in found}
    sizes = sorted(set(amount.values()))
    first, spread = math.log(sizes[0]), math.log(sizes[-1] / sizes[0]) or 1.0

    def across(n: int) -> float:
        return round(11 + 83 * (math.log(n) - first) / spread, 2) if len(sizes) > 1 else 50.0

    def down(share: float) -> float:
        return round((y_axis[-1] - 100 * share) / (y_axis[-1] - y_axis[0]) * CURVE_HEIGHT, 2)

    colours = iter(range(len(methods)))
    lines = []
    for i, method in enumerate(methods):
        number = None if method == REFERENCE else next(colours)
        own = sorted(
            ((entry, scores) for entry, scores in found if entry.result.method == method),
            key=lambda pair: amount[id(pair[0])],
        )
        points = [
            CurvePoint(
                x=across(amount[id(entry)]),
                y=down(scores.mean),
                low=down(_interval(scores)[0]),
                high=down(_interval(scores)[1]),
                text=f"{count(amount[id(entry)], unit.removesuffix('s'))}: {_text(scores)}",
            )
            for entry, scores in own
        ]
        css = "cx" if number is None else f"c{number % N_COLOURS}"
        shape = 0 if number is None else number % N_SHAPES
        lines.append(CurveLine(method, css, shape, (i - (len(methods) - 1) / 2) * _STEP, points))
    return Curve(
        learner=learner,
        lines=[line for line in lines if line.points],
        x_ticks=_spaced([Tick(across(n), f"{n:,}") for n in sizes]),
        y_ticks=[Tick(down(value / 100), f"{value:g}%") for value in y_axis],
        unit=unit,
        ceiling=None if ceiling is None else Tick(down(ceiling), ceiling_text(ceiling)),
    )


def _interval(scores: Scores) -> tuple[float, float]:
    """95 per cent interval of the mean, as far as it is an accuracy; the mean itself where it is unknown."""
    low, high = mean_interval(scores.accuracy)
    return (max(low, 0.0), min(high, 1.0)) if scores.n > 1 else (scores.mean, scores.mean)


def _text(scores: Scores) -> str:
    mean = f"{fixed(100 * scores.mean, 1)}%"
    if scores.n < 2:
        return f"{mean}, one seed"
    low, high = (fixed(100 * end, 1) for end in _interval(scores))
    return f"{mean}, 95% interval {low}{DASH}{high}, {count(scores.n, 'seed')}"


def _spaced(ticks: Sequence[Tick]) -> list[Tick]:
    """The ticks, those without a label that would lie on the one before."""
    spaced: list[Tick] = []
    last = -math.inf
    for tick in ticks:
        spaced.append(tick if tick.at - last >= _LABEL_WIDTH else replace(tick, text=""))
        last = tick.at if spaced[-1].text else last
    return spaced
