"""A condensed dataset as a folder that `load_dataset` reads: Parquet, a card, and the record of the run."""

import hashlib
import json
import os
from importlib.resources import files
from pathlib import Path

from datasets import Dataset
from huggingface_hub import DatasetCard, DatasetCardData

from condensers.data import hidden_progress_bars, load_source, new_folder, write_json, write_text
from condensers.errors import SourceNotFoundError
from condensers.methods import RunRecord

RUN_FILE = "condensers_run.json"


def save_condensed(dataset: Dataset, path: str | os.PathLike[str], run: RunRecord, *, overwrite: bool = False) -> Path:
    """Writes condensed rows, their card and the record of their run; all or nothing.

    Args:
        dataset: The rows.
        path: The folder to make.
        run: What made the rows, `Condenser.run_`.
        overwrite: Replace a folder that is there.

    Raises:
        OutputExistsError: if the folder is not empty and `overwrite` is False.
        StorageError: if it cannot be written.
    """
    with new_folder(path, overwrite=overwrite) as scratch:
        write_condensed(dataset, scratch, run)
    return Path(path)


def write_condensed(dataset: Dataset, folder: Path, run: RunRecord) -> None:
    """Writes the same files into a folder that is there, for callers who have more to put beside them."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    unnamed = folder / "data" / "train.parquet"
    with hidden_progress_bars():
        dataset.to_parquet(unnamed)
    # `load_dataset` knows a folder by its card alone and would give the rows that it read there before. A name that
    # follows from the rows, and stands in the card, tells it.
    data = unnamed.rename(unnamed.with_stem(f"train-{hashlib.sha256(unnamed.read_bytes()).hexdigest()[:16]}"))
    write_json(folder / RUN_FILE, run.to_json())
    write_text(folder / "README.md", str(_card(dataset, run, data.relative_to(folder).as_posix())))


def load_condensed(path: str | os.PathLike[str]) -> tuple[Dataset, RunRecord]:
    """Reads what `save_condensed` wrote.

    Raises:
        SourceNotFoundError: if the folder does not hold a condensed dataset.
    """
    record = Path(path) / RUN_FILE
    if not record.is_file():
        raise SourceNotFoundError(f"{os.fspath(path)!r} holds no condensed dataset: {RUN_FILE} is missing.")
    return load_source(path), RunRecord(**json.loads(record.read_text(encoding="utf-8")))


def _card(dataset: Dataset, run: RunRecord, data_file: str) -> DatasetCard:
    data = DatasetCardData(
        tags=["synthetic" if run.generation else "dataset-condensation", "condensers", run.method],
        size_categories=_size_category(len(dataset)),
        configs=[{"config_name": "default", "data_files": [{"split": "train", "path": data_file}]}],
    )
    template = (files("condensers.hub") / "templates" / "dataset_card.md").read_text(encoding="utf-8")
    return DatasetCard.from_template(data, template_str=template, run=run, n_rows=len(dataset))


def _size_category(n_rows: int) -> str:
    for limit, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")):
        if n_rows < limit:
            return name
    return "100K<n<1M"
