"""What IMP-Loss and DIMP-Loss have in common: checkers, fitted before training, that score every training row."""

import logging
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from accelerate.utils import broadcast_object_list
from datasets import ClassLabel, Dataset
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import TrainOutput

from condensers.errors import ColumnError, NotFittedError, SettingError, SourceNotFoundError
from condensers.rewards import CheckerReport, check_classifier
from condensers.trainers.checker_pair import CheckerPair
from condensers.trainers.checkers import ClassifierLike, Workshop
from condensers.trainers.training_rows import check_quality_rows, check_source, tokenized, training_labels
from condensers.trainers.weight_diagnostics import (
    FOLDER,
    RowWeights,
    WeightDiagnostics,
    diagnose_weights,
    load_weights,
    save_weights,
)
from condensers.trainers.weight_plots import plot_weights
from condensers.trainers.weighted_loss import WeightedLossTrainer
from condensers.trainers.weighting_config import WeightingArguments

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_logger = logging.getLogger(__name__)


class CheckedTrainer(WeightedLossTrainer):
    """Base of `ImportanceWeightedTrainer` and `DIMPTrainer`.

    A subclass says what a row's weight is made of (`_make_weights`, `_ready_weights`) and which columns carry it to
    the loss (`_columns_of`).

    Raises:
        SettingError: if it is not said where the weights come from, or said twice.
        RowError: if the quality set is empty, or classes cannot be matched by name.
        ColumnError: if a column is missing.
    """

    settings_class: ClassVar[type[WeightingArguments]] = WeightingArguments
    ready_column: ClassVar[str] = ""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401
        quality_model: ClassifierLike | None = None,
        quality_dataset: Dataset | None = None,
        diversity_model: ClassifierLike | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **kwargs)
        self.weighting = self._settings()
        self.row_weights_: RowWeights | None = None
        self._checkers: CheckerPair | None = None
        self._key: str | None = None
        self._n_shared = 0
        self._reports: dict[str, CheckerReport] = {}
        with self.args.main_process_first(desc="tokenisation"):
            self.train_dataset, self.eval_dataset, self.quality_dataset = (
                tokenized(part, self.processing_class, self._config)
                for part in (self.train_dataset, self.eval_dataset, quality_dataset)
            )
        if self.train_dataset is not None:
            has_checkers = any(given is not None for given in (quality_model, quality_dataset, diversity_model))
            check_source(self.train_dataset, self.ready_column, has_checkers)
        if isinstance(self.train_dataset, Dataset):
            self._groups()
            if self.ready_column not in self.train_dataset.column_names:
                self._checkers = self._make_checkers(self.train_dataset, quality_model, diversity_model)
        self.add_callback(_WeightLog(self))

    def checker_reports(self) -> dict[str, CheckerReport]:
        """Accuracy and calibration of the checkers on the quality set; empty without one or before training."""
        return dict(self._checkers.reports) if self._checkers and self._checkers.reports else dict(self._reports)

    def train(
        self,
        resume_from_checkpoint: str | bool | None = None,
        *args: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> TrainOutput:
        """Prepares the weights and trains; see `Trainer.train`.

        A resumed run takes the scores that the first one has saved, so no checker is fitted twice.
        """
        self.prepare_weights(resume_from_checkpoint)
        return super().train(resume_from_checkpoint, *args, **kwargs)

    def prepare_weights(self, resume_from_checkpoint: str | bool | None = None) -> None:
        """Fits the checkers, scores the training rows and writes both down; done once, by `train` if not before.

        Args:
            resume_from_checkpoint: As for `train`; if it says to resume, saved scores of the same rows under the same
                settings are taken.

        Raises:
            RowError: if the weights cannot weight a loss.
        """
        if self.row_weights_ is not None or not isinstance(self.train_dataset, Dataset):
            return
        if self._checkers is not None:
            self._key = self._checkers.key()
        found = self._saved_weights(resume_from_checkpoint) if resume_from_checkpoint else None
        if found is None and self._checkers is not None:
            with self._checkers.model_parked(movable=self.place_model_on_device):
                found = self._make_weights(self._checkers)
        elif found is None:
            values = self.train_dataset.with_format(None)[self.ready_column][:]
            found = self._ready_weights(np.asarray(values, dtype=np.float32))
        if self._checkers is not None:
            self._checkers.release()
        self.row_weights_ = found
        carried = self._columns_of(found)
        rows = self.train_dataset.remove_columns([name for name in carried if name in self.train_dataset.column_names])
        for name, values in carried.items():
            rows = rows.add_column(name, values)
        self.train_dataset = rows
        self._save_weights()

    def weight_diagnostics(self) -> list[WeightDiagnostics]:
        """A summary of the weights: one for IMP-Loss, one a finished epoch for DIMP-Loss.

        Raises:
            NotFittedError: if `prepare_weights` has not run.
        """
        rows = self._known_weights()
        limit = self.weighting.max_weight
        return [diagnose_weights(rows, number=number, max_weight=limit) for number in range(len(rows.weights))]

    def plot_weights(self, by: str | None = None) -> "Figure":
        """Draws Figures 4 to 7 of this run; see `condensers.trainers.plot_weights`.

        Args:
            by: Column of the training rows that names the group of each; None takes `group_column`.

        Raises:
            NotFittedError: if `prepare_weights` has not run.
            ColumnError: if there is no such column.
        """
        return plot_weights(self._known_weights(), self._groups(by))

    def _make_weights(self, checkers: CheckerPair) -> RowWeights:
        """Asks the checkers for what the weights are made of; the model is out of the way meanwhile."""
        raise NotImplementedError

    def _ready_weights(self, values: np.ndarray) -> RowWeights:
        """Takes what the weights are made of from `ready_column`; shape (n_rows,)."""
        raise NotImplementedError

    def _columns_of(self, rows: RowWeights) -> dict[str, np.ndarray]:
        """The columns that carry the weights to the loss; shape (n_rows,) each."""
        raise NotImplementedError

    def _settings(self) -> WeightingArguments:
        if not isinstance(self.args, WeightingArguments):
            return self.settings_class()
        if not isinstance(self.args, self.settings_class):
            raise SettingError(
                f"`args` of {type(self).__name__} cannot be a {type(self.args).__name__}, which is another trainer's."
            )
        return self.args

    def _make_checkers(
        self, rows: Dataset, quality_model: ClassifierLike | None, diversity_model: ClassifierLike | None
    ) -> CheckerPair:
        labels = training_labels(rows, self._config)
        if self.quality_dataset is not None:
            n_classes = self._config.num_labels
            warn = self.is_world_process_zero()
            self._n_shared = check_quality_rows(self.quality_dataset, rows, labels, n_classes=n_classes, warn=warn)
        workshop = Workshop(
            args=self.args,
            processing_class=self.processing_class,  # type: ignore[arg-type]
            collate=self.data_collator.collate,  # type: ignore[union-attr]
            autocast=self.accelerator.autocast,
            batch_size=self.weighting.scoring_batch_size,
        )
        return CheckerPair(
            check_classifier(self.model),
            rows,
            labels,
            workshop,
            self.weighting.checker_recipe,
            quality_model=quality_model,
            quality_rows=self.quality_dataset,
            diversity_model=diversity_model,
        )

    def _known_weights(self) -> RowWeights:
        if self.row_weights_ is None:
            raise NotFittedError("there are no weights yet; call `prepare_weights()` or `train()` first.")
        return self.row_weights_

    def _groups(self, column: str | None = None) -> tuple[str, ...] | None:
        column = column or self.weighting.group_column
        if column is None or not isinstance(self.train_dataset, Dataset):
            return None
        if column not in self.train_dataset.column_names:
            known = ", ".join(self.train_dataset.column_names)
            raise ColumnError(f"the training rows have no column {column!r} to group by; their columns are {known}.")
        values = self.train_dataset.with_format(None)[column][:]
        feature = self.train_dataset.features[column]
        return tuple(feature.int2str(value) if isinstance(feature, ClassLabel) else str(value) for value in values)

    def _saved_weights(self, resume_from_checkpoint: str | bool) -> RowWeights | None:
        """What the run that is resumed has saved; one process looks for all."""
        found: list[RowWeights | None] = [None]
        if self.args.should_save:
            folders = [Path(str(self.args.output_dir))]
            if isinstance(resume_from_checkpoint, (str, Path)):
                folders.append(Path(resume_from_checkpoint).parent)
            for folder in folders:
                try:
                    rows, record = load_weights(folder / FOLDER)
                except SourceNotFoundError:
                    continue
                if found[0] is None and record["key"] == self._key:
                    found = [rows]
                    self._reports = {name: CheckerReport(**report) for name, report in record["checkers"].items()}
            if found[0] is None and self._checkers is not None:
                _logger.warning("No scores of these rows were saved with the run; fitting the checkers again.")
        if self.args.world_size > 1:
            broadcast_object_list(found)
        return found[0]

    def _save_weights(self) -> None:
        if not self.args.should_save:
            return
        rows = self._known_weights()
        record = {
            "trainer": type(self).__name__,
            "key": self._key,
            "settings": {f.name: getattr(self.weighting, f.name) for f in fields(self.settings_class)},
            "n_rows": rows.weights.shape[1],
            "n_rows_in_quality_set": self._n_shared,
            "checkers": {name: asdict(report) for name, report in self.checker_reports().items()},
            "weights": [asdict(summary) for summary in self.weight_diagnostics()],
        }
        save_weights(Path(str(self.args.output_dir)) / FOLDER, rows, record)

    def _begin_run(self) -> None:
        """Called when training begins, with the epoch it begins at in `self.state`."""
        if self.row_weights_ is None or self.state.global_step > 0:
            return
        logs: dict[str, float] = {}
        for name, report in self.checker_reports().items():
            logs[f"{name}_checker_accuracy"] = report.accuracy
            logs[f"{name}_checker_calibration_error"] = report.calibration_error
        for summary in self.weight_diagnostics():
            logs |= summary.logs()
        if logs:
            self.log(logs)

    def _end_epoch(self) -> None:
        """Called when an epoch ends."""


class _WeightLog(TrainerCallback):
    def __init__(self, trainer: CheckedTrainer) -> None:
        self._trainer = trainer

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        self._trainer._begin_run()

    def on_epoch_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        self._trainer._end_epoch()
