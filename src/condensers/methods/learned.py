"""Parts that a condenser learns: kept on disk under what they were fitted on, saved with it, never pickled."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import datasets

from condensers.data import Rows, cache_folder


@runtime_checkable
class Savable(Protocol):
    """A learned part: anything that writes itself into a folder, as a model of transformers or PEFT does."""

    def save_pretrained(self, save_directory: str | os.PathLike[str], /) -> Any:  # noqa: ANN401  (nobody reads it)
        """Writes weights and config."""
        ...


class LearnedPart:
    """One learned part, read from disk when it is first needed.

    Args:
        key: Hash of all that the fit depended on; see `fit_key`.
        load: Gives the part.
    """

    def __init__(self, key: str, load: Callable[[], Savable]) -> None:
        self.key = key
        self._load = load

    @cached_property
    def value(self) -> Savable:
        """The part."""
        return self._load()


def fit_key(rows: Rows, settings: Mapping[str, Any]) -> str:
    """Hash of the rows that a part is fitted on and of all else that decides the outcome.

    Equal rows give equal keys in every process, so a part is fitted once for a dataset.

    Args:
        rows: Texts and classes.
        settings: JSON values.
    """
    digest = hashlib.sha256(json.dumps([settings, rows.class_names], sort_keys=True).encode())
    for text, code in zip(rows.texts, rows.codes.tolist(), strict=True):
        digest.update(f"{code}:{len(text)}:".encode() + text.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]


def kept_folder(key: str) -> Path:
    """Where a part of that key is kept in the cache of `datasets`; it need not be there."""
    return Path(datasets.config.HF_DATASETS_CACHE) / "condensers" / "learned" / key


def training_folder(key: str) -> Path:
    """Where the training of a part of that key keeps its checkpoints; it need not be there."""
    return Path(datasets.config.HF_DATASETS_CACHE) / "condensers" / "training" / key


def keep(part: Savable, key: str) -> None:
    """Keeps a part in the cache, so that a run that is killed need not fit it again; its checkpoints go.

    Raises:
        StorageError: if the cache cannot be written.
    """
    with cache_folder(kept_folder(key)) as folder:
        part.save_pretrained(folder)
    shutil.rmtree(training_folder(key), ignore_errors=True)
