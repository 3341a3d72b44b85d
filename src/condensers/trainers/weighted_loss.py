"""A Trainer whose loss weights each row."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from transformers import Trainer

from condensers.errors import ColumnError, SettingError
from condensers.rewards import check_classifier
from condensers.trainers.carried_columns import CarriedColumns
from condensers.trainers.importance_weights import IGNORED_LABEL, row_cross_entropy


class WeightedLossTrainer(Trainer):
    r"""Base of the trainers that weight the cross-entropy of each row (IMP-Loss, Section 2.2, Eq. 2).

    .. math:: L = \frac{1}{N} \sum_{i=1}^N w_i \, \ell_i

    N counts the labelled rows of one optimiser step: of all accumulated batches, and of all processes unless
    `average_tokens_across_devices` is off. With all weights 1 the loss is that of a `Trainer` that divides by the
    right number. Evaluation takes the mean without weights, since it is done on real rows.

    A subclass names the columns that its weights are made of in `carried_columns` and makes the weights in
    `_row_weights`.

    Raises:
        SettingError: if the model does not tell classes apart, or `compute_loss_func` is given.
    """

    # transformers 5.23 divides by the accumulation steps once more unless told that this is done.
    loss_is_scaled_for_ga = True
    carried_columns: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  (those of Trainer)
        super().__init__(*args, **kwargs)
        if self.compute_loss_func is not None:
            raise SettingError(f"{type(self).__name__} has a loss of its own; drop `compute_loss_func`.")
        if len(self.label_names) != 1:
            raise SettingError(f"{type(self).__name__} needs one label a row; got {self.label_names}.")
        # Set by the model when it computes the loss itself, which it does not here.
        self._config.problem_type = "single_label_classification"
        self.data_collator = CarriedColumns(self.data_collator, self.carried_columns)

    @property
    def _config(self) -> Any:  # noqa: ANN401  (the attributes of a config depend on the architecture)
        return check_classifier(self.model).config

    def _row_weights(self, columns: dict[str, torch.Tensor], log_probs: torch.Tensor) -> torch.Tensor:
        """Makes the weights of one batch.

        Args:
            columns: The carried columns, by name.
            log_probs: Log-probability of each row's label under the live model, detached, float32.

        Shape:
            columns: (n_rows,) each.
            log_probs, returns: (n_rows,).
        """
        raise NotImplementedError

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, Any]:
        """Weighted cross-entropy while the model trains, the plain mean while it is evaluated.

        Raises:
            ColumnError: if a batch lacks labels or, in training, a column that the weights are made of.
        """
        inputs = dict(inputs)
        columns = {name: inputs.pop(name) for name in self.carried_columns if name in inputs}
        if self.label_names[0] not in inputs:
            raise ColumnError(f"a batch has no {self.label_names[0]!r}; its columns are {', '.join(inputs)}.")
        labels = inputs.pop(self.label_names[0]).view(-1)
        outputs = model(**inputs)
        logits = outputs["logits"] if isinstance(outputs, Mapping) else outputs[0]
        losses = row_cross_entropy(logits, labels, self.args.label_smoothing_factor)
        n_rows = (labels != IGNORED_LABEL).sum() if num_items_in_batch is None else num_items_in_batch
        if model.training:
            weights = self._row_weights(columns, losses.log_probs)
            loss = losses.total(n_rows, weights.to(labels.device))
            if self.args.average_tokens_across_devices and num_items_in_batch is not None:
                # The gradient is averaged over the processes, each of which has divided by the rows of all.
                loss = loss * self.accelerator.num_processes
        else:
            loss = losses.total((labels != IGNORED_LABEL).sum())
        if return_outputs and not isinstance(outputs, Mapping):
            outputs = (loss, *outputs)
        return (loss, outputs) if return_outputs else loss

    def _get_num_items_in_batch(self, batch_samples: list, device: torch.device) -> torch.Tensor | None:
        # Trainer counts only for models that take the count, and splits it where DataParallel is used.
        labels = [batch[self.label_names[0]] for batch in batch_samples if self.label_names[0] in batch]
        if not labels:
            return None
        count = torch.stack([(rows != IGNORED_LABEL).sum() for rows in labels]).sum().to(device)
        if self.args.average_tokens_across_devices and self.args.world_size > 1:
            count = self.accelerator.gather(count).sum()
        return count

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        columns: list[str] = self._signature_columns or []
        missing = [name for name in self.carried_columns if name not in columns]
        self._signature_columns = [*columns, *missing]  # type: ignore[assignment]

    def _column(self, columns: dict[str, torch.Tensor], name: str) -> torch.Tensor:
        if name not in columns:
            raise ColumnError(
                f"a training batch has no column {name!r}; the training rows must carry it, or {type(self).__name__} "
                f"must be given what it is computed from."
            )
        return columns[name]
