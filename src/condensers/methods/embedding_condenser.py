"""Place, realise, polish: the pipeline of which most methods are configurations."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from condensers.embedding import Embedder
from condensers.errors import BudgetError, NotFittedError, SettingError
from condensers.inversion import NearestRow, Realiser, RowRealiser
from condensers.llm import Events
from condensers.methods.class_targets import ClassTargets, fit_facts, is_kept
from condensers.methods.components import bound, is_seeded
from condensers.methods.condensed import Condensed, cluster_sizes, cosines
from condensers.methods.condenser import Condenser
from condensers.methods.config import CondenserConfig
from condensers.methods.learned import Savable, fit_key
from condensers.methods.placing import AnyPlacement, ByClass, PlacedClass, place_each, place_together
from condensers.methods.source import PreparedSource
from condensers.methods.stages import placing_record, writing_record
from condensers.methods.updatable_condenser import Former, UpdatableCondenser
from condensers.methods.written_rows import ClassPoints, RowWriting
from condensers.placement import KMeansCentroids, LearningPlacement, SupervisedPlacement
from condensers.refinement import Refiner
from condensers.selection import SupervisedSelector, nearest_of

_TARGETS = "targets"

_logger = logging.getLogger(__name__)


class EmbeddingCondenser(UpdatableCondenser):
    """Puts points among the rows of each class, turns each point into a row, and polishes what was written.

    ``EmbeddingCondenser(placement=KMeansCentroids(), realiser=NearestRow())`` is K-Center. A selector may stand as the
    placement: it puts its points exactly on rows, so a realiser of real rows need not search for them.

    The points of all classes are realised and polished together. Texts that are written must be new: what repeats a
    source row or another text, or lacks a part, is drawn anew, and if that does not help, the nearest free source row
    takes its place, so that the budget is met; the record counts each. Parts embed with the condenser's embedder.

    Args:
        placement: Where the points go, a `Placement` or a `Selector`, or one of their supervised kinds, which look at
            all classes and labels at once; None takes the method's own.
        realiser: How a point becomes text; None takes the method's own.
        polisher: What refines the texts, a `Refiner`; None leaves them as they are.
        config: Settings; see `Condenser`.
        embedder: See `Condenser`.
        **settings: See `Condenser`.

    Raises:
        SettingError: if `placement`, `realiser` or `polisher` has not the methods it needs.
        ColumnError: by `condense`, if `placement` is supervised and the rows have no labels.
    """

    condenser_type = "embedding"
    default_placement: ClassVar[AnyPlacement] = KMeansCentroids()
    default_realiser: ClassVar[Realiser | None] = NearestRow()
    """None where the settings decide."""

    def __init__(
        self,
        config: CondenserConfig | None = None,
        *,
        placement: AnyPlacement | None = None,
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
        if not isinstance(self.placement, AnyPlacement):
            raise SettingError(
                "`placement` needs a method `place`, `select`, `place_by_class` or `select_by_class`; "
                f"got {self.placement!r}."
            )
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

    def _placement(self) -> AnyPlacement:
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
        self._former = None
        placed = self._place(prepared, shares, self.config.seed)
        self._points = np.concatenate([each.points for each in placed])
        self._stages = {}
        runs = {prepared.rows.class_name(each.code): each.run for each in placed if each.run is not None}
        if runs:
            self._stages["placement"] = placing_record(runs)
        if polisher is None and isinstance(realiser, RowRealiser):
            condensed = Condensed.joined([_kept(each, realiser) for each in placed])
            self._former = Former(condensed, self._points, prepared.rows)
            return condensed
        return self._written(
            prepared, placed, RowWriting(prepared.rows, realiser, polisher, self.embedder, events, self._is_stopped)
        )

    def _renewed(self, prepared: PreparedSource, shares: Mapping[int, int], former: Former) -> Former:
        placed = self._place(prepared, shares, self.config.seed, former)
        self._points = np.concatenate([each.points for each in placed])
        condensed = Condensed.joined([_kept(each, self.realiser) for each in placed])  # type: ignore[arg-type]
        return Former(condensed, self._points, prepared.rows)

    def _place(
        self, prepared: PreparedSource, shares: Mapping[int, int], seed: int, former: Former | None = None
    ) -> list[PlacedClass]:
        placement = self._placement()
        if isinstance(placement, (SupervisedPlacement, SupervisedSelector)):
            return place_together(placement, prepared, shares, seed)
        return place_each(placement, prepared, shares, seed, self._targets(prepared, placement, shares), former)

    def _targets(self, prepared: PreparedSource, placement: ByClass, shares: Mapping[int, int]) -> Mapping[int, Any]:
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
                parts.append(written_class(each, own - start, texts, self.embedder.encode(texts)))
            start = end
        return Condensed.joined(parts)

    @property
    def _keeps_rows(self) -> bool:
        """Whether its rows are source rows, chosen in no time."""
        quick = not isinstance(self.placement, LearningPlacement)
        return quick and self.polisher is None and isinstance(self.realiser, RowRealiser)

    @property
    def _sizing_method(self) -> str:
        return self.condenser_type if self._keeps_rows else super()._sizing_method

    def _sizing_rows(self, prepared: PreparedSource, per_class: int, seed: int) -> np.ndarray:
        if not self._keeps_rows:
            return super()._sizing_rows(prepared, per_class, seed)
        shares = dict.fromkeys(prepared.rows.class_counts, per_class)
        placed = self._place(prepared, shares, seed)
        kept = [_kept(each, self.realiser) for each in placed]  # type: ignore[arg-type]
        return np.concatenate([each.positions for each in kept])

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


def written_class(placed: PlacedClass, own: np.ndarray, texts: list[str], vectors: np.ndarray) -> Condensed:
    """Rows of one class that were written, for those of its points at `own`.

    Shape:
        own: (n,), int64; vectors: (n, dim), those of the texts.
    """
    points = placed.points[own]
    return Condensed(
        texts=texts,
        codes=np.full(len(texts), placed.code, dtype=np.int64),
        similarity=cosines(vectors, points),
        parents=[[int(placed.positions[i])] for i in nearest_of(points, placed.rows.vectors)],
        cluster_size=cluster_sizes(placed.rows.vectors, vectors),
    )
