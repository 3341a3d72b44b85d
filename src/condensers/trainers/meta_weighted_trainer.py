"""Learning to reweight: training on rows weighted by how much they help on clean ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from safetensors.torch import load_file, save_file
from torch.nn.attention import SDPBackend, sdpa_kernel

from condensers.errors import SettingError, SourceNotFoundError
from condensers.rewards import check_classifier, input_columns, match_labels, read_labels
from condensers.trainers.clean_batches import CleanBatches
from condensers.trainers.importance_weights import IGNORED_LABEL
from condensers.trainers.meta_weighted_config import MetaWeightedArguments
from condensers.trainers.meta_weights import (
    LabelledBatch,
    MetaStep,
    rectified_shares,
    softmax_shares,
    updated_scores,
)
from condensers.trainers.training_rows import check_quality_rows, tokenized, training_labels
from condensers.trainers.weighted_loss import WeightedLossTrainer

WEIGHT_COLUMN = "meta_weight"
ROW_COLUMN = "row_index"
SCORES_FILE = "row_scores.safetensors"


class MetaWeightedTrainer(WeightedLossTrainer):
    r"""`Trainer` with row weights learned on a small clean set, a baseline of IMP-Loss (Section 2.2).

    .. math:: L = \sum_i a_i \, \ell_i(\theta), \qquad \sum_i a_i = 1 \text{ over the rows of one optimiser step}

    With ``variant="ren"`` (Ren et al. 2018, Algorithm 1), shares are made afresh in each step: the part of a virtual
    step that helps on clean rows, clipped at zero. With ``variant="hu"`` (Hu et al. 2019, Section 4.3), each row has a
    score that is kept from visit to visit and descends the gradient of the clean loss; shares are its softmax.

    The weights of a step are found before its first forward pass, for all batches that it accumulates, without
    dropout. That costs about as much as one more step (ren) or two (hu).

    Example::

        trainer = MetaWeightedTrainer(
            model=model, args=args, train_dataset=synthetic, quality_dataset=real, processing_class=tokenizer
        )
        trainer.train()

    Args:
        *args: As for `Trainer`. Rows of text are tokenised with `processing_class`; rows with ``input_ids`` stay as
            they are. `args` may be a `MetaWeightedConfig`.
        quality_dataset: A small clean set, its classes matched with those of the training rows by name.
        **kwargs: As for `Trainer`.

    Attributes:
        row_weights_: The weight that each training row had when it was last trained on, 1 on average; NaN for rows
            not seen yet; None without training rows. Shape (n_rows,), float32.

    Raises:
        SettingError: if there is no clean set, the rows are not a `datasets.Dataset`, or parameters are sharded.
        RowError: if the clean set is empty or classes cannot be matched by name.
        ColumnError: if a column is missing.
    """

    carried_columns = (WEIGHT_COLUMN, ROW_COLUMN)

    def __init__(
        self,
        *args: Any,  # noqa: ANN401
        quality_dataset: Dataset | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **kwargs)
        self.weighting = self.args if isinstance(self.args, MetaWeightedArguments) else MetaWeightedArguments()
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:
            raise SettingError(
                "meta-weighting needs whole parameters in each process; run without FSDP and DeepSpeed."
            )
        with self.args.main_process_first(desc="tokenisation"):
            self.train_dataset, self.eval_dataset, self.quality_dataset = (
                tokenized(part, self.processing_class, self._config)
                for part in (self.train_dataset, self.eval_dataset, quality_dataset)
            )
        self.row_weights_: torch.Tensor | None = None
        self._scores = torch.empty(0)
        if self.train_dataset is not None:
            self._prepare_rows()

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list, torch.Tensor | int | None]:
        """Fetches the batches of one optimiser step and weights their rows."""
        batches, n_items = super().get_batch_samples(epoch_iterator, num_batches, device)
        if batches:
            self._weight(batches)
        return batches, n_items

    def _row_weights(self, columns: dict[str, torch.Tensor], log_probs: torch.Tensor) -> torch.Tensor:
        return self._column(columns, WEIGHT_COLUMN)

    def _prepare_rows(self) -> None:
        rows, quality = self.train_dataset, self.quality_dataset
        if not isinstance(rows, Dataset) or not isinstance(quality, Dataset):
            raise SettingError(
                f"pass a small clean set as `quality_dataset=`, and it and the training rows as `datasets.Dataset`; "
                f"got {type(quality).__name__} and {type(rows).__name__}."
            )
        labels = training_labels(rows, self._config)
        n_classes = self._config.num_labels
        check_quality_rows(quality, rows, labels, n_classes=n_classes, warn=self.is_world_process_zero())
        codes = match_labels(read_labels(quality), labels.names, n_classes, what="the training rows")
        clean = quality.select_columns(input_columns(check_classifier(self.model), quality))
        self._clean = CleanBatches(
            clean.add_column("labels", codes),
            self.data_collator.collate,  # type: ignore[union-attr]
            size=self.weighting.quality_batch_size,
            seed=self.args.seed,
        )
        index = torch.arange(len(rows))
        kept = rows.remove_columns([name for name in (ROW_COLUMN,) if name in rows.column_names])
        self.train_dataset = kept.add_column(ROW_COLUMN, index.numpy())
        self.row_weights_ = torch.full((len(rows),), torch.nan)
        self._scores = torch.zeros(len(rows))

    def _weight(self, batches: list[Any]) -> None:
        """Puts the weights of one step into its batches."""
        train = [self._labelled(batch) for batch in batches]
        index = torch.cat([batch[ROW_COLUMN] for batch in batches]).cpu()
        n_rows = self._total(torch.stack([(batch.labels != IGNORED_LABEL).sum() for batch in train]).sum())
        with self._differentiable():
            weights = self._shares(train, index) * n_rows
        self._keep(self.row_weights_, index, weights)
        for batch, part in zip(batches, weights.split([len(b.labels) for b in train]), strict=True):
            batch[WEIGHT_COLUMN] = part

    def _shares(self, train: list[LabelledBatch], index: torch.Tensor) -> torch.Tensor:
        """Shares of the rows of one step; shape (n_rows,), float32, 1 in sum over all processes."""
        model = check_classifier(self.model)
        step = MetaStep(
            model=model,
            parameters={name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad},
            train=train,
            clean=self._labelled(self._clean.batch(self.state.global_step)),
            smoothing=self.args.label_smoothing_factor,
            total=self._total,
        )
        if self.weighting.variant == "ren":
            return rectified_shares(step)
        virtual = self.weighting.virtual_learning_rate
        scores = updated_scores(
            step,
            self._scores[index].to(self.args.device),
            virtual_learning_rate=self._get_learning_rate() if virtual is None else virtual,
            score_learning_rate=self.weighting.score_learning_rate,
            score_retention=self.weighting.score_retention,
        )
        self._keep(self._scores, index, scores)
        return softmax_shares(scores, self._total)

    @contextmanager
    def _differentiable(self) -> Iterator[None]:
        """Dropout off, and attention by the only kernel of torch 2.13 that has a forward derivative."""
        model = check_classifier(self.model)
        was_training = model.training
        model.eval()
        try:
            with sdpa_kernel(SDPBackend.MATH), self.compute_loss_context_manager():
                yield
        finally:
            model.train(was_training)

    def _labelled(self, batch: Any) -> LabelledBatch:  # noqa: ANN401  (a BatchEncoding or a dict)
        name = self.label_names[0]
        inputs = {key: value for key, value in batch.items() if key not in (name, *self.carried_columns)}
        return LabelledBatch(self._prepare_inputs(inputs), batch[name].view(-1).to(self.args.device))

    def _total(self, values: torch.Tensor) -> torch.Tensor:
        return self.accelerator.reduce(values, "sum") if self.args.world_size > 1 else values

    def _keep(self, store: torch.Tensor | None, index: torch.Tensor, values: torch.Tensor) -> None:
        """Writes down a number for each row of the step, of all processes."""
        if store is None:
            return
        found = torch.stack([index.double(), values.detach().cpu().double()], dim=1)
        if self.args.world_size > 1:
            # Processes need not hold equally many rows.
            found = self.accelerator.pad_across_processes(found.to(self.args.device), pad_index=-1)
            found = self.accelerator.gather(found).cpu()
            found = found[found[:, 0] >= 0]
        store[found[:, 0].long()] = found[:, 1].float()

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        super()._save_optimizer_and_scheduler(output_dir)
        if self.args.should_save and self.weighting.variant == "hu":
            save_file({"scores": self._scores}, Path(output_dir) / SCORES_FILE)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is None or self.weighting.variant != "hu":
            return
        path = Path(checkpoint) / SCORES_FILE
        if not path.is_file():
            raise SourceNotFoundError(
                f"the checkpoint {checkpoint!r} holds no {SCORES_FILE}; another trainer saved it."
            )
        scores = load_file(path)["scores"]
        if scores.shape != self._scores.shape:
            raise SettingError(
                f"the checkpoint {checkpoint!r} is of a run on {len(scores)} rows; now there are {len(self._scores)}."
            )
        self._scores = scores
