"""What the launchable recipes share: which rows to load, how a run is parsed, ended and stopped by a mistake."""

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from datasets import Dataset
from transformers import Trainer, TrainingArguments
from trl import TrlParser

from condensers.data import load_source, load_splits
from condensers.embedding import DEFAULT_EMBEDDER, Embedder, load_embedder
from condensers.errors import CondensersError, SettingError, SourceNotFoundError
from condensers.sharing import hub_name
from condensers.sharing.training_notes import NotingTrainer

_TEST_SPLITS = ("test", "validation", "dev", "valid")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RecipeRows:
    """The rows of one run.

    Attributes:
        train: Rows to train on.
        validation: Rows for choices made while training; None if there are none besides the test rows.
        test: Rows that are looked at once, at the end; None if there are none.
    """

    train: Dataset
    validation: Dataset | None
    test: Dataset | None


@dataclass
class DatasetRecipe:
    """Which rows a recipe loads."""

    dataset_name: str = field(metadata={"help": "Training rows: a Hub id, a folder or a file."})
    dataset_config: str | None = field(default=None, metadata={"help": "Configuration of a Hub dataset."})
    dataset_train_split: str | None = field(
        default=None, metadata={"help": "Split to train on; left out, the one called train, or the only one."}
    )
    dataset_test_split: str | None = field(
        default=None, metadata={"help": "Split to test on; left out, test, or else validation, if they have labels."}
    )
    test_dataset_name: str | None = field(
        default=None,
        metadata={"help": "Test rows, if they are no split of the dataset: a Hub id, a folder or a file."},
    )

    def load_rows(self, usable: Callable[[Dataset], bool] = lambda rows: True) -> RecipeRows:
        """Loads the splits.

        Args:
            usable: Whether a split whose name was not given will do as test rows.

        Raises:
            SourceNotFoundError: if a dataset or a split that was named does not exist.
        """
        splits = load_splits(self.dataset_name, name=self.dataset_config)
        train = load_source(splits, split=self.dataset_train_split)
        others = {name: rows for name, rows in splits.items() if rows is not train}
        found = [name for name in _TEST_SPLITS if name in others and usable(others[name])]
        chosen = self.dataset_test_split
        if self.test_dataset_name is not None:
            test = load_source(self.test_dataset_name, split=chosen)
        elif chosen is not None and chosen not in splits:
            raise SourceNotFoundError(
                f"{self.dataset_name} has no split {chosen!r}; its splits are {', '.join(splits)}. Choose with "
                f"`--dataset_test_split`."
            )
        else:
            chosen = chosen or next(iter(found), None)
            test = None if chosen is None else splits[chosen]
        validation = next((others[name] for name in found if name not in ("test", chosen)), None)
        return RecipeRows(train, validation, test)


@dataclass
class EmbeddedRecipe(DatasetRecipe):
    """Which rows a recipe loads, and what embeds them."""

    text_column: list[str] | None = field(
        default=None, metadata={"help": "Text columns, joined if several. Left out, they are guessed."}
    )
    embedder: str = field(
        default=DEFAULT_EMBEDDER,
        metadata={"help": "Embedder: a Hub id, a folder, MODEL@URL for a server, or offline."},
    )
    embedder_prompt: str | None = field(default=None, metadata={"help": "Task instruction put before each text."})

    def load_embedder(self) -> Embedder:
        """The embedder.

        Raises:
            SourceNotFoundError: if there is no such model.
        """
        return load_embedder(self.embedder, prompt=self.embedder_prompt)

    def note_dataset(self, trainer: NotingTrainer) -> None:
        """Has the card name the dataset, where it is one of the Hub."""
        found = hub_name(self.dataset_name)
        if found is not None:
            trainer.notes.name_dataset(found.id)


@dataclass
class SFTRecipe(DatasetRecipe):
    """What `train_dimp_sft.py` loads."""

    quality_model_name_or_path: str | None = field(
        default=None, metadata={"help": "Language model that was trained on a little real text: a Hub id or a folder."}
    )


def parse_recipe(*kinds: Any) -> tuple[Any, ...]:
    """Reads dataclasses from the command line and from the YAML file that ``--config`` names.

    What is on the command line comes first. Repositories that are pushed to are private unless
    ``--hub_private_repo false`` is given.

    Args:
        *kinds: Dataclasses.

    Raises:
        SettingError: if the file is missing or no YAML mapping, or a setting is unknown or not allowed.
        SystemExit: with 2, if an argument is missing or not of its type.
    """
    try:
        parsed = TrlParser(list(kinds)).parse_args_and_config()
    except CondensersError:
        raise
    except (OSError, ValueError) as error:
        raise SettingError(str(error)) from error
    for part in parsed:
        if isinstance(part, TrainingArguments) and part.push_to_hub and part.hub_private_repo is None:
            part.hub_private_repo = True
    return parsed


def finish_recipe(trainer: Trainer, test: Dataset | None) -> dict[str, float]:
    """Saves the model, tests it, prints the metrics and writes them beside it.

    Args:
        trainer: A trainer that has trained.
        test: Test rows, prepared as the trainer wants them; None skips the test.

    Returns:
        The metrics of the test; empty without one.
    """
    trainer.save_model()
    metrics: dict[str, float] = {}
    if test is None:
        _logger.warning("There are no test rows with labels, so the model is not tested.")
    else:
        metrics = trainer.evaluate(test, metric_key_prefix="test")
        trainer.log_metrics("test", metrics)
        trainer.save_metrics("test", metrics)
        if isinstance(trainer, NotingTrainer):
            trainer.create_model_card()  # The one that is saved knows nothing of the test.
    if trainer.args.push_to_hub:
        trainer.push_to_hub()
    return metrics


def run_recipe(main: Callable[[], None]) -> None:
    """Calls `main`; a user's mistake is told in one line, without a traceback, and the exit code is 2."""
    try:
        main()
    except CondensersError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
