"""Place, realise, polish: the pipeline of which most methods are configurations."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from tqdm.auto import tqdm

from condensers.embedding import EmbeddedRows, Embedder
from condensers.errors import BudgetError, NotFittedError, SettingError
from condensers.inversion import NearestRow, Realiser, RowRealiser
from condensers.llm import Events
from condensers.methods.class_targets import ClassTargets, fit_facts, is_kept
from condensers.methods.components import bound, is_seeded, seeded
from condensers.methods.condensed import Condensed, cluster_sizes, cosines
from condensers.methods.condenser import Condenser
from condensers.methods.config import CondenserConfig
from condensers.methods.learned import Savable, fit_key
from condensers.methods.source import PreparedSource
from condensers.methods.stages import placing_record, writing_record
from condensers.methods.written_rows import ClassPoints, RowWriting
from condensers.placement import KMeansCentroids, LearningPlacement, ParticleRun, Placement
from condensers.refinement import Refiner
from condensers.selection import Selector, nearest_of

_TARGETS = "targets"

_logger = logging.getLogger(__name__)


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
    chosen: np.ndarray | None
    run: ParticleRun | None


class EmbeddingCondenser(Condenser):
    """Puts points among the rows of each class, turns each point into a row, and polishes what was written.

    ``EmbeddingCondenser(KMeansCentroids(), NearestRow())`` is K-Center. A selector may stand as the placement: it puts
    its points exactly on rows, so a realiser of real rows need not search for them.

    The points of all classes are realised and polished together. Texts that are written must be new: what repeats a
    source row or another text, or lacks a part, is drawn anew, and if that does not help, the nearest free source row
    takes its place, so that the budget is met; the record counts each. Parts embed with the condenser's embedder.

    Args:
        placement: Where the points go, a `Placement` or a `Selector`; None takes the method's own.
        realiser: How a point becomes text; None takes the method's own.
        polisher: What refines the texts, a `Refiner`; None leaves them as they are.
        config: Settings; see `Condenser`.
        embedder: See `Condenser`.
        **settings: See `Condenser`.

    Raises:
        SettingError: if `placement`, `realiser` or `polisher` has not the methods it needs.
    """

    condenser_type = "embedding"
    default_placement: ClassVar[Placement | Selector] = KMeansCentroids()
    default_realiser: ClassVar[Realiser | None] = NearestRow()
    """None where the settings decide."""

    def __init__(
        self,
        config: CondenserConfig | None = None,
        *,
        placement: Placement | Selector | None = None,
        realiser: Realiser | None = None,
        polisher: Refiner | None = None,
        embedder: str | os.PathLike[str] | Embedder | None = None,
        **settings: Any,
    ) -> None:
        self.placement = placement or self.default_placement
        self.realiser = realiser or self.default_realiser
        self.polisher = polisher
        self._points: np.ndarray | None = None
        self._stages: dict[str, Any] | None = None
        if not isinstance(self.placement, (Placement, Selector)):
            raise SettingError(f"`placement` needs a method `place` or `select`; got {self.placement!r}.")
        if self.realiser is not None and not isinstance(self.realiser, Realiser):
            raise SettingError(f"`realiser` needs a method `realise`; got {self.realiser!r}.")
        if polisher is not None and not isinstance(polisher, Refiner):
            raise SettingError(f"`polisher` needs a method `refine`; got {polisher!r}.")
        super().__init__(config, embedder=embedder, **settings)

    @property
    def deterministic(self) -> bool:
        """Whether the seed changes nothing: true if no part has a seed."""
        return not any(is_seeded(part) for part in self._components().values())

    @property
    def points_(self) -> np.ndarray:
        """The points that the rows of the last `condense` stand for, in their order.

        Shape:
            (n_rows, dim), float32.

        Raises:
            NotFittedError: before the first.
        """
        if self._points is None:
            raise NotFittedError("this condenser has placed no points yet; call `condense`.")
        return self._points

    def _components(self) -> dict[str, Any]:
        parts = {"placement": self.placement, "realiser": self.realiser}
        return parts if self.polisher is None else {**parts, "polisher": self.polisher}

    def _placement(self) -> Placement | Selector:
        """What places the points of this run."""
        return self.placement

    def _realiser(self, prepared: PreparedSource) -> Realiser:
        """What realises the points of this run."""
        return self.realiser or NearestRow()

    def _polisher(self, prepared: PreparedSource) -> Refiner | None:
        """What refines the texts of this run."""
        return self.polisher

    def _is_stopped(self) -> bool:
        """Whether a spending limit was reached in this run."""
        return False

    def _condense(self, prepared: PreparedSource, shares: Mapping[int, int]) -> Condensed:
        events = Events()
        given = {"embedder": self.embedder, "columns": prepared.columns, "events": events}
        realiser = bound(self._realiser(prepared), **given)
        polisher = self._polisher(prepared)
        polisher = polisher and bound(polisher, **given)
        if hasattr(realiser, "check"):
            realiser.check()  # before any work is spent
        placed = self._place(prepared, shares)
        self._points = np.concatenate([each.points for each in placed])
        self._stages = {}
        runs = {prepared.rows.class_name(each.code): each.run for each in placed if each.run is not None}
        if runs:
            self._stages["placement"] = placing_record(runs)
        if polisher is None and isinstance(realiser, RowRealiser):
            return Condensed.joined([_kept(each, realiser) for each in placed])
        return self._written(
            prepared, placed, RowWriting(prepared.rows, realiser, polisher, self.embedder, events, self._is_stopped)
        )

    def _place(self, prepared: PreparedSource, shares: Mapping[int, int]) -> list[PlacedClass]:
        placement = self._placement()
        targets = self._targets(prepared, placement, shares)
        classes = list(prepared.rows.by_class())
        placed = []
        quick = not isinstance(placement, LearningPlacement)
        for code, positions in tqdm(classes, desc="Placing", unit="class", disable=True if quick else None):
            rows, own = prepared.of_class(positions), seeded(placement, self.config.seed, code)
            chosen: np.ndarray | None = None
            run: ParticleRun | None = None
            if isinstance(own, Selector):
                chosen = own.select(rows.vectors, shares[code])
                points = rows.vectors[chosen]
            elif isinstance(own, LearningPlacement):
                run = own.run(rows.vectors, shares[code], targets.get(code))
                points = run.points
            else:
                points = own.place(rows.vectors, shares[code])
            placed.append(PlacedClass(code, positions, rows, points, chosen, run))
        return placed

    def _targets(
        self, prepared: PreparedSource, placement: Placement | Selector, shares: Mapping[int, int]
    ) -> Mapping[int, Any]:
        if not isinstance(placement, LearningPlacement) or not is_kept(placement):
            return {}
        key = fit_key(prepared.rows, fit_facts(placement, shares, self.embedder.fingerprint))
        return self._learned(_TARGETS, key, lambda: ClassTargets.fit(placement, prepared, shares)).by_class

    def _written(self, prepared: PreparedSource, placed: list[PlacedClass], writing: RowWriting) -> Condensed:
        labelled = bool(prepared.rows.class_names)
        written = writing.write(
            [
                ClassPoints(p.code, prepared.rows.class_name(p.code) if labelled else None, p.rows, p.points)
                for p in placed
            ]
        )
        there = np.flatnonzero([text is not None for text in written.texts])
        if not len(there):
            raise BudgetError(
                "the spending limit was reached before a row was written. Raise it; what was replied so far is in the "
                "cache and costs nothing the next time."
            )
        if written.stopped:
            _logger.warning("a spending limit was reached with %d of %d rows written.", len(there), len(written.texts))
        self._points = np.concatenate([each.points for each in placed])[there]
        stages = self._stages if self._stages is not None else {}
        stages["writing"] = writing_record(written, there, writing.events)
        parts, start = [], 0
        for each in placed:
            end = start + len(each.points)
            own = there[(there >= start) & (there < end)]
            texts = [str(written.texts[i]) for i in own.tolist()]
            if texts:
                parts.append(_new(each, own - start, texts, self.embedder.encode(texts)))
            start = end
        return Condensed.joined(parts)

    def _outcome(self) -> Mapping[str, Any]:
        return {**super()._outcome(), **({"stages": self._stages} if self._stages else {})}

    def _load_part(self, name: str, folder: Path) -> Savable:
        return ClassTargets.from_pretrained(folder)


def placed_points(condenser: Condenser) -> np.ndarray | None:
    """The points of the last run, where it was more than a choice of rows; for reports.

    Shape:
        returns: (n_rows, dim), float32.
    """
    return condenser.points_ if isinstance(condenser, EmbeddingCondenser) and condenser.run_.stages else None


def _kept(placed: PlacedClass, realiser: RowRealiser) -> Condensed:
    """Rows of one class that are source rows, whole."""
    rows, positions = placed.rows, placed.positions
    chosen = realiser.locate(placed.points, rows) if placed.chosen is None else placed.chosen
    vectors = rows.vectors[chosen]
    return Condensed(
        texts=[rows.texts[i] for i in chosen],
        codes=np.full(len(chosen), placed.code, dtype=np.int64),
        similarity=cosines(vectors, placed.points),
        parents=[[int(positions[i])] for i in chosen],
        cluster_size=cluster_sizes(rows.vectors, vectors),
        positions=positions[chosen],
    )


def _new(placed: PlacedClass, own: np.ndarray, texts: list[str], vectors: np.ndarray) -> Condensed:
    """Rows of one class that were written, for those of its points at `own`."""
    points = placed.points[own]
    return Condensed(
        texts=texts,
        codes=np.full(len(texts), placed.code, dtype=np.int64),
        similarity=cosines(vectors, points),
        parents=[[int(placed.positions[i])] for i in nearest_of(points, placed.rows.vectors)],
        cluster_size=cluster_sizes(placed.rows.vectors, vectors),
    )
