"""What a trainer knows of a training, noted where the card of the model finds it."""

from pathlib import Path
from typing import Any

from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

_MEASURES = ("eval_", "test_")
_TIMES = ("_runtime", "_per_second", "_preparation_time")


class TrainingNotes(TrainerCallback):
    """Keeps `config.training` up to date: rows, settings, steps, and the last value of each loss and metric.

    Args:
        config: The configuration that is saved with the model.
        rows: The rows that are trained on, as the user passed them.
    """

    def __init__(self, config: Any, rows: Any) -> None:  # noqa: ANN401  (a configuration; a Dataset)
        self._config = config
        self._rows: dict[str, Any] = {"n_rows": None if rows is None else len(rows), "dataset": None}
        self._metrics: dict[str, float] = {}

    def name_dataset(self, dataset: str) -> None:
        """Notes the Hub id of the dataset that is trained on, which its rows do not know."""
        self._rows["dataset"] = dataset
        if self._config.training is not None:
            self._config.training["dataset"] = dataset

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Notes what is known by now; a trainer that only tests leaves what is noted."""
        if state.global_step == 0:
            return
        self._metrics |= {name: value for name, value in (logs or {}).items() if _is_measure(name)}
        self._config.training = {
            **self._rows,
            "steps": state.global_step,
            "epochs": None if state.epoch is None else round(state.epoch, 2),
            "learning_rate": args.learning_rate,
            "batch_size": args.train_batch_size * args.gradient_accumulation_steps * args.world_size,
            "seed": args.seed,
            "metrics": dict(self._metrics),
        }


class NotingTrainer(Trainer):
    """A trainer whose models say on their cards how they were trained.

    Attributes:
        notes: What it notes.
    """

    notes: TrainingNotes

    def take_notes(self, config: Any, rows: Any) -> None:  # noqa: ANN401  (a configuration; a Dataset)
        """Begins to note in `config`; see `TrainingNotes`."""
        self.notes = TrainingNotes(config, rows)
        self.add_callback(self.notes)

    def write_card(self, folder: Path, **metadata: Any) -> None:  # noqa: ANN401  (fields of ModelCardData)
        """Writes configuration and card of the model as it is trained by now."""
        raise NotImplementedError

    def create_model_card(
        self,
        language: str | None = None,
        license: str | None = None,  # noqa: A002  (as in Trainer)
        tags: str | list[str] | None = None,
        model_name: str | None = None,
        finetuned_from: str | None = None,
        tasks: str | list[str] | None = None,
        dataset_tags: str | list[str] | None = None,
        dataset: str | list[str] | None = None,
        dataset_args: str | list[str] | None = None,
    ) -> None:
        """Writes the card; see `Trainer.create_model_card`. A card that somebody edited stays.

        Args:
            language: Language of the texts.
            license: Licence of the model.
            tags: More tags.
            model_name: Name of the model.
            finetuned_from: Hub id of the model that training began with, where it is not known.
            tasks: Not used: what these models are for is known.
            dataset_tags: Hub ids of the datasets, where they are not known.
            dataset: The same.
            dataset_args: Not used.
        """
        if not self.is_world_process_zero():
            return
        datasets = dataset_tags or dataset or []
        datasets = [datasets] if isinstance(datasets, str) else list(datasets)
        if len(datasets) == 1:
            self.notes.name_dataset(datasets[0])
        given = {
            "language": language,
            "license": license,
            "tags": [tags] if isinstance(tags, str) else tags,
            "model_name": model_name,
            "base_model": finetuned_from,
            "datasets": datasets,
        }
        self.write_card(Path(str(self.args.output_dir)), **{name: value for name, value in given.items() if value})


def _is_measure(name: str) -> bool:
    return name in ("loss", "train_loss") or (name.startswith(_MEASURES) and not name.endswith(_TIMES))
