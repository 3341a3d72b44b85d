"""What inverter and corrector have in common: a language model that writes after a prefix made of vectors."""

import os
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.modeling_outputs import CausalLMOutput
from transformers.utils import is_peft_available

from .configuration_inverter import EmbeddingInverterConfig
from .modeling_projector import EmbeddingProjector

# What the loss passes over, as everywhere in transformers.
IGNORED_LABEL = -100


class PrefixedNetwork(PreTrainedModel):
    r"""Base of `EmbeddingInverterModel` and `InverterCorrectorModel`.

    Its loss is :math:`-\sum_t \log p(x_t \mid x_{<t}, \text{prefix})`, the reconstruction loss of vec2text (Morris et
    al. 2023; PInR, Appendix A.1). A subclass makes the prefix from what it is conditioned on (`_prefix`) and names its
    projectors (`projector_names`).

    Args:
        config: The configuration.
        backbone: The language model itself, kept and not copied; None builds one from `config`.
        processing_class: Its tokenizer; None looks for one where the model was loaded from, when it is first needed.
    """

    config: EmbeddingInverterConfig
    projector: EmbeddingProjector
    main_input_name = "embeddings"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    projector_names: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        config: EmbeddingInverterConfig,
        backbone: PreTrainedModel | None = None,
        processing_class: PreTrainedTokenizerBase | None = None,
    ) -> None:
        super().__init__(config)
        given = backbone is not None
        self.backbone = load_class(config.backbone).from_config(config.backbone) if backbone is None else backbone
        if config.tuning == "lora":
            _inject_lora(self.backbone, config)
        if given:
            # `post_init` initialises what is not marked.
            for module in self.backbone.modules():
                module._is_hf_initialized = True
        width = self._words.weight.shape[1]
        for name in self.projector_names:
            setattr(self, name, EmbeddingProjector(config.embedding_dim, width, config.num_virtual_tokens))
        self._processing_class = processing_class
        self.post_init()
        if given:
            size = self._words.weight.detach().float().square().mean().sqrt().item()
            for name in self.projector_names:
                nn.init.constant_(getattr(self, name).norm.weight, size)
        self._freeze()

    @classmethod
    def from_pretrained(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401, D102  (as every PreTrainedModel)
        loaded = super().from_pretrained(*args, **kwargs)
        # Weights that are read take the place of those that were frozen.
        (loaded[0] if isinstance(loaded, tuple) else loaded)._freeze()
        return loaded

    @property
    def processing_class(self) -> PreTrainedTokenizerBase:
        """The tokenizer.

        Raises:
            ValueError: if none was given and none lies beside the model.
        """
        if self._processing_class is None:
            try:
                self._processing_class = AutoTokenizer.from_pretrained(self.config.name_or_path, config=self.config)
            except (OSError, ValueError) as error:
                raise ValueError(
                    f"there is no tokenizer beside the model {self.config.name_or_path!r}; load it from a folder that "
                    f"`save_pretrained` wrote, or pass `processing_class=`."
                ) from error
        return self._processing_class

    def label_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of texts, cut to `config.max_new_tokens`, each with its end.

        A text that is cut has no end: the model shall not learn to stop in the middle of a sentence.
        """
        limit, end = self.config.max_new_tokens, self.config.eos_token_id
        rows = self.processing_class(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
        return [[*ids, end][:limit] for ids in rows]

    def write(self, *conditions: Any, **options: Any) -> list[str]:  # noqa: ANN401  (those of `generate`)
        """The texts of what `generate` gives."""
        tokens = self.generate(*conditions, **options)  # type: ignore[operator]
        return [text.strip() for text in self.processing_class.batch_decode(tokens, skip_special_tokens=True)]

    def save_pretrained(self, save_directory: str | os.PathLike[str], *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Saves the model, and its tokenizer beside it."""
        tokenizer = self.processing_class
        super().save_pretrained(save_directory, *args, **kwargs)
        tokenizer.save_pretrained(save_directory)

    @property
    def _words(self) -> Any:  # noqa: ANN401  (a torch.nn.Embedding)
        return self.backbone.get_input_embeddings()

    def _freeze(self) -> None:
        if self.config.tuning != "full":
            for name, weight in self.backbone.named_parameters():
                weight.requires_grad_("lora_" in name)

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, EmbeddingProjector):
            module.reset_parameters()

    def _as_input(self, vectors: np.ndarray | torch.Tensor) -> torch.Tensor:
        # A copy, since torch warns of arrays that cannot be written to, which those of a memory map are.
        return torch.as_tensor(vectors.copy() if isinstance(vectors, np.ndarray) else vectors, device=self.device)

    def _run(self, prefix: torch.Tensor, mask: torch.Tensor, labels: torch.Tensor) -> CausalLMOutput:
        """Reconstruction loss and logits.

        Shape:
            prefix: (n, n_prefix, hidden_size); mask: (n, n_prefix), 0 where there is nothing.
            labels: (n, n_tokens), int64, `IGNORED_LABEL` after the end of a text.
            returns: ``logits`` of shape (n, n_tokens, n_vocabulary); ``loss``, a mean over tokens.
        """
        backbone: Any = self.backbone
        if backbone.config.is_encoder_decoder:
            shifted = backbone.prepare_decoder_input_ids_from_labels(labels)
            logits = backbone(inputs_embeds=prefix, attention_mask=mask, decoder_input_ids=shifted).logits
        else:
            tokens = labels.masked_fill(labels == IGNORED_LABEL, self.config.pad_token_id or 0)
            words = self._words(tokens)
            whole = torch.cat([mask, torch.ones_like(tokens)], dim=1)
            # A position predicts the next one; the vocabulary is large, so what would be thrown away is not computed.
            logits = backbone(
                inputs_embeds=torch.cat([prefix, words], dim=1),
                attention_mask=whole,
                position_ids=(whole.cumsum(1) - 1).clamp(min=0),
                logits_to_keep=labels.shape[1] + 1,
                use_cache=False,
            ).logits[:, :-1]
        loss = nn.functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORED_LABEL)
        return CausalLMOutput(loss=loss, logits=logits)

    def _generate(self, prefix: torch.Tensor, mask: torch.Tensor, options: dict[str, Any]) -> torch.Tensor:
        settings = {
            "max_new_tokens": self.config.max_new_tokens,
            "do_sample": False,
            "use_cache": True,  # Trainer switches it off in the config.
            "pad_token_id": self.config.pad_token_id,
            "eos_token_id": self.config.eos_token_id,
        }
        backbone: Any = self.backbone
        was_training = self.training
        self.eval()
        try:
            return backbone.generate(inputs_embeds=prefix, attention_mask=mask, **(settings | options))
        finally:
            self.train(was_training)


def load_class(config: Any) -> Any:  # noqa: ANN401  (an Auto class)
    """The Auto class of a language model, by its configuration."""
    return AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM


def _inject_lora(backbone: PreTrainedModel, config: EmbeddingInverterConfig) -> None:
    # transformers takes what is imported here for optional, and asks for it only where it is used.
    if is_peft_available():
        from peft import LoraConfig, inject_adapter_in_model  # noqa: PLC0415  (takes seconds to import)
    else:
        raise ImportError("this model holds a LoRA adapter, which needs PEFT; run `pip install peft`.")
    lora = LoraConfig(r=config.lora_r, lora_alpha=config.lora_alpha, target_modules="all-linear")
    inject_adapter_in_model(lora, backbone)
