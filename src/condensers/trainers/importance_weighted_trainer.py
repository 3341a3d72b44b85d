"""IMP-Loss: training on rows weighted by how real they look, over how common they are."""

from typing import Any

import numpy as np
import torch
from datasets import Dataset

from condensers.data import WEIGHT_COLUMN, check_weights
from condensers.trainers.checked_trainer import CheckedTrainer
from condensers.trainers.checker_pair import CheckerPair
from condensers.trainers.checkers import ClassifierLike
from condensers.trainers.importance_weighted_config import ImportanceWeightedArguments
from condensers.trainers.importance_weights import importance_weights, self_normalized
from condensers.trainers.weight_diagnostics import RowWeights


class ImportanceWeightedTrainer(CheckedTrainer):
    r"""`Trainer` with IMP-Loss (Section 4.1, Eq. 6, Algorithm 1).

    .. math:: L = -\frac{1}{N} \sum_{i=1}^N \frac{\hat P'(y_i \mid x_i)}{\hat Q(y_i \mid x_i)}
       \log \hat P(y_i \mid x_i; \theta)

    Before training, a quality checker P' is fitted on the quality set and a diversity checker Q on the training rows,
    and both score the training rows. That costs about one more training; `DIMPTrainer` does without it.

    Example::

        trainer = ImportanceWeightedTrainer(
            model=model, args=args, train_dataset=synthetic, quality_dataset=real, processing_class=tokenizer
        )
        trainer.train()
        trainer.plot_weights(by="part").savefig("weights.png")

    Args:
        *args: As for `Trainer`. Rows of text are tokenised with `processing_class`; rows with ``input_ids`` stay as
            they are. `args` may be an `ImportanceWeightedConfig`. A column ``importance_weight`` of `train_dataset` is
            taken as it is, up to `max_weight` and `normalize_weights`, and no checker is needed.
        quality_model: P': a classifier, a `LabelConfidence`, a Hub id or a folder.
        quality_dataset: A small real set. Without `quality_model`, a copy of `model` is fitted on it.
        diversity_model: Q; None fits a copy of `model` on the training rows.
        **kwargs: As for `Trainer`.

    Raises:
        SettingError: if it is not said where the weights come from, or said twice.
        RowError: if the quality set is empty, classes cannot be matched by name, or weights are NaN, infinite,
            negative or all zero.
        ColumnError: if a column is missing.
    """

    carried_columns = (WEIGHT_COLUMN,)
    ready_column = WEIGHT_COLUMN
    settings_class = ImportanceWeightedArguments

    def __init__(
        self,
        *args: Any,  # noqa: ANN401
        quality_model: ClassifierLike | None = None,
        quality_dataset: Dataset | None = None,
        diversity_model: ClassifierLike | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(
            *args,
            quality_model=quality_model,
            quality_dataset=quality_dataset,
            diversity_model=diversity_model,
            **kwargs,
        )

    def _row_weights(self, columns: dict[str, torch.Tensor], log_probs: torch.Tensor) -> torch.Tensor:
        return self._column(columns, WEIGHT_COLUMN).float()

    def _make_weights(self, checkers: CheckerPair) -> RowWeights:
        quality, diversity = checkers.quality_log_probs(), checkers.diversity_log_probs()
        weights = importance_weights(
            torch.from_numpy(quality), torch.from_numpy(diversity), max_weight=self.weighting.max_weight
        ).numpy()
        check_weights(weights, WEIGHT_COLUMN)
        return RowWeights(weights[None], quality, diversity[None], self._groups())

    def _ready_weights(self, values: np.ndarray) -> RowWeights:
        check_weights(values, WEIGHT_COLUMN)
        if self.weighting.max_weight is not None:
            values = values.clip(max=self.weighting.max_weight)
        return RowWeights(values[None], groups=self._groups())

    def _columns_of(self, rows: RowWeights) -> dict[str, np.ndarray]:
        weights = torch.from_numpy(rows.weights[0])
        return {WEIGHT_COLUMN: (self_normalized(weights) if self.weighting.normalize_weights else weights).numpy()}
