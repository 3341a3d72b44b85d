"""The base class of every condenser."""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from datasets import Dataset, DatasetDict
from huggingface_hub import ModelCard, ModelHubMixin

from condensers.data import Rows, load_source, str_of, write_json
from condensers.embedding import Embedder, load_embedder
from condensers.errors import NotFittedError, SettingError, SourceNotFoundError
from condensers.methods.card import condenser_card
from condensers.methods.components import component_from_spec, component_spec, describe
from condensers.methods.condensed import Condensed, to_dataset
from condensers.methods.config import CondenserConfig
from condensers.methods.learned import LearnedPart, Savable, keep, kept_folder
from condensers.methods.record import RunRecord, package_versions
from condensers.methods.saving import CONFIG_NAME, condenser_folder, read_document
from condensers.methods.source import (
    PreparedSource,
    SourceReference,
    identify,
    preparation_key,
    prepare_source,
)
from condensers.sharing import push_saved, write_card


class Condenser(ModelHubMixin):
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

    condenser_type: ClassVar[str] = ""
    config_class: ClassVar[type[CondenserConfig]] = CondenserConfig
    may_exceed_source: ClassVar[bool] = False
    """Whether it writes as many rows as are asked for, however few the source has."""
    # Not None when an object is made, or the mixin (huggingface_hub 2.4) would copy every part, its models included.
    _hub_mixin_config: Any = {}  # noqa: RUF012  (never written to)

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
            SettingError: if a method lacks a setting that it needs.
        """
        _ = self.config.budget

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
            CondensersError: the leaf that fits, if the rows cannot be read.
        """
        self._configure(settings)
        self.check_settings()  # before any work is spent
        if dataset is not None:
            self.fit(dataset, split=split, name=name, revision=revision)
        prepared = self._prepare()
        rows = prepared.rows
        shares = self._shares(rows)
        began = time.perf_counter()
        condensed = self._condense(prepared, shares)
        self._run = self._record(prepared, condensed, time.perf_counter() - began)
        return self._as_dataset(condensed, rows)

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

    def _shares(self, rows: Rows) -> dict[int, int]:
        """How many rows of each class are asked for; see `Budget.allocate` for the errors."""
        sizes = {rows.class_name(code): count for code, count in rows.class_counts.items()}
        shares = self.config.budget.allocate(
            sizes, allow_fewer=self.config.allow_fewer, unbounded=self.may_exceed_source
        )
        return {code: shares[rows.class_name(code)] for code in rows.class_counts}

    def _components(self) -> dict[str, Any]:
        """The parts that are saved with the condenser, by the name of the argument they were given as."""
        return {}

    def _used(self, prepared: PreparedSource) -> dict[str, Any]:
        """The parts that a run used, for its record: more than `_components` where settings decide."""
        return {name: part and describe(part) for name, part in self._components().items()}

    def _load_part(self, name: str, folder: Path) -> Savable:
        """Reads a learned part out of the folder that its `save_pretrained` wrote."""
        raise NotImplementedError

    def _learned(self, name: str, key: str, fit: Callable[[], Savable]) -> Any:  # noqa: ANN401  (what `fit` gives)
        """A learned part: the one that is there if it was fitted on the same, else fitted now.

        Args:
            name: What to call it, and its folder beside the config.
            key: Hash of all that the fit depends on (`fit_key`).
            fit: Fits it.
        """
        held = self._parts.get(name)
        if held is None or held.key != key:
            if not kept_folder(key).is_dir():
                part = fit()
                keep(part, key)
                self._parts[name] = LearnedPart(key, lambda: part)
            else:
                self._parts[name] = self._stored(name, key, kept_folder(key))
        return self._parts[name].value

    def _stored(self, name: str, key: str, folder: Path) -> LearnedPart:
        return LearnedPart(key, lambda: self._load_part(name, folder))

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

    # Saving

    def _document(self) -> dict[str, Any]:
        return {
            "condenser_type": self.condenser_type,
            "condensers_version": package_versions()["condensers"],
            "settings": asdict(self.config),
            "components": {name: part and component_spec(part) for name, part in self._components().items()},
            "source": asdict(self._source),
            "learned": {name: part.key for name, part in self._parts.items()},
        }

    def save_pretrained(self, save_directory: str | os.PathLike[str], **kwargs: Any) -> str | None:  # noqa: ANN401
        """Saves the condenser and what it has learned; see `ModelHubMixin.save_pretrained`.

        Raises:
            SettingError: if a part of it cannot be saved; then there is no folder either.
        """
        self._document()
        return super().save_pretrained(Path(save_directory), **kwargs)

    def _save_pretrained(self, save_directory: Path) -> None:
        write_json(save_directory / CONFIG_NAME, self._document())
        for name, part in self._parts.items():
            part.value.save_pretrained(save_directory / name)
        # The mixin writes a card where there is none, and so would leave the one of an earlier run.
        write_card(save_directory, self.generate_model_card())

    def generate_model_card(self, *args: Any, **kwargs: Any) -> ModelCard:
        """Writes the card of the saved condenser."""
        return condenser_card(self._document(), self._run, self._embedder.fingerprint if self._embedder else None)

    def push_to_hub(self, repo_id: str, *, private: bool | None = True, **kwargs: Any) -> str:
        """Uploads the condenser; private unless `private=False`. A card that somebody edited there stays.

        Args:
            repo_id: Where to, ``user/name``.
            private: Whether a repository that is made is private; None leaves it to the Hub.
            **kwargs: Those of `push_saved`: `token`, `revision`, `create_pr`, `commit_message`.

        Returns:
            Address of the commit.

        Raises:
            SettingError: if a part of it cannot be saved.
            HfHubHTTPError: if the Hub refuses.
        """
        return push_saved(self.save_pretrained, repo_id, private=private, **kwargs)

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
        **settings: Any,
    ) -> Self:
        """Loads a condenser from a folder or the Hub; nothing is fitted again.

        Args:
            pretrained_model_name_or_path: Folder, or Hub id.
            revision: Commit, tag or branch on the Hub.
            token: Hub token; None takes the one that is logged in.
            cache_dir: Where downloads are kept.
            local_files_only: Do not ask the Hub.
            force_download: Download again.
            **settings: Settings to change.

        Raises:
            SourceNotFoundError: if there is no condenser there.
            SettingError: if it is of another type, or its config is broken.
        """
        folder = condenser_folder(
            pretrained_model_name_or_path,
            revision=revision,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            force_download=force_download,
        )
        document = read_document(folder)
        condenser = cls._from_document(document, **settings)
        for name, key in document.get("learned", {}).items():
            if not (folder / name).is_dir():
                raise SourceNotFoundError(f"{str(folder)!r} lacks the folder of its learned part {name!r}.")
            condenser._parts[name] = condenser._stored(name, key, folder / name)
        return condenser

    @classmethod
    def _from_document(cls, document: Mapping[str, Any], **settings: Any) -> Self:
        if document["condenser_type"] != cls.condenser_type:
            raise SettingError(
                f"this is a condenser of type {document['condenser_type']!r}, not {cls.condenser_type!r}; "
                f"load it with `AutoCondenser.from_pretrained`."
            )
        parts = {name: spec and component_from_spec(spec) for name, spec in document.get("components", {}).items()}
        condenser = cls(cls.config_class().updated(document.get("settings", {})), **parts)
        condenser._source = SourceReference(**document.get("source", {}))
        condenser._configure(settings)
        return condenser

    def __reduce__(self) -> tuple[Any, ...]:
        # `datasets` takes the fingerprint of a transform from its pickle: config and parts, never rows or weights, and
        # the same bytes in every process. What is learned follows from these and the rows, and other processes find it
        # in the cache, so the fingerprint is the same before and after a fit.
        document = json.dumps({**self._document(), "learned": {}}, sort_keys=True)
        return _restore, (type(self), document, self._embedder if self._own_embedder else None)

    def _copy(self) -> Self:
        copy = self._from_document(self._document())
        copy._embedder, copy._own_embedder = self._embedder, self._own_embedder
        copy._parts = dict(self._parts)
        return copy


def _restore(cls: type[Condenser], document: str, embedder: Embedder | None) -> Condenser:
    condenser = cls._from_document(json.loads(document))
    if embedder is not None:
        condenser._configure({"embedder": embedder})
    return condenser
