"""DIMP-Loss: training on rows weighted by how real they look, over how well the model knows them by now."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from datasets import Dataset

from condensers.trainers.checked_trainer import CheckedTrainer
from condensers.trainers.checker_pair import CheckerPair
from condensers.trainers.checkers import ClassifierLike
from condensers.trainers.dimp_config import DIMPArguments
from condensers.trainers.importance_weights import check_log_probs, importance_weights, self_normalized
from condensers.trainers.weight_diagnostics import RowWeights, diagnose_weights

QUALITY_COLUMN = "quality_log_prob"
ROW_COLUMN = "row_index"


class DIMPTrainer(CheckedTrainer):
    r"""`Trainer` with DIMP-Loss (Section 4.2, Eq. 9, Algorithm 2).

    .. math:: L = -\frac{1}{N} \sum_{i=1}^N \frac{\hat P'(y_i \mid x_i)}{\hat P(y_i \mid x_i; \theta_t)}
       \log \hat P(y_i \mid x_i; \theta_t)

    A quality checker P' is fitted on the quality set and scores the training rows once. The denominator comes from the
    forward pass that is made anyway and carries no gradient, so a step costs what a step of `Trainer` costs.

    With `use_diversity_checker` off, a row weighs P'(y | x) throughout: the ablation of Table 1.

    Example::

        trainer = DIMPTrainer(
            model=model, args=args, train_dataset=synthetic, quality_dataset=real, processing_class=tokenizer
        )
        trainer.train()

    Args:
        *args: As for `Trainer`. Rows of text are tokenised with `processing_class`; rows with ``input_ids`` stay as
            they are. `args` may be a `DIMPConfig`. A column ``quality_log_prob`` of `train_dataset`, log P'(y | x), is
            taken as it is, and no checker is needed.
        quality_model: P': a classifier, a `LabelConfidence`, a Hub id or a folder.
        quality_dataset: A small real set. Without `quality_model`, a copy of `model` is fitted on it.
        **kwargs: As for `Trainer`.

    Raises:
        SettingError: if it is not said where P' comes from, or said twice.
        RowError: if the quality set is empty, classes cannot be matched by name, or P' is NaN, above 1 or zero for
            every row.
        ColumnError: if a column is missing.
    """

    carried_columns = (QUALITY_COLUMN, ROW_COLUMN)
    ready_column = QUALITY_COLUMN
    settings_class = DIMPArguments
    weighting: DIMPArguments

    def __init__(
        self,
        *args: Any,  # noqa: ANN401
        quality_model: ClassifierLike | None = None,
        quality_dataset: Dataset | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, quality_model=quality_model, quality_dataset=quality_dataset, **kwargs)
        self._live: torch.Tensor | None = None

    def _row_weights(self, columns: dict[str, torch.Tensor], log_probs: torch.Tensor) -> torch.Tensor:
        quality = self._column(columns, QUALITY_COLUMN).to(log_probs.device)
        live = log_probs if self.weighting.use_diversity_checker else torch.zeros_like(log_probs)
        weights = importance_weights(quality, live, max_weight=self.weighting.max_weight)
        if self._live is not None and ROW_COLUMN in columns:
            self._live[columns[ROW_COLUMN]] = log_probs
        return self_normalized(weights) if self.weighting.normalize_weights else weights

    def _make_weights(self, checkers: CheckerPair) -> RowWeights:
        return self._ready_weights(checkers.quality_log_probs())

    def _ready_weights(self, values: np.ndarray) -> RowWeights:
        check_log_probs(values, QUALITY_COLUMN)
        if not self.weighting.use_diversity_checker:
            return RowWeights(self._weights_over(values, np.zeros_like(values))[None], values, groups=self._groups())
        none_yet = np.empty((0, len(values)), dtype=np.float32)
        return RowWeights(none_yet, values, none_yet, self._groups())

    def _columns_of(self, rows: RowWeights) -> dict[str, np.ndarray]:
        columns = {} if rows.quality is None else {QUALITY_COLUMN: rows.quality}
        if rows.diversity is not None:
            columns[ROW_COLUMN] = np.arange(rows.weights.shape[1])
        return columns

    def _weights_over(self, quality: np.ndarray, live: np.ndarray) -> np.ndarray:
        limit = self.weighting.max_weight
        return importance_weights(torch.from_numpy(quality), torch.from_numpy(live), max_weight=limit).numpy()

    def _begin_run(self) -> None:
        rows = self.row_weights_
        if rows is not None and rows.diversity is not None:
            # Epochs that were recorded after the checkpoint will be run again.
            done = math.floor((self.state.epoch or 0.0) + 1e-6)
            self.row_weights_ = replace(rows, weights=rows.weights[:done], diversity=rows.diversity[:done])
            self._live = torch.full((rows.weights.shape[1],), math.nan, device=self.args.device)
        super()._begin_run()

    def _end_epoch(self) -> None:
        rows = self.row_weights_
        if self._live is None or rows is None or rows.diversity is None or rows.quality is None:
            return
        seen = self._live
        if self.args.world_size > 1:
            # A row that was dealt to two processes, to even out their batches, takes what the last one saw.
            for part in self.accelerator.gather(seen[None]):
                seen = torch.where(part.isnan(), seen, part)
        live = seen.cpu().numpy()
        self._live = torch.full_like(seen, math.nan)
        if np.isnan(live).all():
            return
        weights = self._weights_over(rows.quality, live)
        rows = replace(
            rows,
            weights=np.concatenate([rows.weights, weights[None]]),
            diversity=np.concatenate([rows.diversity, live[None]]),
        )
        self.row_weights_ = rows
        self.log(diagnose_weights(rows, max_weight=self.weighting.max_weight).logs())
        self._save_weights()
