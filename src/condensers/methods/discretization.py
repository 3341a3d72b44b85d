"""Input embeddings that match gradients, read as the nearest tokens."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from condensers.methods.condensed import Condensed
from condensers.methods.embedding_condenser import written_class
from condensers.methods.learned import Savable, fit_key, training_folder
from condensers.methods.matching import DiscretisedRows, DiscretizationConfig, discretise
from condensers.methods.matching_condenser import MatchingCondenser, check_labelled, parts_of
from condensers.methods.placing import PlacedClass
from condensers.methods.source import PreparedSource

_PART = "rows"


class DiscretizationCondenser(MatchingCondenser):
    """Discretization (Sucholutsky and Schonlau 2021; Sahni and Patel 2023), as CondenseLM compares with it (A.3).

    The input embeddings of a few rows are moved until their gradients are those of the source, and each vector is then
    read as the nearest token: the text loses nearly all that the vectors held (CondenseLM, Table 1), which is what
    this baseline is there to show. Embeddings begin as noise; ``initialization="rows"`` begins with source rows that
    the seed draws, of which many tokens stay as they were unless the steps are many. What was made is kept and saved
    for its budget and seed; a killed run goes on where it was saved last.

    Args:
        config: Settings; see `Condenser`.
        embedder: See `Condenser`.
        **settings: Those of `DiscretizationConfig`.
    """

    condenser_type = "discretization"
    config_class: ClassVar[type[DiscretizationConfig]] = DiscretizationConfig
    config: DiscretizationConfig

    def _condense(self, prepared: PreparedSource, shares: Mapping[int, int]) -> Condensed:
        check_labelled(prepared.rows, self.condenser_type)
        counts = {str(code): n for code, n in shares.items()}
        facts = {"part": _PART, "seed": self.config.seed, "shares": counts, **self._course_facts()}
        facts["initialization"] = self.config.initialization
        key = fit_key(prepared.rows, facts)
        made: DiscretisedRows = self._learned(_PART, key, lambda: self._fit(prepared, shares, key))
        self._distances = made.distances
        return Condensed.joined([self._class(prepared, code, made) for code in shares])

    def _fit(self, prepared: PreparedSource, shares: Mapping[int, int], key: str) -> DiscretisedRows:
        rng = np.random.default_rng(self.config.seed)
        starts = {code: np.sort(rng.permutation(where)[: shares[code]]) for code, where in prepared.rows.by_class()}
        return discretise(
            self._trajectory(prepared),
            parts_of(prepared.rows),
            starts,
            training_folder(key),
            n_steps=self.config.matching_steps,
            learning_rate=self.config.matching_rate,
            distance=self.config.gradient_distance,
            noise_seed=self.config.seed if self.config.initialization == "noise" else None,
        )

    def _class(self, prepared: PreparedSource, code: int, made: DiscretisedRows) -> Condensed:
        positions = np.flatnonzero(prepared.rows.codes == code)
        texts = [prepared.columns.join(parts) for parts in made.parts[code]]
        vectors = points = self.embedder.encode(texts)
        if self.config.initialization == "rows":
            points = prepared.vectors[np.asarray(made.starts[code], dtype=np.int64)]
        placed = PlacedClass(code, positions, prepared.of_class(positions), points)
        return written_class(placed, np.arange(len(texts)), texts, vectors)

    def _load_part(self, name: str, folder: Path) -> Savable:
        return DiscretisedRows.from_pretrained(folder)
