"""Focal loss: training on rows weighted by how little the model knows them."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from condensers.errors import SettingError
from condensers.trainers.focal_config import FocalArguments
from condensers.trainers.importance_weights import IGNORED_LABEL, row_cross_entropy
from condensers.trainers.training_rows import tokenized
from condensers.trainers.weighted_loss import WeightedLossTrainer


def focal_weights(log_probs: torch.Tensor, gamma: float) -> torch.Tensor:
    r"""The modulating factor of the focal loss (Lin et al. 2017, Eq. 4).

    .. math:: w_i = \big(1 - \hat P(y_i \mid x_i; \theta)\big)^\gamma

    Unlike the weights of IMP-Loss and DIMP-Loss it is part of the loss: the gradient flows through it.

    Args:
        log_probs: Log-probability of each row's label under the live model.
        gamma: The focusing parameter.

    Shape:
        log_probs, returns: (n_rows,).
    """
    # Of a probability of exactly 1, a power below 1 has no gradient.
    miss = (-torch.expm1(log_probs)).clamp(min=torch.finfo(log_probs.dtype).tiny)
    return miss**gamma


class FocalTrainer(WeightedLossTrainer):
    r"""`Trainer` with the focal loss (Lin et al. 2017, Eq. 5), a baseline of IMP-Loss (Section 2.2).

    .. math:: L = -\frac{1}{N} \sum_{i=1}^N \alpha_{y_i} \big(1 - \hat P(y_i \mid x_i; \theta)\big)^\gamma
       \log \hat P(y_i \mid x_i; \theta)

    N counts rows, whatever their class weights, so with `gamma` 0 and no class weights this is `Trainer`. Label
    smoothing smooths the cross-entropy and not the factor. The loss of an evaluation is plain cross-entropy.

    Example::

        trainer = FocalTrainer(
            model=model, args=FocalConfig("run", gamma=2.0), train_dataset=rows, processing_class=tokenizer
        )
        trainer.train()

    Args:
        *args: As for `Trainer`. Rows of text are tokenised with `processing_class`; rows with ``input_ids`` stay as
            they are. `args` may be a `FocalConfig`.
        **kwargs: As for `Trainer`.

    Raises:
        SettingError: if the model does not tell classes apart, or `class_weights` does not fit its classes.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  (those of Trainer)
        super().__init__(*args, **kwargs)
        self.weighting = self.args if isinstance(self.args, FocalArguments) else FocalArguments()
        given, n_classes = self.weighting.class_weights, self._config.num_labels
        if given is not None and len(given) != n_classes:
            raise SettingError(f"`class_weights` must hold one number for each of {n_classes} classes; got {given}.")
        self._class_weights = None if given is None else torch.tensor(given)
        with self.args.main_process_first(desc="tokenisation"):
            self.train_dataset, self.eval_dataset = (
                tokenized(part, self.processing_class, self._config)
                for part in (self.train_dataset, self.eval_dataset)
            )

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, Any]:
        """Focal loss while the model trains, cross-entropy while it is evaluated.

        Raises:
            ColumnError: if a batch lacks labels.
        """
        if not model.training or self.label_names[0] not in inputs:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        inputs = dict(inputs)
        labels = inputs.pop(self.label_names[0]).view(-1)
        outputs = model(**inputs)
        logits = outputs["logits"] if isinstance(outputs, Mapping) else outputs[0]
        losses = row_cross_entropy(logits, labels, self.args.label_smoothing_factor)
        n_rows = (labels != IGNORED_LABEL).sum() if num_items_in_batch is None else num_items_in_batch
        # The base class hands out probabilities without their gradient, which this loss needs.
        weights = focal_weights(-losses.label, self.weighting.gamma)
        if self._class_weights is not None:
            weights = weights * self._class_weights.to(labels.device)[labels.clamp(min=0)]
        loss = losses.total(n_rows, weights)
        if self.args.average_tokens_across_devices and num_items_in_batch is not None:
            loss = loss * self.accelerator.num_processes
        if return_outputs and not isinstance(outputs, Mapping):
            outputs = (loss, *outputs)
        return (loss, outputs) if return_outputs else loss
