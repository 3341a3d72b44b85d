"""The base class of every condenser."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any, ClassVar, Self

import numpy as np
from datasets import Dataset, DatasetDict

from condensers.data import Rows, agreed, load_source, str_of
from condensers.embedding import Embedder, load_embedder
from condensers.errors import BudgetError, NotFittedError
from condensers.methods.components import describe
from condensers.methods.condensed import Condensed, to_dataset
from condensers.methods.config import CondenserConfig
from condensers.methods.learned import LearnedPart, Savable, keep, kept_folder
from condensers.methods.record import RunRecord, package_versions
from condensers.methods.sized_condenser import SizedCondenser
from condensers.methods.source import (
    PreparedSource,
    SourceReference,
    identify,
    preparation_key,
    prepare_source,
)
from condensers.methods.weighting import check_source_weights, check_weighting, with_weights


class Condenser(SizedCondenser):
    """Turns a dataset into a few rows that train almost as well.

    A method is a subclass with a `condenser_type` and one hook, `_condense`. One that learns something reusable does
    so through `_learned`, and says in `_load_part` how it is read back. Settings are those of `config_class`; any
    of them may be given at construction, and again to `fit`, `condense` and `from_pretrained`; they stay in force from
    then on. So an object that condensed once can be handed to `Dataset.map` as it is::

        small = condenser.condense(train, text="sentence", label="label", per_class=10)
        small = train.map(condenser, batched=True, batch_size=None, remove_columns=train.column_names)

    Attributes:
        config: The settings now in force.

    Args:
        config: Settings; None takes the defaults.
        embedder: What `load_embedder` takes: a model, a server, or an `Embedder`.
        **settings: Single settings, which take precedence over `config`.
    """

    may_exceed_source: ClassVar[bool] = False
    """Whether it writes as many rows as are asked for, however few the source has."""

    def __init__(
        self,
        config: CondenserConfig | None = None,
        *,
        embedder: str | os.PathLike[str] | Embedder | None = None,
        **settings: Any,
    ) -> None:
        # The mixin would write its own config.json of the same facts.
        self._hub_mixin_config = None
        self.config = config or self.config_class()
        self._run: RunRecord | None = None
        self._embedder: Embedder | None = None
        self._own_embedder = False  # an object that the user passed, which no name can bring back
        self._source = SourceReference()
        self._dataset: Dataset | None = None
        self._prepared: PreparedSource | None = None
        self._parts: dict[str, LearnedPart] = {}
        self._configure({"embedder": embedder, **settings} if embedder is not None else settings)

    @property
    def embedder(self) -> Embedder:
        """The embedder, loaded at first use."""
        if self._embedder is None:
            self._embedder = load_embedder(self.config.embedder, prompt=self.config.prompt)
        return self._embedder

    @property
    def run_(self) -> RunRecord:
        """What the last `condense` did.

        Raises:
            NotFittedError: before the first.
        """
        if self._run is None:
            raise NotFittedError("this condenser has not condensed anything yet; call `condense`.")
        return self._run

    @property
    def prepared_(self) -> PreparedSource:
        """The rows it reads, with their vectors.

        Raises:
            NotFittedError: before `fit`.
        """
        if self._prepared is None:
            raise NotFittedError("this condenser has read no rows yet; call `fit`.")
        return self._prepared

    @property
    def deterministic(self) -> bool:
        """Whether the seed changes nothing."""
        return False

    def check_settings(self) -> None:
        """Raises what can be known to be wrong before any rows are read.

        Raises:
            BudgetError: unless there is one budget.
            SettingError: if a method lacks a setting that it needs, or one has a value that is not allowed.
        """
        self.config.check_budget()
        if self.config.auto and self.may_exceed_source:
            raise BudgetError(
                f"the method {self.condenser_type!r} writes as many rows as are asked for, and `per_class='auto'` is "
                f"for few rows out of many. Give it a number."
            )
        check_weighting(self.config.weight)

    def fit(
        self,
        dataset: str | os.PathLike[str] | Dataset | DatasetDict | PreparedSource,
        *,
        split: str | None = None,
        name: str | None = None,
        revision: str | None = None,
        **settings: Any,
    ) -> Self:
        """Reads and embeds the rows and learns what later budgets can reuse.

        Args:
            dataset: Rows, or where they are: a Hub id, a folder, or a csv, jsonl or parquet file; or the `prepared_`
                of another condenser, whose reading and embedding then serve both.
            split: Which split; None takes the training split.
            name: Configuration of a Hub dataset.
            revision: Revision of a Hub dataset.
            **settings: Settings to change first.

        Raises:
            CondensersError: the leaf that fits, if the rows cannot be read.
        """
        self._configure(settings)
        if isinstance(dataset, PreparedSource):
            self._prepared, self._dataset, self._source = dataset, dataset.rows.dataset, dataset.source
        else:
            path = None if isinstance(dataset, (Dataset, DatasetDict)) else str_of(dataset)
            self._source = SourceReference(path, split, name, revision)
            self._dataset = load_source(dataset, split=split, name=name, revision=revision)
            self._prepared = None
        self._prepare()
        return self

    def condense(
        self,
        dataset: str | os.PathLike[str] | Dataset | DatasetDict | PreparedSource | None = None,
        *,
        split: str | None = None,
        name: str | None = None,
        revision: str | None = None,
        **settings: Any,
    ) -> Dataset:
        """Condenses a dataset; without one, condenses the one that was seen last, at another budget say.

        Args:
            dataset: See `fit`.
            split: See `fit`.
            name: See `fit`.
            revision: See `fit`.
            **settings: Settings to change first: `text`, `label`, `per_class`, `total`, `fraction`, `seed`, ...

        Returns:
            Rows with the columns and features of the source, class by class in class order, and the provenance columns
            unless `provenance=False`.

        Raises:
            NotFittedError: if there is no dataset to condense.
            BudgetError: if the budget is missing or cannot be met.
            ColumnError: if weights of the source are asked for, and it has none.
            CondensersError: the leaf that fits, if the rows cannot be read.
        """
        self._configure(settings)
        self.check_settings()  # before any work is spent
        if dataset is not None:
            self.fit(dataset, split=split, name=name, revision=revision)
        prepared = self._prepare()
        check_source_weights(self.config.weight, prepared.rows)
        asked = self.config
        sizing = self._measure_sizes(prepared) if asked.auto else None
        if sizing is not None:
            self.config = replace(asked, per_class=sizing.chosen)
        try:
            shares = self._shares(prepared.rows)
            began = time.perf_counter()
            condensed = self._condense(prepared, shares)
            record = self._record(prepared, condensed, time.perf_counter() - began)
            self._run = record if sizing is None else replace(record, sizing=sizing.to_json())
            return self._weighted(self._as_dataset(condensed, prepared.rows), condensed, prepared)
        finally:
            self.config = asked

    def __call__(self, batch: Mapping[str, list]) -> dict[str, list]:
        """The `Dataset.map` transform; ``batched=True, batch_size=None`` makes one batch of the whole dataset."""
        # What `map` hands over knows the features, and with them class names; a plain dictionary does not.
        formatter = getattr(batch, "formatter", None)
        rows = Dataset.from_dict({key: batch[key] for key in batch}, features=formatter and formatter.features)
        # A transform that changed while it ran would have another fingerprint the next time.
        worker = self._copy()
        condensed = worker.condense(rows)
        self._run = worker.run_
        return condensed.to_dict()

    def in_source_columns(self, rows: Dataset) -> Dataset:
        """The rows that the last `condense` gave, with the columns of the source, where they came in others."""
        return rows

    def _condense(self, prepared: PreparedSource, shares: Mapping[int, int]) -> Condensed:
        """Makes `shares[code]` rows of each class, class by class in the order of `shares`."""
        raise NotImplementedError

    def _as_dataset(self, condensed: Condensed, rows: Rows) -> Dataset:
        """The rows that were made, with the columns of the source and provenance."""
        return to_dataset(condensed, rows, method=self.condenser_type, provenance=self.config.provenance)

    def _weighted(self, dataset: Dataset, condensed: Condensed, prepared: PreparedSource) -> Dataset:
        """The rows with the weights that the settings ask for."""
        if self.config.weight is None:
            return dataset
        if condensed.positions is None:
            vectors = self.embedder.encode(condensed.texts)
        else:
            vectors = prepared.vectors[condensed.positions]
        return with_weights(dataset, self.config.weight, prepared, vectors, condensed.codes)

    def _shares(self, rows: Rows) -> dict[int, int]:
        """How many rows of each class are asked for; see `Budget.allocate` for the errors."""
        sizes = {rows.class_name(code): count for code, count in rows.class_counts.items()}
        shares = self.config.budget.allocate(
            sizes, allow_fewer=self.config.allow_fewer, unbounded=self.may_exceed_source
        )
        return {code: shares[rows.class_name(code)] for code in rows.class_counts}

    def _used(self, prepared: PreparedSource) -> dict[str, Any]:
        """The parts that a run used, for its record: more than `_components` where settings decide."""
        return {name: part and describe(part) for name, part in self._components().items()}

    def _learned(self, name: str, key: str, fit: Callable[[], Savable]) -> Any:  # noqa: ANN401  (what `fit` gives)
        """A learned part: the one that is there if it was fitted on the same, else fitted now.

        Args:
            name: What to call it, and its folder beside the config.
            key: Hash of all that the fit depends on (`fit_key`).
            fit: Fits it.
        """
        held = self._parts.get(name)
        if held is None or held.key != key:
            # All processes fit it together, or none does: they look at the folder at different moments.
            if not agreed(kept_folder(key).is_dir()):
                part = fit()
                keep(part, key)
                self._parts[name] = LearnedPart(key, lambda: part)
            else:
                self._parts[name] = self._stored(name, key, kept_folder(key))
        return self._parts[name].value

    def _outcome(self) -> Mapping[str, Any]:
        """What a method has to add to the record of its run: values for fields of `RunRecord`."""
        return {}

    def _configure(self, settings: Mapping[str, Any]) -> None:
        settings = dict(settings)
        embedder = settings.pop("embedder", None)
        if embedder is not None and not isinstance(embedder, (str, os.PathLike)):
            self._embedder, self._own_embedder = embedder, True
            settings["embedder"] = embedder.name
        elif embedder is not None:
            self._embedder, self._own_embedder = None, False
            settings["embedder"] = os.fspath(embedder)
        if not self._own_embedder and settings.get("prompt", self.config.prompt) != self.config.prompt:
            self._embedder = None
        self.config = self.config.updated(settings)

    def _prepare(self) -> PreparedSource:
        if self._prepared is None or self._prepared.key != preparation_key(self.config, self.embedder):
            if self._dataset is None and self._source.path is None:
                raise NotFittedError(
                    "there is no dataset to condense: pass one to `condense`, or call `fit` first. A condenser that "
                    "was fitted on rows in memory does not save them."
                )
            if self._dataset is None:
                self._dataset = self._source.load()
            self._prepared = prepare_source(self._dataset, self.config, self.embedder, self._source)
        return self._prepared

    def _record(self, prepared: PreparedSource, condensed: Condensed, seconds: float) -> RunRecord:
        rows = prepared.rows
        codes, counts = np.unique(condensed.codes, return_counts=True)
        return RunRecord(
            method=self.condenser_type,
            settings={**asdict(self.config), "text": rows.columns.text, "label": rows.columns.label},
            components=self._used(prepared),
            source=identify(self._source, rows.dataset, rows),
            models={"embedder": self.embedder.fingerprint},
            n_source_rows=len(rows) + prepared.n_duplicates,
            n_duplicates=prepared.n_duplicates,
            n_embedded=prepared.embedded.n_computed,
            class_counts={rows.class_name(c): n for c, n in zip(codes.tolist(), counts.tolist(), strict=True)},
            seconds={"embedding": prepared.embedded.seconds, "condensing": seconds},
            versions=package_versions(),
            **self._outcome(),
        )
