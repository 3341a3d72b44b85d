"""DIMP-Loss for language models: tokens weighted by how real they look, over how well the model knows them by now."""

import hashlib
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import nn
from torch.nn import functional
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    TrainingArguments,
)
from transformers.trainer_utils import TrainOutput
from trl import SFTConfig, SFTTrainer

from condensers.errors import ColumnError, RowError, SettingError, SourceNotFoundError
from condensers.rewards import rows_digest
from condensers.rewards.classifiers import weights_digest
from condensers.rewards.scoring import cached_scores
from condensers.trainers.checkers import move
from condensers.trainers.dimp_sft_config import DIMPSFTArguments
from condensers.trainers.importance_weights import check_log_probs, importance_weights
from condensers.trainers.parking import parked
from condensers.trainers.token_scores import CarriedTokens, score_tokens, token_counts

QUALITY_COLUMN = "quality_log_probs"


class DIMPSFTTrainer(SFTTrainer):
    r"""`SFTTrainer` with DIMP-Loss (Section 4.2, Eq. 9) for each token, as Section 7 of the paper proposes.

    .. math:: L = -\frac{1}{T} \sum_t \frac{\hat P'(y_t \mid y_{<t}, x)}{\hat P(y_t \mid y_{<t}, x; \theta)}
       \log \hat P(y_t \mid y_{<t}, x; \theta)

    T counts the predicted tokens of one optimiser step, as in `SFTTrainer`; padding and prompts are not among them. A
    quality model P', one that was trained on a little real text, scores the training rows once, before training, and
    its scores are cached. The denominator comes from the forward pass that is made anyway and carries no gradient.
    Evaluation is not weighted.

    Example::

        trainer = DIMPSFTTrainer(
            model="HuggingFaceTB/SmolLM2-135M", quality_model="me/smollm2-real", args=args, train_dataset=synthetic
        )
        trainer.train()

    Args:
        model: As for `SFTTrainer`.
        args: As for `SFTTrainer`; may be a `DIMPSFTConfig`. Without packing.
        *rest: As for `SFTTrainer`.
        quality_model: P', with the tokenizer of `model`: a causal language model, a Hub id or a folder. Not needed if
            `train_dataset` is tokenised and has a column ``quality_log_probs``: log P' of each token, 0 for tokens
            that are not predicted.
        **kwargs: As for `SFTTrainer`.

    Raises:
        SettingError: if it is not said where P' comes from, or said twice; if its tokenizer is another; or if `args`
            asks for packing, a loss of its own, label smoothing or sequence parallelism.
        SourceNotFoundError: if there is no such quality model.
        RowError: if ready log-probabilities are above 0, NaN or not one a token.
    """

    args: SFTConfig
    model: PreTrainedModel
    train_dataset: Dataset

    def __init__(
        self,
        model: str | PreTrainedModel,
        args: SFTConfig | TrainingArguments | None = None,
        *rest: Any,  # noqa: ANN401
        quality_model: str | os.PathLike[str] | PreTrainedModel | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        if isinstance(args, SFTConfig):
            _check_settings(args)
        super().__init__(model, args, *rest, **kwargs)
        _check_settings(self.args)
        if self.compute_loss_func is not None:
            raise SettingError("DIMPSFTTrainer has a loss of its own; drop `compute_loss_func`.")
        parallelism = self.accelerator.parallelism_config
        if parallelism is not None and (parallelism.sp_enabled or parallelism.cp_enabled):
            raise SettingError("DIMPSFTTrainer needs whole sequences; run without context or sequence parallelism.")
        self.weighting = self.args if isinstance(self.args, DIMPSFTArguments) else DIMPSFTArguments()
        self._check_source(quality_model)
        self._quality_model = None if quality_model is None else _load(quality_model, self._tokenizer)
        self._score_collate = self.data_collator
        self.data_collator = CarriedTokens(self.data_collator, (QUALITY_COLUMN,))

    def train(self, *args: Any, **kwargs: Any) -> TrainOutput:  # noqa: ANN401  (those of Trainer)
        """Scores the training rows and trains; see `Trainer.train`."""
        self.prepare_weights()
        return super().train(*args, **kwargs)

    def prepare_weights(self) -> None:
        """Has the quality model score the training rows; done once, by `train` if not before.

        Raises:
            RowError: if the quality model returns NaN.
        """
        rows = self.train_dataset
        if QUALITY_COLUMN in rows.column_names:
            return
        scores = self._quality_log_probs(rows.select_columns(["input_ids", "labels"]))
        values = np.split(scores, np.cumsum(token_counts(rows))[:-1])
        self.train_dataset = rows.add_column(QUALITY_COLUMN, values)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, Any]:
        """Weighted loss while the model trains, the plain mean while it is evaluated.

        Raises:
            ColumnError: if a training batch lacks the quality model's scores.
        """
        inputs = dict(inputs)
        quality = inputs.pop(QUALITY_COLUMN, None)
        if self.model.training:
            if quality is None:
                raise ColumnError(
                    f"a training batch has no column {QUALITY_COLUMN!r}; call `prepare_weights()` first."
                )
            weighted = _Weighted(model, partial(self._weigh, quality))
            return super().compute_loss(weighted, inputs, return_outputs, num_items_in_batch)
        return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)

    def _weigh(self, quality: torch.Tensor, log_probs: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Multiplies the log-probability of each token by its weight.

        Shape:
            quality: (n_rows, n_tokens).
            log_probs, mask, returns: (n_rows, n_tokens - 1), and as many more as a prompt-learning adapter prepends.
        """
        quality = quality[:, 1:].to(log_probs.device)
        quality = functional.pad(quality, (log_probs.shape[1] - quality.shape[1], 0))
        limit = self.weighting.max_weight
        weights = importance_weights(quality, log_probs, max_weight=limit)
        clipped = weights >= (float("inf") if limit is None else limit * (1 - 1e-6))
        sums = torch.stack([weights[mask].sum(), clipped[mask].sum(), mask.sum()])
        total, n_clipped, n_tokens = self.accelerator.gather(sums[None]).sum(0).tolist()
        self._metrics["train"]["weight_mean"].append(total / max(n_tokens, 1))
        self._metrics["train"]["weight_clipped_share"].append(n_clipped / max(n_tokens, 1))
        return weights * log_probs.float()

    def _check_source(self, quality_model: object) -> None:
        rows = self.train_dataset
        if not isinstance(rows, Dataset):
            raise SettingError(f"the quality model scores a `datasets.Dataset`; got {type(rows).__name__}.")
        ready = QUALITY_COLUMN in rows.column_names
        if ready == (quality_model is not None):
            raise SettingError(
                f"pass `quality_model=`, or training rows with a column {QUALITY_COLUMN!r}"
                + (", but not both." if ready else ".")
            )
        if ready:
            self.train_dataset = self._ready(rows)

    def _ready(self, rows: Dataset) -> Dataset:
        """Checks scores that came with the rows, and cuts them where SFTTrainer has cut the tokens."""
        n_tokens, n_scores = token_counts(rows), token_counts(rows, QUALITY_COLUMN)
        limit = self.args.max_length
        bad = (n_scores != n_tokens) & ((n_scores < n_tokens) | (n_tokens != limit))
        if bad.any():
            first = int(np.argmax(bad))
            raise RowError(
                f"column {QUALITY_COLUMN!r} must hold one number a token; row {first} has "
                f"{n_scores[first]} numbers for {n_tokens[first]} tokens. Tokenise the rows before they are scored."
            )
        if (n_scores > n_tokens).any():
            kept = slice(-(limit or 0), None) if self.args.truncation_mode == "keep_end" else slice(limit)
            rows = rows.map(lambda row: {QUALITY_COLUMN: row[QUALITY_COLUMN][kept]}, desc="Truncating scores")
        values = np.concatenate([np.asarray(row, dtype=np.float32) for row in rows.with_format(None)[QUALITY_COLUMN]])
        check_log_probs(values, QUALITY_COLUMN)
        return rows

    def _quality_log_probs(self, rows: Dataset) -> np.ndarray:
        """Log P' of the training rows' tokens, row after row; shape (n_tokens,), float32."""
        model = self._quality_model
        if model is None:
            raise SettingError("there is no quality model to score the training rows.")
        precision = f"{self.args.bf16}-{self.args.fp16}"
        digest = hashlib.sha256((weights_digest(model) + precision).encode()).hexdigest()

        def compute() -> np.ndarray:
            # A model that accelerate has spread over devices stays where it is.
            movable = getattr(model, "hf_device_map", None) is None
            # Main memory has room for both, since scoring takes less of it than training.
            on_device = self.place_model_on_device and self.args.device.type != "cpu"
            with parked(self.model, self.args, movable=on_device):
                device = model.device
                if movable:
                    move(model, self.args.device)
                try:
                    return score_tokens(
                        model,
                        rows,
                        self._score_collate,
                        batch_size=self.weighting.scoring_batch_size,
                        autocast=self.accelerator.autocast,
                        progress=not self.args.disable_tqdm,
                    )
                finally:
                    if movable:
                        move(model, device)

        return cached_scores((digest, rows_digest(rows, ("input_ids", "labels"))), compute)

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        columns: list[str] = self._signature_columns or []
        if QUALITY_COLUMN not in columns:
            columns.append(QUALITY_COLUMN)


class _Weighted:
    """Stands in for the model while `SFTTrainer` makes its loss of the log-probabilities that it returns.

    TRL 1.16 has no other place between the two, and so all that it does around them is kept: metrics, the loss of
    mixtures of experts, the number of tokens that is divided by.
    """

    def __init__(self, model: nn.Module, weigh: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        self._model = model
        self._weigh = weigh

    def __call__(self, **inputs: Any) -> Any:  # noqa: ANN401  (what the model returns)
        outputs = self._model(**inputs)
        if inputs.get("fused_lm_head"):
            outputs.log_probs = self._weigh(outputs.log_probs, outputs.label_mask)
        return outputs


def _check_settings(args: SFTConfig) -> None:
    for name in ("packing", "eval_packing", "padding_free"):
        if getattr(args, name):
            raise SettingError(f"DIMPSFTTrainer weights the tokens of padded rows; set `{name}=False`.")
    if args.loss_type not in ("nll", "chunked_nll"):
        raise SettingError(f"DIMPSFTTrainer has a loss of its own; drop `loss_type={args.loss_type!r}`.")
    if args.label_smoothing_factor:
        raise SettingError("SFTTrainer smooths labels in a loss of its own; set `label_smoothing_factor=0`.")


def _load(source: str | os.PathLike[str] | PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """Loads the quality model and checks that it reads the same tokens."""
    if isinstance(source, PreTrainedModel):
        model = source
    else:
        try:
            model = AutoModelForCausalLM.from_pretrained(source, dtype="auto")
        except OSError as error:
            raise SourceNotFoundError(
                f"{os.fspath(source)!r} is neither a model folder nor a model that the Hub gave "
                f"({type(error).__name__}). Check the spelling; offline, pass a local folder."
            ) from error
        _check_tokenizer(source, tokenizer)
    size: int = model.get_input_embeddings().num_embeddings  # type: ignore[assignment]
    if size < len(tokenizer):
        raise SettingError(
            f"the quality model knows {size} tokens, the tokenizer has {len(tokenizer)}; they must agree."
        )
    return model


def _check_tokenizer(source: str | os.PathLike[str], tokenizer: PreTrainedTokenizerBase) -> None:
    try:
        theirs = AutoTokenizer.from_pretrained(source).get_vocab()
    except (OSError, ValueError):
        return
    # Tokens that were added for training have no counterpart.
    other = [token for token, number in tokenizer.get_vocab().items() if theirs.get(token, number) != number]
    if other:
        raise SettingError(
            f"the quality model {os.fspath(source)!r} has another tokenizer: {len(other)} tokens have other numbers, "
            f"such as {other[0]!r}. Both models must read the same tokens."
        )
