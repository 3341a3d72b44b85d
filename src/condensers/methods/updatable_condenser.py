"""Condensers whose rows can be brought up to date when the source grows."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from datasets import Dataset, DatasetDict

from condensers.data import Rows, load_source
from condensers.embedding import KnownTexts
from condensers.errors import NotFittedError, SettingError
from condensers.methods.condensed import Condensed
from condensers.methods.condenser import Condenser
from condensers.methods.source import PreparedSource, SourceReference, identify, prepare_source
from condensers.methods.updating import Update, appended, changes_between, in_former_places


@dataclass(frozen=True)
class Former:
    """What a condenser kept of its rows before they grew.

    Attributes:
        condensed: The rows that it kept.
        points: Where each should sit; shape (n, dim), float32.
        rows: The source rows there were.
    """

    condensed: Condensed
    points: np.ndarray
    rows: Rows


@dataclass(frozen=True)
class ClassBefore:
    """One class of a `Former`.

    Attributes:
        chosen: The rows that were kept, as places among the rows of the class; shape (n,), int64.
        points: Where they should sit; shape (n, dim), float32.
        n_rows: Source rows of the class there were.
    """

    chosen: np.ndarray
    points: np.ndarray
    n_rows: int


def class_before(former: Former, code: int, positions: np.ndarray, n: int) -> ClassBefore | None:
    """What a class was before; None if it had another number of condensed rows.

    Args:
        former: What there was.
        code: The class.
        positions: Where its rows stand in the source by now, those of before first.
        n: Condensed rows that are asked for.

    Shape:
        positions: (n_rows,), int64.
    """
    own = np.flatnonzero(former.condensed.codes == code)
    if len(own) != n or former.condensed.positions is None:
        return None
    chosen = np.searchsorted(positions, former.condensed.positions[own])
    return ClassBefore(chosen, former.points[own], former.rows.class_counts[code])


class UpdatableCondenser(Condenser):
    """A condenser that keeps source rows and can bring them up to date. A subclass sets `_former` as it condenses."""

    _former: Former | None = None
    _points: np.ndarray | None = None

    def update(
        self,
        new_rows: str | os.PathLike[str] | Dataset | DatasetDict,
        *,
        split: str | None = None,
        name: str | None = None,
        revision: str | None = None,
    ) -> Update:
        """Adds rows to the source and changes those condensed rows that must change.

        Only new texts are embedded. A row that is still right stays in its place, and another takes the place of each
        that is not. What is right depends on the method:

        - `herding`, `facility_location`, `greedy_k_center` and other selectors without a seed: the rows are those that
          the whole source would give.
        - `k_center`, and `KMeansCentroids` with any realiser of rows: k-means goes on from the centroids of before, to
          a local optimum of the whole source which is not always that of a fresh start.
        - `random`: new rows come in as often as they would by a draw from the whole source.

        A class without new rows keeps its rows. Budgets by `total` and `fraction` are shared out anew; a size that was
        chosen from the rows stays. The condenser then holds the whole source, and can be updated again.

        Args:
            new_rows: Rows with the columns of the source, or where they are; see `fit`.
            split: See `fit`.
            name: See `fit`.
            revision: See `fit`.

        Raises:
            NotFittedError: before the first `condense`, or if other rows were read since.
            SettingError: if a method writes its rows: those are condensed anew.
            ColumnError: if the new rows lack a column of the source, or one cannot take its type.
            RowError: if there are no new rows, or one has no text or label.
        """
        run = self.run_
        if self._former is None:
            raise SettingError(
                f"rows of the method {self.condenser_type!r} are written, and `update` is for rows that are kept. "
                f"Condense the whole source again: vectors and replies come from the cache."
            )
        if self._prepared is None or self._dataset is None or self._former.rows is not self._prepared.rows:
            raise NotFittedError("this condenser has read other rows since it condensed; call `condense` first.")
        before, former, asked = self._prepared, self._former, self.config
        dataset = appended(self._dataset, load_source(new_rows, split=split, name=name, revision=revision))
        known = KnownTexts(self.embedder, before.rows.texts, before.vectors)
        # What is now read lies in no one place, so no name can bring it back.
        prepared = prepare_source(dataset, self.config, known, SourceReference())
        if asked.auto:
            self.config = replace(asked, per_class=run.settings["per_class"])
        try:
            shares = self._shares(prepared.rows)
            began = time.perf_counter()
            fresh = self._renewed(prepared, shares, former)
            condensed, order = in_former_places(fresh.condensed, former.condensed)
            self._former = replace(fresh, condensed=condensed, points=fresh.points[order])
            self._points = self._former.points
            record = self._record(prepared, condensed, time.perf_counter() - began)
            rows = self._weighted(self._as_dataset(condensed, prepared.rows), condensed, prepared)
        finally:
            self.config = asked
        self._dataset, self._prepared, self._source = dataset, prepared, prepared.source
        source = identify(prepared.source, dataset, prepared.rows)
        self._run = replace(record, source=source, n_embedded=known.n_embedded, sizing=run.sizing)
        changes = changes_between(condensed, former.condensed, prepared, self._former.points, len(before.rows))
        return Update(
            dataset=rows,
            changes=changes,
            n_kept=len(condensed) - sum(change.added is not None for change in changes),
            n_new=len(prepared.rows) - len(before.rows),
            n_embedded=known.n_embedded,
        )

    def _renewed(self, prepared: PreparedSource, shares: Mapping[int, int], former: Former) -> Former:
        """Condenses a source that has grown, going on from what was there before."""
        raise NotImplementedError
