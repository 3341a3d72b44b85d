"""From what a user names to a `datasets.Dataset`: a Hub id, a folder, a file, or the sample."""

import os
from pathlib import Path

from datasets import Dataset, DatasetDict, load_dataset, load_from_disk
from datasets.data_files import EmptyDatasetError
from datasets.exceptions import DatasetGenerationError, DatasetNotFoundError

from condensers.data.samples import SAMPLE_PREFIX, sample_dataset
from condensers.errors import RowError, SourceNotFoundError

_BUILDERS = {".csv": "csv", ".tsv": "csv", ".json": "json", ".jsonl": "json", ".parquet": "parquet"}
_TRAIN_SPLITS = ("train", "training")
_TEST_SPLITS = ("test", "validation", "dev", "valid")


def load_source(
    source: str | os.PathLike[str] | Dataset | DatasetDict,
    *,
    split: str | None = None,
    name: str | None = None,
    revision: str | None = None,
) -> Dataset:
    """Loads one split of a dataset.

    Args:
        source: A Hub id, a folder, a csv, tsv, json, jsonl or parquet file, ``sample:shop_messages``, or a dataset.
        split: Which split; None takes the training split, or the only one there is.
        name: Configuration of a Hub dataset.
        revision: Commit, tag or branch of a Hub dataset.

    Raises:
        SourceNotFoundError: if the dataset or the split does not exist.
    """
    if isinstance(source, Dataset):
        return source
    return _choose_split(load_splits(source, name=name, revision=revision), split, str_of(source))


def load_test_split(
    source: str | os.PathLike[str] | DatasetDict,
    *,
    split: str | None = None,
    name: str | None = None,
    revision: str | None = None,
) -> Dataset:
    """Loads the split that a classifier is tested on: `split`, else test, else validation.

    Raises:
        SourceNotFoundError: if there is no such split.
    """
    splits = load_splits(source, name=name, revision=revision)
    found = next((candidate for candidate in _TEST_SPLITS if candidate in splits), None)
    if split is None and found is None:
        raise SourceNotFoundError(
            f"{str_of(source)} has no test or validation split; its splits are {', '.join(splits)}. "
            f"Name one that no row was condensed from."
        )
    return _choose_split(splits, split or found, str_of(source))


def load_splits(
    source: str | os.PathLike[str] | DatasetDict, *, name: str | None = None, revision: str | None = None
) -> DatasetDict:
    """Loads every split of a dataset; see `load_source` for what `source` may be."""
    if isinstance(source, DatasetDict):
        return source
    text = str_of(source)
    if text.startswith(SAMPLE_PREFIX):
        return sample_dataset(text.removeprefix(SAMPLE_PREFIX))
    path = Path(text).expanduser()
    if path.is_dir():
        return _load_folder(path)
    if path.is_file():
        return _load_file(path)
    if text.startswith((".", "/", "~")) or path.suffix in _BUILDERS or text.count("/") > 1:
        raise SourceNotFoundError(f"there is no dataset at {text!r}; the path does not exist.")
    try:
        return load_dataset(text, name, revision=revision)
    except (DatasetNotFoundError, ConnectionError, FileNotFoundError) as error:
        raise SourceNotFoundError(
            f"{text!r} is neither a local path nor a dataset that the Hub gave ({error}). "
            f"Check the spelling; for a private dataset log in with `hf auth login`; offline, pass a local path."
        ) from error


def str_of(source: object) -> str:
    """A name for a source, for messages and records."""
    return os.fspath(source) if isinstance(source, (str, os.PathLike)) else type(source).__name__


def _load_folder(path: Path) -> DatasetDict:
    if (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
        loaded = load_from_disk(str(path))
        return loaded if isinstance(loaded, DatasetDict) else DatasetDict({"train": loaded})
    if not any(file.suffix in _BUILDERS for file in path.rglob("*") if file.is_file()):
        raise SourceNotFoundError(
            f"the folder {str(path)!r} holds no dataset: no {', '.join(sorted(_BUILDERS))} file in it."
        )
    return _read(path, str(path.resolve()))


def _load_file(path: Path) -> DatasetDict:
    builder = _BUILDERS.get(path.suffix)
    if builder is None:
        raise SourceNotFoundError(
            f"cannot read {str(path)!r}: a dataset file ends in {', '.join(sorted(_BUILDERS))}, not {path.suffix!r}."
        )
    options = {"delimiter": "\t"} if path.suffix == ".tsv" else {}
    return _read(path, builder, data_files=str(path.resolve()), **options)


def _read(path: Path, builder: str, **options: str) -> DatasetDict:
    try:
        return load_dataset(builder, **options)
    except (ValueError, DatasetGenerationError) as error:
        if "corresponds to no data" in str(error) or isinstance(error.__cause__, EmptyDatasetError):
            raise RowError(f"the dataset at {str(path)!r} is empty; condensing needs at least one row.") from error
        raise RowError(f"the dataset at {str(path)!r} cannot be read: {error.__cause__ or error}.") from error


def _choose_split(splits: DatasetDict, split: str | None, source: str) -> Dataset:
    if split is None:
        split = next((name for name in _TRAIN_SPLITS if name in splits), None)
        if split is None and len(splits) == 1:
            split = next(iter(splits))
    if split is None or split not in splits:
        asked = f"no split {split!r}" if split else "several splits and none is called train"
        raise SourceNotFoundError(f"{source} has {asked}; its splits are {', '.join(splits)}. Choose with `split=`.")
    return splits[split]
