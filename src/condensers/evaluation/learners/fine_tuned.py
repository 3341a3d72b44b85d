"""Any transformers classifier, fine-tuned."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from condensers.data import WEIGHT_COLUMN, quiet_loading, temporary_seed
from condensers.embedding import DEFAULT_EMBEDDER
from condensers.errors import SettingError
from condensers.evaluation.learners.batching import iter_by_length
from condensers.evaluation.learners.folders import learner_folder
from condensers.evaluation.learners.protocol import check_training_rows, relative_weights
from condensers.evaluation.learners.settings import check_settings

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainingArguments


@dataclass(frozen=True)
class FineTuned:
    """Fine-tunes a pretrained model by the protocol of CondenseLM (Table 13), which is that of DiLM.

    AdamW, 200 steps of up to 64 rows, learning rate 1e-4 with linear warm-up over half of the steps and linear decay
    after, weight decay 0.01, gradients clipped at norm 1.0, dropout 0.1. With fewer rows than a batch, each step sees
    them all.

    Attributes:
        model: Hub id or folder of any model that `AutoModelForSequenceClassification` loads; ``"offline"`` for the
            bundled MiniLM. The papers' models are BERT-base, BERT-large, RoBERTa-base and XLNet-base.
        max_steps: Optimiser steps.
        batch_size: Rows a step.
        learning_rate: Peak of the schedule.
        warmup_ratio: Share of the steps over which the rate rises.
        weight_decay: Of AdamW.
        max_grad_norm: Norm at which gradients are clipped.
        dropout: Rate of every dropout to which the architecture's config gives a rate.
        max_length: Tokens a text, the rest cut off; at most what the model reads.

    Raises:
        SettingError: if a setting is out of its range.
    """

    model: str | Path = DEFAULT_EMBEDDER
    max_steps: int = 200
    batch_size: int = 64
    learning_rate: float = 1e-4
    warmup_ratio: float = 0.5
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    dropout: float = 0.1
    max_length: int = 128
    name: ClassVar[str] = "fine_tuned"

    def __post_init__(self) -> None:
        check_settings(
            self,
            whole=("max_steps", "batch_size", "max_length"),
            positive=("learning_rate", "max_grad_norm"),
            shares=("warmup_ratio", "dropout"),
        )
        if self.weight_decay < 0:
            raise SettingError(f"`weight_decay` must be at least 0; got {self.weight_decay!r}.")

    def fit(
        self,
        texts: Sequence[str],
        codes: np.ndarray,
        n_classes: int,
        *,
        seed: int,
        weights: np.ndarray | None = None,
    ) -> "FineTunedClassifier":
        """Fine-tunes a fresh copy of the model; see `Learner.fit`.

        Raises:
            RowError: if texts, codes and weights do not fit together.
            SourceNotFoundError: if the model is not to be had.
            SettingError: if its tokenizer has no token to pad with.
        """
        from transformers import DataCollatorWithPadding, PrinterCallback, Trainer

        codes = check_training_rows(texts, codes, n_classes)
        weights = relative_weights(weights, len(texts))
        folder = learner_folder(self.model)
        tokenizer = _tokenizer(folder)
        max_length = min(self.max_length, tokenizer.model_max_length)
        rows = [
            {"input_ids": ids, "labels": code}
            for ids, code in zip(_token_ids(texts, tokenizer, max_length), codes.tolist(), strict=True)
        ]
        trainer_class: type[Trainer] = Trainer
        if weights is not None:
            from condensers.trainers import ImportanceWeightedTrainer

            trainer_class = ImportanceWeightedTrainer
            rows = [{**row, WEIGHT_COLUMN: weight} for row, weight in zip(rows, weights.tolist(), strict=True)]
        with temporary_seed(seed), tempfile.TemporaryDirectory() as scratch:
            model = self._fresh_model(folder, n_classes, tokenizer.pad_token_id)
            trainer = trainer_class(
                model=model,
                args=self._arguments(scratch, seed),
                train_dataset=rows,
                data_collator=DataCollatorWithPadding(tokenizer),
            )
            trainer.remove_callback(PrinterCallback)  # it prints the final metrics when progress bars are off
            trainer.train()
        return FineTunedClassifier(model.eval(), tokenizer, max_length)

    def _fresh_model(self, folder: Path, n_classes: int, pad_token_id: int) -> "PreTrainedModel":
        from transformers import AutoConfig, AutoModelForSequenceClassification

        config = AutoConfig.from_pretrained(folder, num_labels=n_classes)
        for name, value in config.to_dict().items():
            if isinstance(value, float) and ("dropout" in name or name.endswith("pdrop")):
                setattr(config, name, self.dropout)
        if getattr(config, "pad_token_id", None) is None:
            config.pad_token_id = pad_token_id
        with quiet_loading():
            return AutoModelForSequenceClassification.from_pretrained(folder, config=config, dtype="float32")

    def _arguments(self, scratch: str, seed: int) -> "TrainingArguments":
        from transformers import TrainingArguments

        args = TrainingArguments(
            output_dir=scratch,
            max_steps=self.max_steps,
            per_device_train_batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            warmup_steps=round(self.warmup_ratio * self.max_steps),
            lr_scheduler_type="linear",
            weight_decay=self.weight_decay,
            max_grad_norm=self.max_grad_norm,
            optim="adamw_torch",
            seed=seed,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        # A step sees `batch_size` rows however many devices share them.
        args.per_device_train_batch_size = max(1, self.batch_size // (args.world_size * max(1, args.n_gpu)))
        return args


@dataclass(frozen=True)
class FineTunedClassifier:
    """A fine-tuned model.

    Attributes:
        model: The model, in evaluation mode.
        tokenizer: Its tokenizer.
        max_length: Tokens a text, the rest cut off.
    """

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    max_length: int

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        """Classifies texts, in batches of about equal length; see `Classifier.predict`.

        Shape:
            returns: (n_texts,), int64.
        """
        import torch

        ids = _token_ids(texts, self.tokenizer, self.max_length)
        codes = np.empty(len(ids), dtype=np.int64)
        with torch.inference_mode():
            for positions in iter_by_length([len(row) for row in ids], 64):
                batch = self.tokenizer.pad({"input_ids": [ids[i] for i in positions]}, return_tensors="pt")
                codes[positions] = self.model(**batch.to(self.model.device)).logits.argmax(dim=-1).cpu().numpy()
        return codes


def _tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    if tokenizer.pad_token is None:
        # GPT-2 and its kin were never trained on batches of unequal rows; padding is masked, so any token will do.
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if tokenizer.pad_token is None:
        raise SettingError(f"the tokenizer in {str(folder)!r} has no token to pad with. Set its `pad_token`.")
    return tokenizer


def _token_ids(texts: Sequence[str], tokenizer: "PreTrainedTokenizerBase", max_length: int) -> list[list[int]]:
    return tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]
