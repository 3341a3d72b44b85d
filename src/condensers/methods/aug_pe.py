"""Aug-PE: texts evolve by a language model, and the real rows do no more than vote."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict

from condensers.data import Rows
from condensers.data.dedup import normalise
from condensers.errors import SettingError
from condensers.llm import Desk, Events, live_usage
from condensers.methods.condensed import REWARD_PROVENANCE, Condensed, cluster_sizes, cosines, to_dataset
from condensers.methods.evolution import (
    AugPEConfig,
    Elected,
    Evolution,
    EvolutionWriter,
    Guarantee,
    Kind,
    VoteRelease,
    evolution_estimate,
)
from condensers.methods.learned import fit_key
from condensers.methods.llm_condenser import LLMCondenser
from condensers.methods.record import RunRecord
from condensers.methods.run_estimate import RunEstimate
from condensers.methods.source import PreparedSource
from condensers.selection import nearest_of

_logger = logging.getLogger(__name__)
_PUBLIC_PROVENANCE = ("condensed_method", *REWARD_PROVENANCE)


class AugPECondenser(LLMCondenser):
    r"""Augmented private evolution (Xie et al. 2024), a baseline of PInR (Section 5.1).

    The language model writes first texts from what is public, the name of the class and `topic`, on different subjects
    and in different manners (RANDOM_API). In each of T iterations every real row votes for the text of its class that
    is nearest in embedding, the N texts with most votes are kept, and L new versions of each are asked for
    (VARIATION_API). No real row is ever shown to the model. PInR runs it with an infinite privacy budget, which is the
    default here.

    Texts that survive compete again with their versions, each by its own vector (the look-ahead K of the paper is 0),
    and selection goes by rank. T, L and the size of the first population are ours: the paper varies them by dataset.

    **With `epsilon` and `delta`** the votes get Gaussian noise, and the result is differentially private: adding or
    removing one row of the source changes the chance of any result by a factor of at most :math:`e^\epsilon`, but for
    delta. A row has one vote in one class, so the votes of an iteration have sensitivity 1, and T iterations are
    composed exactly. Then the noisy votes are all that is made of the real rows:

    - provenance knows no parents, similarities or cluster sizes, the record no number of rows and no times;
    - texts are not compared with real ones, so a text that repeats a real row stays: who learns that it was dropped
      learns that it is there;
    - the budget is `per_class`, whatever the sizes of the classes, and classes are those that a ClassLabel names,
      whether they occur or not;
    - `write_report` refuses, since its charts and its map show real rows; so does the `Dataset.map` transform, whose
      result carries facts of the dataset it was called on.

    Noise comes from the operating system, not from `seed`. Noisy votes are kept in the cache, so that a run that is
    killed, or made again with the same settings, releases nothing twice. A run with other settings, another seed or an
    emptied cache releases anew, and the budgets of all runs whose results are shown add up.

    Outside of the guarantee are: what the language model and the embedder learned before (they may know the real rows
    by heart), whom a remote embedder belongs to, the choice of settings by looking at results, errors and warnings on
    the screen, files of the cache, and running times. Column names, class names and `topic` count as public. A row's
    vector counts as a function of its own text, which holds up to the rounding that differs between batches.

    Among the provenance columns, `condensed_reward` is the number of votes a row was chosen by, and `condensed_round`
    the round that wrote it, 1 for the first texts. Without noise, `condensed_parents` names the nearest real row and
    `condensed_similarity` is the cosine to it.
    """

    condenser_type = "aug_pe"
    config_class: ClassVar[type[AugPEConfig]] = AugPEConfig
    config: AugPEConfig

    def __init__(self, config: AugPEConfig | None = None, **settings: Any) -> None:
        self._guarantee: Guarantee | None = None
        self._merged_before = False  # rows that another condenser read, without those that repeat others
        super().__init__(config, **settings)

    def check_settings(self) -> None:
        """Raises what can be known to be wrong before any rows are read.

        Raises:
            BudgetError: unless there is one budget.
            SettingError: if there is no language model, or a setting would undo the privacy asked for.
            MissingDependencyError: if noise is wanted and dp-accounting is not installed.
        """
        super().check_settings()
        self.config.check_private()
        self._promise()

    def fit(self, dataset: str | os.PathLike[str] | Dataset | DatasetDict | PreparedSource, **options: Any) -> Self:
        """Reads and embeds the rows; see `Condenser.fit`."""
        self._merged_before = isinstance(dataset, PreparedSource) and dataset.merged
        return super().fit(dataset, **options)

    def __call__(self, batch: Mapping[str, list]) -> dict[str, list]:
        """The `Dataset.map` transform; see `Condenser`.

        Raises:
            SettingError: in a private run.
        """
        if self.config.private:
            raise SettingError(
                "with `epsilon` there is no `Dataset.map` transform: what `map` returns carries the sizes and the "
                "fingerprint of the private dataset. Call `condense`."
            )
        return super().__call__(batch)

    def _estimate(self, rows: Rows, shares: Mapping[int, int]) -> RunEstimate:
        writer = self._writer(Desk(self.llm, Events(), n_samples=1), rows)
        return evolution_estimate(writer, self._kinds(rows, shares), shares)

    def _shares(self, rows: Rows) -> dict[int, int]:
        self._check_rows(rows)
        if not self.config.private:
            return super()._shares(rows)
        codes = range(max(len(rows.class_names), 1))
        return dict.fromkeys(codes, int(self.config.per_class or 0))

    def _check_rows(self, rows: Rows) -> None:
        label = rows.columns.label
        if label is None and not self.config.topic:
            raise SettingError(
                "rows without labels give the language model nothing to go by, since it sees none of them: say what "
                "they are with `topic=` (`--topic 'questions about school maths'`)."
            )
        if not self.config.private:
            return
        if label is not None and not isinstance(rows.dataset.features[label], ClassLabel):
            raise SettingError(
                f"with `epsilon` the classes must be public, and those of column {label!r} are read from the rows. "
                f"Name them: `dataset.cast_column({label!r}, ClassLabel(names=[...]))`."
            )
        if self._merged_before:
            raise SettingError(
                "with `epsilon` each row must count for itself, and these were read without those that repeat others. "
                "Pass the dataset, or what a condenser with `dedup='none'` has prepared."
            )
        if self.config.delta is not None and self.config.delta * len(rows) > 1:
            _logger.warning(
                "delta=%g promises nothing for %d rows; it should be well below one in that number.",
                self.config.delta,
                len(rows),
            )

    def _kinds(self, rows: Rows, shares: Mapping[int, int]) -> list[Kind]:
        words = self.config.words
        if words is None and not self.config.private:
            words = max(1, round(float(np.median([len(text.split()) for text in rows.texts]))))
        labelled = rows.columns.label is not None
        return [Kind(code, rows.class_name(code) if labelled else None, words) for code in shares]

    def _writer(self, desk: Desk, rows: Rows) -> EvolutionWriter:
        forbidden = frozenset() if self.config.private else frozenset(map(normalise, rows.texts))
        return EvolutionWriter(desk, self.config, rows.columns, forbidden)

    def _promise(self) -> Guarantee:
        config = self.config
        return Guarantee.of(config.epsilon, config.delta, config.iterations, config.noise_seed)

    def _condense(self, prepared: PreparedSource, shares: Mapping[int, int]) -> Condensed:
        rows, llm, events = prepared.rows, self._fresh_llm(), Events()
        self._guarantee = self._promise()
        evolution = Evolution(
            self.config,
            self._kinds(rows, shares),
            lambda code: prepared.vectors.rows(np.flatnonzero(rows.codes == code)),
            embedder=self.embedder,
            writer=self._writer(Desk(llm, events, n_samples=self.config.variations), rows),
            release=VoteRelease(self._guarantee, self._vote_key(rows)),
            llm=llm,
            events=events,
        )
        with live_usage(llm.usage):
            elected = evolution.run(shares)
        self._llm_record = evolution.record()
        self._warn_if_stopped(llm, sum(map(len, elected.values())), shares)
        return Condensed.joined(
            [self._condensed_class(prepared, code, found) for code, found in elected.items() if found]
        )

    def _vote_key(self, rows: Rows) -> str:
        """Hash of the rows that vote and of what they vote by; without noise nothing is kept, and none is needed."""
        return fit_key(rows, {"embedder": self.embedder.fingerprint}) if self.config.private else ""

    def _condensed_class(self, prepared: PreparedSource, code: int, elected: Sequence[Elected]) -> Condensed:
        texts = [each.member.text for each in elected]
        n = len(texts)
        similarity, sizes = np.full(n, np.nan, dtype=np.float32), np.zeros(n, dtype=np.int64)
        parents: list[list[int]] = [[] for _ in texts]
        if not self.config.private:
            positions = np.flatnonzero(prepared.rows.codes == code)
            source, vectors = prepared.vectors.rows(positions), self.embedder.encode(texts)
            nearest = nearest_of(vectors, source)
            similarity, sizes = cosines(vectors, source[nearest]), cluster_sizes(source, vectors)
            parents = [[i] for i in positions[nearest].tolist()]
        return Condensed(
            texts=texts,
            codes=np.full(n, code, dtype=np.int64),
            similarity=similarity,
            parents=parents,
            cluster_size=sizes,
            reward=np.asarray([each.votes for each in elected], dtype=np.float32),
            rounds=np.asarray([each.member.iteration + 1 for each in elected], dtype=np.int64),
        )

    def _as_dataset(self, condensed: Condensed, rows: Rows) -> Dataset:
        dataset = super()._as_dataset(condensed, rows)
        if not (self.config.private and self.config.provenance):
            return dataset
        columns = to_dataset(condensed, rows, method=self.condenser_type, provenance=False).column_names
        return dataset.select_columns([*columns, *_PUBLIC_PROVENANCE])

    def _outcome(self) -> Mapping[str, Any]:
        promise = self._guarantee
        return {**super()._outcome(), "privacy": promise and promise.to_dict()}

    def _record(self, prepared: PreparedSource, condensed: Condensed, seconds: float) -> RunRecord:
        record = super()._record(prepared, condensed, seconds)
        if not self.config.private:
            return record
        # How many rows there are is private, and times tell it, as would a digest to whoever knows all rows but one;
        # duplicates are not looked for.
        source = {**record.source, "digest": None}
        return replace(record, source=source, n_source_rows=None, n_embedded=None, seconds={})
