"""A classifier that is read as p(y | x)."""

import os
from typing import Any

import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from .configuration_label_confidence import LabelConfidenceConfig


class LabelConfidenceModel(PreTrainedModel):
    """Any sequence classifier, as it came, under one name.

    Args:
        config: The configuration.
        backbone: The classifier itself, kept and not copied; None builds one from `config`.
        processing_class: Its tokenizer; None looks for one where the model was loaded from, when it is first needed.
    """

    config_class = LabelConfidenceConfig
    base_model_prefix = "backbone"
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True

    def __init__(
        self,
        config: LabelConfidenceConfig,
        backbone: PreTrainedModel | None = None,
        processing_class: PreTrainedTokenizerBase | None = None,
    ) -> None:
        super().__init__(config)
        if backbone is None:
            backbone = AutoModelForSequenceClassification.from_config(config.backbone)
        else:
            # `post_init` initialises what is not marked; adapters and hand-made layers never are.
            for module in backbone.modules():
                module._is_hf_initialized = True  # type: ignore[assignment]
        self.backbone = backbone
        self._processing_class = processing_class
        # Where a tokenizer was looked for and not found.
        self._bare_source: str | None = None
        self.post_init()

    @property
    def processing_class(self) -> PreTrainedTokenizerBase | None:
        """The tokenizer; None if none was given and none lies beside the model."""
        source = self.config.name_or_path
        if self._processing_class is None and source not in (None, "", self._bare_source):
            try:
                self._processing_class = AutoTokenizer.from_pretrained(source, config=self.config)
            except (OSError, ValueError):
                self._bare_source = source
        return self._processing_class

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        **kwargs: Any,  # noqa: ANN401  (what the backbone takes)
    ) -> SequenceClassifierOutput:
        """The backbone's forward pass.

        Shape:
            input_ids, attention_mask, token_type_ids: (n_rows, n_tokens), int64.
            labels: (n_rows,), int64.
            returns: ``logits`` of shape (n_rows, n_classes); ``loss`` if there are labels.
        """
        given = {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "token_type_ids": token_type_ids,
            "labels": labels,
        }
        return self.backbone(**{name: value for name, value in given.items() if value is not None}, **kwargs)

    def save_pretrained(self, save_directory: str | os.PathLike[str], *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Saves the model, and its tokenizer beside it."""
        tokenizer = self.processing_class
        super().save_pretrained(save_directory, *args, **kwargs)
        if tokenizer is not None:
            tokenizer.save_pretrained(save_directory)
