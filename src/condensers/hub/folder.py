"""A condensed dataset as a folder that `load_dataset` reads: Parquet, a card, and the record of the run."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from datasets import Dataset
from huggingface_hub import DatasetCard

from condensers.data import (
    Columns,
    hidden_progress_bars,
    load_source,
    new_folder,
    resolve_columns,
    resolve_questions,
    write_json,
    write_text,
)
from condensers.errors import SourceNotFoundError
from condensers.hub.card import dataset_card
from condensers.methods import RunRecord
from condensers.methods.generation import as_questions

RUN_FILE = "condensers_run.json"
EVALUATION_FILE = "condensers_evaluation.json"
"""Where ``condensers evaluate`` leaves what it measured."""
SCORES_FILE = "condensers_scores.json"
"""Where `publish_scored` leaves how good the checkers were."""


def like_source(dataset: Dataset, run: RunRecord, source: Dataset) -> tuple[Dataset, Columns]:
    """The rows of a run with the columns of their source, and which of those hold text and label.

    Rows to be trained on as questions and answers have columns of their own; here they come back as questions.

    Args:
        dataset: The rows, as `load_condensed` reads them.
        run: Their record.
        source: Rows of the source.

    Raises:
        ColumnError: if there are no such columns.
        RowError: if a question has not its parts.
    """
    settings = run.settings
    given = (settings["text"], settings["label"])
    if run.generation is None:
        return dataset, resolve_columns(dataset, *given, settings["separator"])
    questions = resolve_questions(source, *given, settings["answer"], settings["separator"])
    if run.generation["row_format"] == "prompt_completion":
        dataset = as_questions(dataset, questions)
    return dataset, questions.columns


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
    write_rows(dataset, folder, run, dataset_card)


def write_rows(
    dataset: Dataset, folder: Path, run: RunRecord, card: Callable[[Dataset, RunRecord, str], DatasetCard]
) -> None:
    """Writes rows, record and the card that `card` gives for them and the place of their file."""
    data_file = write_parquet(dataset, folder)
    write_json(folder / RUN_FILE, run.to_json())
    write_text(folder / "README.md", str(card(dataset, run, data_file)))


def write_parquet(dataset: Dataset, folder: Path) -> str:
    """Writes rows into a folder that is there; gives the place of their file in it."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    unnamed = folder / "data" / "train.parquet"
    with hidden_progress_bars():
        dataset.to_parquet(unnamed)
    # `load_dataset` knows a folder by its card alone and would give the rows that it read there before. A name that
    # follows from the rows, and stands in the card, tells it.
    data = unnamed.rename(unnamed.with_stem(f"train-{hashlib.sha256(unnamed.read_bytes()).hexdigest()[:16]}"))
    return data.relative_to(folder).as_posix()


def load_condensed(path: str | os.PathLike[str]) -> tuple[Dataset, RunRecord]:
    """Reads what `save_condensed` wrote.

    Raises:
        SourceNotFoundError: if the folder does not hold a condensed dataset.
    """
    record = Path(path) / RUN_FILE
    if not record.is_file():
        raise SourceNotFoundError(f"{os.fspath(path)!r} holds no condensed dataset: {RUN_FILE} is missing.")
    return load_source(path), RunRecord(**json.loads(record.read_text(encoding="utf-8")))
