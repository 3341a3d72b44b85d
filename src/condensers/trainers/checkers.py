"""Quality and diversity checkers as a trainer uses them."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainingArguments

from condensers.errors import ColumnError, SettingError
from condensers.rewards import (
    CheckerReport,
    FitRecipe,
    LabelConfidence,
    Labels,
    check_classifier,
    config_names,
    fit_classifier,
    input_columns,
    match_labels,
    report_checker,
    score_rows,
)

ClassifierLike = str | os.PathLike[str] | PreTrainedModel
Collate = Callable[[list[dict[str, Any]]], Any]

_TOKEN_COLUMNS = ("input_ids", "attention_mask", "token_type_ids", "position_ids")


@dataclass(frozen=True)
class Workshop:
    """What checkers share with the trainer that they serve.

    Attributes:
        args: Device, precision, processes and seed.
        processing_class: The trainer's tokenizer.
        collate: The trainer's collator.
        autocast: The trainer's mixed precision.
        batch_size: Rows a forward pass when scoring.
    """

    args: TrainingArguments
    processing_class: PreTrainedTokenizerBase | None
    collate: Collate
    autocast: Callable[[], AbstractContextManager]
    batch_size: int


class Checker:
    """A classifier that scores the rows of a trainer.

    Args:
        model: The classifier.
        workshop: What it shares with the trainer.
        name: What to call it in messages.
        reads_tokens: Whether it is known to read the trainer's tokens; otherwise the tokenizers are compared.
    """

    def __init__(self, model: LabelConfidence, workshop: Workshop, name: str, *, reads_tokens: bool = False) -> None:
        self.model = model
        self.name = name
        self._workshop = workshop
        self._reads_tokens = reads_tokens

    @classmethod
    def like(cls, model: nn.Module, labels: Labels, workshop: Workshop, name: str) -> "Checker":
        """An unfitted checker around a copy of the trainer's own model, whose classes are those of `labels`."""
        wrapped = LabelConfidence.from_classifier(check_classifier(model), processing_class=workshop.processing_class)
        if labels.names is not None:
            n_classes = wrapped.config.num_labels or 0
            spare = tuple(f"LABEL_{code}" for code in range(len(labels.names), n_classes))
            wrapped.config.name_labels((*labels.names[:n_classes], *spare))
        return cls(wrapped, workshop, name, reads_tokens=True)

    def codes(self, labels: Labels) -> np.ndarray:
        """The classes of rows in this checker's counting; see `match_labels`.

        Raises:
            RowError: if a class of the rows is unknown to the checker.
        """
        names, n_classes = config_names(self.model.config), self.model.config.num_labels or 0
        return match_labels(labels, names, n_classes, what=self.name)

    def fit(self, rows: Dataset, labels: Labels, recipe: FitRecipe) -> None:
        """Fits the checker with cross-entropy and puts it back into main memory."""
        args = self._workshop.args
        rows, collate = self._readable(rows)
        rows = rows.add_column("labels", self.codes(labels))
        fit_classifier(self.model.backbone, rows, recipe, collate, seed=args.seed, args=args)
        move(self.model, "cpu")

    def score(self, rows: Dataset) -> np.ndarray:
        """Log-probabilities of all classes.

        Shape:
            returns: (n_rows, n_classes), float32.
        """
        device = next(self.model.parameters()).device
        rows, collate = self._readable(rows)
        move(self.model, self._workshop.args.device)
        try:
            return score_rows(
                self.model,
                rows,
                collate,
                batch_size=self._workshop.batch_size,
                autocast=self._workshop.autocast,
                progress=not self._workshop.args.disable_tqdm,
            )
        finally:
            move(self.model, device)

    def label_log_probs(self, rows: Dataset, labels: Labels) -> np.ndarray:
        """Log-probability of each row's label; shape (n_rows,), float32."""
        codes = self.codes(labels)
        return self.score(rows)[np.arange(len(codes)), codes]

    def report(self, rows: Dataset, labels: Labels, *, in_sample: bool) -> CheckerReport:
        """Accuracy and calibration on labelled rows."""
        return report_checker(self.score(rows), self.codes(labels), in_sample=in_sample)

    def _readable(self, rows: Dataset) -> tuple[Dataset, Collate]:
        """The rows in this checker's tokens, and what collates them."""
        own = None if self._reads_tokens else self.model.processing_class
        if own is None or _same_tokens(own, self._workshop.processing_class):
            return rows.select_columns(input_columns(self.model.backbone, rows)), self._workshop.collate
        bare = rows.remove_columns([name for name in _TOKEN_COLUMNS if name in rows.column_names])
        try:
            rows = self.model.tokenize(bare)
        except ColumnError as error:
            raise SettingError(
                f"{self.name} has a tokenizer of its own, so it must read the text of the rows, which have none that "
                f"it can find ({error}) Keep one text column, or take a model that shares the trainer's tokenizer."
            ) from error
        return rows.select_columns(input_columns(self.model.backbone, rows)), self.model.collate


def move(model: nn.Module, device: torch.device | str) -> None:
    """Moves a model to a device."""
    model.to(device)


def _same_tokens(one: PreTrainedTokenizerBase, other: PreTrainedTokenizerBase | None) -> bool:
    if one is other:
        return True
    return other is not None and type(one) is type(other) and one.get_vocab() == other.get_vocab()
