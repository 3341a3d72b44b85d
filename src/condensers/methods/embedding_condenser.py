"""Place, realise, polish: the pipeline of which most methods are configurations."""

import os
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from condensers.embedding import EmbeddedRows, Embedder
from condensers.errors import SettingError
from condensers.inversion import NearestRow, Realiser, RowRealiser
from condensers.methods.components import is_seeded, seeded
from condensers.methods.condensed import Condensed, cluster_sizes, cosines
from condensers.methods.condenser import Condenser
from condensers.methods.config import CondenserConfig
from condensers.methods.source import PreparedSource
from condensers.placement import KMeansCentroids, Placement
from condensers.selection import Selector, nearest_of


class EmbeddingCondenser(Condenser):
    """Condenses class by class: puts points among the rows of a class, then turns each point into a row.

    ``EmbeddingCondenser(KMeansCentroids(), NearestRow())`` is K-Center. A selector may stand as the placement: it puts
    its points exactly on rows, so a realiser of real rows need not search for them.

    Args:
        placement: Where the points go, a `Placement` or a `Selector`; None takes the method's own.
        realiser: How a point becomes text; None takes the method's own.
        config: Settings; see `Condenser`.
        embedder: See `Condenser`.
        **settings: See `Condenser`.

    Raises:
        SettingError: if `placement` or `realiser` has not the methods it needs.
    """

    condenser_type = "embedding"
    default_placement: ClassVar[Placement | Selector] = KMeansCentroids()
    default_realiser: ClassVar[Realiser] = NearestRow()

    def __init__(
        self,
        config: CondenserConfig | None = None,
        *,
        placement: Placement | Selector | None = None,
        realiser: Realiser | None = None,
        embedder: str | os.PathLike[str] | Embedder | None = None,
        **settings: Any,
    ) -> None:
        self.placement = placement or self.default_placement
        self.realiser = realiser or self.default_realiser
        if not isinstance(self.placement, (Placement, Selector)):
            raise SettingError(f"`placement` needs a method `place` or `select`; got {self.placement!r}.")
        if not isinstance(self.realiser, Realiser):
            raise SettingError(f"`realiser` needs a method `realise`; got {self.realiser!r}.")
        super().__init__(config, embedder=embedder, **settings)

    @property
    def deterministic(self) -> bool:
        """Whether the seed changes nothing: true if no part has a seed."""
        return not any(is_seeded(part) for part in self._components().values())

    def _components(self) -> dict[str, Any]:
        return {"placement": self.placement, "realiser": self.realiser}

    def _condense(self, prepared: PreparedSource, shares: Mapping[int, int]) -> Condensed:
        parts = []
        for code, positions in prepared.rows.by_class():
            rows = prepared.of_class(positions)
            parts.append(self._condense_class(rows, positions, code, shares[code]))
        return Condensed.joined(parts)

    def _condense_class(self, rows: EmbeddedRows, positions: np.ndarray, code: int, n: int) -> Condensed:
        placement = seeded(self.placement, self.config.seed, code)
        chosen: np.ndarray | None = None
        if isinstance(placement, Selector):
            chosen = placement.select(rows.vectors, n)
            points = rows.vectors[chosen]
        else:
            points = placement.place(rows.vectors, n)
        if isinstance(self.realiser, RowRealiser):
            chosen = self.realiser.locate(points, rows) if chosen is None else chosen
            texts, vectors = [rows.texts[i] for i in chosen], rows.vectors[chosen]
            parents, taken = [[int(positions[i])] for i in chosen], positions[chosen]
        else:
            texts = self.realiser.realise(points, rows)
            vectors = self.embedder.encode(texts)
            parents, taken = [[int(positions[i])] for i in nearest_of(points, rows.vectors)], None
        return Condensed(
            texts=texts,
            codes=np.full(len(texts), code, dtype=np.int64),
            similarity=cosines(vectors, points),
            parents=parents,
            cluster_size=cluster_sizes(rows.vectors, vectors),
            positions=taken,
        )
