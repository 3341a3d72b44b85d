"""Where the few rows of each class should sit: class by class, or all classes at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from condensers.data import progress_bar
from condensers.embedding import EmbeddedRows
from condensers.errors import ColumnError
from condensers.methods.components import seeded
from condensers.methods.source import PreparedSource
from condensers.methods.updatable_condenser import ClassBefore, Former, class_before
from condensers.placement import LearningPlacement, ParticleRun, Placement, RenewablePlacement, SupervisedPlacement
from condensers.selection import RenewableSelector, Selector, SupervisedSelector

ByClass: TypeAlias = Placement | Selector
AtOnce: TypeAlias = SupervisedPlacement | SupervisedSelector
AnyPlacement: TypeAlias = ByClass | AtOnce


@dataclass(frozen=True)
class PlacedClass:
    """Where the few rows of one class should sit.

    Attributes:
        code: The class.
        positions: Where its rows stand in the source; shape (n_rows,), int64.
        rows: Those rows.
        points: The points; shape (n, dim), float32.
        chosen: Rows that a selector chose, as places in `positions`; None of a placement.
        run: How the points came there, if the placement says so.
    """

    code: int
    positions: np.ndarray
    rows: EmbeddedRows
    points: np.ndarray
    chosen: np.ndarray | None = None
    run: ParticleRun | None = None


def place_each(
    placement: ByClass,
    prepared: PreparedSource,
    shares: Mapping[int, int],
    seed: int,
    targets: Mapping[int, Any],
    former: Former | None = None,
) -> list[PlacedClass]:
    """Places the points of each class by its own rows.

    Args:
        placement: What places them.
        prepared: The rows.
        shares: Points of each class.
        seed: Seed of the run.
        targets: What a learning placement learned before, by class.
        former: What there was before rows were added; those placements that can go on from it.
    """
    classes = list(prepared.rows.by_class())
    placed = []
    quick = not isinstance(placement, LearningPlacement)
    for code, positions in progress_bar(classes, desc="Placing", unit="class", shown=not quick):
        rows, own = prepared.of_class(positions), seeded(placement, seed, code)
        before = None if former is None else class_before(former, code, positions, shares[code])
        if isinstance(own, Selector):
            chosen = _selected(own, rows, shares[code], before)
            placed.append(PlacedClass(code, positions, rows, rows.vectors[chosen], chosen))
        elif before is not None and before.n_rows == len(rows):
            placed.append(PlacedClass(code, positions, rows, before.points))
        elif before is not None and isinstance(own, RenewablePlacement):
            placed.append(PlacedClass(code, positions, rows, own.renew(rows.vectors, before.points)))
        elif isinstance(own, LearningPlacement):
            run = own.run(rows.vectors, shares[code], targets.get(code))
            placed.append(PlacedClass(code, positions, rows, run.points, run=run))
        else:
            placed.append(PlacedClass(code, positions, rows, own.place(rows.vectors, shares[code])))
    return placed


def place_together(
    placement: AtOnce, prepared: PreparedSource, shares: Mapping[int, int], seed: int
) -> list[PlacedClass]:
    """Places the points of all classes by the rows and labels of all.

    Raises:
        ColumnError: if the rows have no labels.
    """
    source = prepared.rows
    if not source.class_names:
        raise ColumnError(
            f"{type(placement).__name__} learns from labels, and these rows have none. Name their column with "
            f"`label=`, or take a method that reads none, such as k_center or herding."
        )
    own = seeded(placement, seed, 0)
    rows = EmbeddedRows(source.texts, prepared.vectors)
    classes = [(code, positions, prepared.of_class(positions)) for code, positions in source.by_class()]
    if isinstance(own, SupervisedSelector):
        kept = own.select_by_class(rows, source.codes, shares)
        places = {code: np.searchsorted(positions, kept[code]) for code, positions, _ in classes}
        return [PlacedClass(c, where, few, few.vectors[places[c]], places[c]) for c, where, few in classes]
    points = own.place_by_class(rows, source.codes, shares)
    return [PlacedClass(code, positions, few, points[code]) for code, positions, few in classes]


def _selected(selector: Selector, rows: EmbeddedRows, n: int, before: ClassBefore | None) -> np.ndarray:
    """The rows of one class that a selector chooses, going on from those of before where it can."""
    if before is not None and before.n_rows == len(rows):
        return before.chosen
    if before is not None and isinstance(selector, RenewableSelector):
        return selector.renew(rows.vectors, before.chosen, before.n_rows)
    return selector.select(rows.vectors, n)
