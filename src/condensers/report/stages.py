"""How points settled and how near the texts came to them: the charts of methods that place, realise and polish."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from condensers.report.charts import Tick, axis
from condensers.report.classes import ClassStyle
from condensers.report.formatting import count, fixed, whole
from condensers.report.result import LabelledResult

DESCENT_HEIGHT = 150
# Texts of which each is a dot; of more, a sample spread over all.
MAX_DOTS = 200


@dataclass(frozen=True)
class Trace:
    """The descent of one class.

    Attributes:
        style: How the class is drawn.
        path: Its points, ``x,y`` with x in per cent and y in pixels.
        text: In words.
    """

    style: ClassStyle
    path: str
    text: str


@dataclass(frozen=True)
class Descent:
    """Kernel Stein discrepancy of the particles of each class, move by move.

    Attributes:
        traces: One a class.
        x_ticks: Moves, along the bottom.
        y_ticks: Discrepancies, in pixels from the top.
        summary: In words.
    """

    traces: list[Trace]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    summary: str


@dataclass(frozen=True)
class Stage:
    """Cosines of the texts to their points after one stage; all positions in per cent of the width.

    Attributes:
        label: The stage.
        text: Their mean.
        mean: Where that lies.
        dots: One a text, or a sample of them.
    """

    label: str
    text: str
    mean: float
    dots: list[Tick]


@dataclass(frozen=True)
class Closeness:
    """The stages that texts went through.

    Attributes:
        stages: As they were written, then after each round of refinement.
        ticks: Along the bottom.
        note: What became of texts that could not stay.
    """

    stages: list[Stage]
    ticks: list[Tick]
    note: str


def draw_descent(entry: LabelledResult, styles: dict[int, ClassStyle]) -> Descent | None:
    """Draws how the Stein discrepancy of each class fell; None where a method has no such descent."""
    placing = (entry.result.run.stages or {}).get("placement") or {}
    by_name = {style.name: style for style in styles.values()}
    found = {
        name: np.asarray(one["discrepancy"], dtype=np.float64)
        for name, one in placing.items()
        if name in by_name and len(one["discrepancy"]) > 1
    }
    if not found:
        return None
    x_axis = axis(0.0, max(float(line[-1, 0]) for line in found.values()), n=4)
    y_axis = axis(0.0, max(float(line[:, 1].max()) for line in found.values()), n=3)

    def down(value: float) -> float:
        return round(DESCENT_HEIGHT - value / y_axis[-1] * (DESCENT_HEIGHT - 14), 2)

    traces = []
    for name, line in found.items():
        path = " ".join(f"{100 * step / x_axis[-1]:.2f},{down(value)}" for step, value in line.tolist())
        moves, settled = placing[name]["steps"], "settled" if placing[name]["converged"] else "not settled"
        text = f"{name}: {fixed(line[0, 1])} to {fixed(line[-1, 1])} in {count(moves, 'move')}, {settled}"
        traces.append(Trace(by_name[name], path, text))
    first, last = (np.mean([line[i, 1] for line in found.values()]) for i in (0, -1))
    n_settled = sum(bool(placing[name]["converged"]) for name in found)
    summary = f"Mean over the classes: {fixed(first)} at the start, {fixed(last)} at the end; "
    return Descent(
        traces=traces,
        x_ticks=[Tick(round(value / x_axis[-1] * 100, 2), whole(int(value))) for value in x_axis],
        y_ticks=[Tick(down(value), f"{value:g}") for value in y_axis[1:]],
        summary=f"{summary}{n_settled} of {count(len(found), 'class')} settled.",
    )


def draw_closeness(entry: LabelledResult) -> Closeness | None:
    """Draws the cosine of each text to its point, stage by stage; None for methods that keep rows."""
    writing: dict[str, Any] = (entry.result.run.stages or {}).get("writing") or {}
    table = np.asarray(writing.get("cosine") or [], dtype=np.float64)
    if table.ndim != 2:
        return None
    known = np.flatnonzero(np.isfinite(table).all(axis=0))
    if not len(known):
        return None
    values = table[:, known]
    ticks = axis(float(values.min()), float(values.max()), n=4)
    shown = np.unique(np.linspace(0, len(known) - 1, min(len(known), MAX_DOTS)).round().astype(int))

    def across(value: float) -> float:
        return round((value - ticks[0]) / (ticks[-1] - ticks[0]) * 100, 2)

    stages = [
        Stage(
            label=_stage_name(k, len(values)),
            text=f"mean {fixed(float(row.mean()))}",
            mean=across(float(row.mean())),
            dots=[Tick(across(row[i]), f"row {known[i] + 1}: {fixed(float(row[i]))}") for i in shown.tolist()],
        )
        for k, row in enumerate(values)
    ]
    return Closeness(stages, [Tick(across(value), f"{value:g}") for value in ticks], _note(writing, table.shape[1]))


def _stage_name(k: int, n_stages: int) -> str:
    if k == 0:
        return "as written" if n_stages > 1 else "written"
    return f"after round {k} of refinement"


def _note(writing: dict[str, Any], n_rows: int) -> str:
    kept: Sequence[int] = writing.get("source_rows") or ()
    if not kept:
        return ""
    return (
        f"{whole(len(kept))} of {count(n_rows, 'row')} are source rows: no text written for their points could stay."
    )
