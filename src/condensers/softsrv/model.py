"""The tuner: a frozen language model that reads virtual tokens made of a context vector, and nothing else."""

import inspect
from contextlib import nullcontext
from typing import Any, cast

import numpy as np
import torch
from accelerate import init_empty_weights
from peft.tuners.tuners_utils import BaseTuner
from torch import nn

from condensers.errors import SettingError
from condensers.softsrv.config import SoftSRVConfig
from condensers.softsrv.layer import SoftSRVLayer

# What the loss passes over, as everywhere in transformers.
IGNORED_LABEL = -100
_NEEDED = ("inputs_embeds", "logits_to_keep", "labels")
_PROMPTS = ("input_ids", "inputs_embeds", "attention_mask", "inputs")


class SoftSRVModel(BaseTuner):
    r"""A SoftSRV adapter on a decoder-only language model (DeSalvo et al. 2024, Section 2).

    It trains on :math:`-\sum_j \log p(x_j \mid x_{<j}, P_\theta(z))`: the frozen model H writes the text x again,
    given nothing but the virtual tokens that the adapter makes of its context z. `get_peft_model` and
    `PeftModel.from_pretrained` make one.

    With the adapter disabled, the base model is called as it is, and `context` is passed over.
    """

    prefix = "softsrv_"
    tuner_layer_cls = SoftSRVLayer
    target_module_mapping: dict[str, list[str]] = {}

    def forward(self, context: torch.Tensor | None = None, labels: torch.Tensor | None = None, **options: Any) -> Any:  # noqa: ANN401  (what the base model returns)
        """Logits, and with labels the loss of writing them.

        Args:
            context: The vectors; may be left out where they are ignored (`static`).
            labels: Token ids of the texts, -100 after the end of each.
            **options: Those of the base model's forward.

        Shape:
            context: (n, context_dim).
            labels: (n, n_tokens), int64.
            returns: ``logits`` of shape (n, n_tokens, n_vocabulary), where those at j are of token j; without labels
                (n, num_virtual_tokens, n_vocabulary), as the base model gives them.

        Raises:
            SettingError: if there is another input beside the context, or shapes do not fit.
        """
        if self._is_disabled:
            return self.model(labels=labels, **options)
        n = 1 if labels is None else len(labels)
        prompt = self._prompt(context, n, options)
        if labels is None:
            return self.model(inputs_embeds=prompt, **options)
        if len(prompt) != n:
            raise SettingError(f"`context` and `labels` must have the same number of rows; got {len(prompt)} and {n}.")
        n_tokens = labels.shape[1]
        self._check_length(prompt.shape[1] + n_tokens)
        known = labels != IGNORED_LABEL
        words = self.model.get_input_embeddings()(labels.masked_fill(~known, 0))
        # A position predicts the next one: from the last virtual token on. The vocabulary is large, so what no label
        # is for is not computed.
        out = self.model(
            inputs_embeds=torch.cat([prompt, words.to(prompt.dtype)], dim=1),
            attention_mask=torch.cat([known.new_ones(prompt.shape[:2]), known], dim=1).long(),
            labels=nn.functional.pad(labels, (1, 0), value=IGNORED_LABEL),
            logits_to_keep=n_tokens + 1,
            **{"use_cache": False} | options,
        )
        if hasattr(out, "logits"):
            out.logits = out.logits[:, :-1]
        return out

    @torch.no_grad()
    def generate(self, context: torch.Tensor | np.ndarray | None = None, **options: Any) -> torch.Tensor:  # noqa: ANN401
        """Writes texts.

        Args:
            context: The vectors; may be left out where they are ignored (`static`): then one prompt is read, and
                ``num_return_sequences`` says how many texts are drawn.
            **options: Those of `generate` in transformers.

        Shape:
            context: (n, context_dim).
            returns: (n times ``num_return_sequences``, n_tokens), token ids of the texts alone.

        Raises:
            SettingError: if there is another input beside the context, or it has another width.
        """
        if self._is_disabled:
            return self.model.generate(**options)
        prompt = self._prompt(context, 1, options)
        mask = torch.ones(prompt.shape[:2], dtype=torch.long, device=prompt.device)
        return self.model.generate(inputs_embeds=prompt, attention_mask=mask, **options)

    @torch.no_grad()
    def virtual_tokens(self, context: torch.Tensor | np.ndarray) -> torch.Tensor:
        """What the active adapter has the base model read, for those who call the base model themselves.

        Shape:
            context: (n, context_dim).
            returns: (n, num_virtual_tokens, hidden_size).

        Raises:
            SettingError: if the vectors have another width.
        """
        return self._prompt(context, len(context), {})

    def inject_adapter(
        self,
        model: nn.Module,
        adapter_name: str,
        autocast_adapter_dtype: bool = True,
        low_cpu_mem_usage: bool = False,
        state_dict: dict[str, torch.Tensor] | None = None,
    ) -> None:
        """Adds the encoder of an adapter; PEFT freezes the base model.

        Raises:
            SettingError: if the base model is none that the adapter can steer, or reads fewer tokens than there are
                virtual ones.
        """
        config = cast(SoftSRVConfig, self.peft_config[adapter_name])
        _check_base(model, config)
        # The first call freezes the base, each later one leaves all that is there as trainable as it was.
        super().inject_adapter(model, adapter_name, autocast_adapter_dtype, low_cpu_mem_usage, state_dict)
        if not hasattr(model, "softsrv"):
            words = cast(Any, model).get_input_embeddings()
            model.add_module("softsrv", SoftSRVLayer(words, words.weight.shape[1]))
            self._layer.set_adapter(self.active_adapters, inference_mode=config.inference_mode)
        with init_empty_weights() if low_cpu_mem_usage else nullcontext():
            self._layer.add_encoder(adapter_name, config)
        is_trained = adapter_name in self.active_adapters and not config.inference_mode
        self._layer.set_requires_grad(adapter_name, is_trained)

    def set_adapter(self, adapter_name: str | list[str], inference_mode: bool = False) -> None:
        """Makes an adapter the active one; there can be one at a time, since each makes the whole input.

        Raises:
            SettingError: if there are several names.
        """
        if not isinstance(adapter_name, str) and len(adapter_name) > 1:
            raise SettingError(
                f"one SoftSRV adapter can be active at a time, since each makes the whole input; got "
                f"{', '.join(adapter_name)}."
            )
        super().set_adapter(adapter_name, inference_mode=inference_mode)

    def unload(self) -> nn.Module:
        """Gives the base model back as it was."""
        model: Any = super().unload()
        del model.softsrv
        return model

    @property
    def _layer(self) -> SoftSRVLayer:
        return cast(SoftSRVLayer, self.model.softsrv)

    @property
    def _is_disabled(self) -> bool:
        return self._layer.disable_adapters or not self.active_adapters

    def _prompt(self, context: torch.Tensor | np.ndarray | None, n: int, options: dict[str, Any]) -> torch.Tensor:
        """Virtual tokens in the type of the base model's word vectors; shape (n, num_virtual_tokens, hidden_size)."""
        name = self.active_adapters[0]
        config = cast(SoftSRVConfig, self.peft_config[name])
        given = [option for option in _PROMPTS if options.get(option) is not None]
        if given:
            raise SettingError(
                f"what a SoftSRV adapter makes of `context` is the whole input; got `{given[0]}` as well. Leave it "
                f"out, or call the base model within `with model.disable_adapter():`."
            )
        for option in _PROMPTS:
            options.pop(option, None)
        if config.parameterization == "static":
            context = torch.zeros(n if context is None else len(context), config.context_dim)
        if context is None:
            raise SettingError(f"parameterisation `{config.parameterization}` needs `context`; got none.")
        # A copy, since torch warns of arrays that cannot be written to, which those of a memory map are.
        vectors = torch.as_tensor(context.copy() if isinstance(context, np.ndarray) else context)
        if vectors.ndim != 2 or vectors.shape[1] != config.context_dim:
            raise SettingError(
                f"`context` must have the shape (n, {config.context_dim}), as `context_dim` says; got "
                f"{tuple(vectors.shape)}. Embed with the embedder that the adapter was trained for, or make another "
                f"adapter."
            )
        words = self.model.get_input_embeddings()
        kind = words.weight.dtype if words.weight.dtype.is_floating_point else self.model.dtype
        return self._layer(vectors, name).to(kind)

    def _check_length(self, n_tokens: int) -> None:
        limit = _context_length(self.model)
        if limit is not None and n_tokens > limit:
            raise SettingError(
                f"the base model reads {limit} tokens; virtual tokens and texts together have {n_tokens}. Cut the "
                f"texts, or lower `num_virtual_tokens`."
            )

    def _create_and_replace(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        raise NotImplementedError("a SoftSRV adapter changes no module of the base model.")

    def _check_merge_allowed(self) -> None:
        raise SettingError(
            "a SoftSRV adapter makes the input of the base model and cannot be merged into its weights; `unload()` "
            "gives the base model back."
        )

    @classmethod
    def _remove_adapter_name_from_key(cls, key: str, adapter_name: str) -> str:
        return key.replace(f"softsrv_encoder.{adapter_name}.", "softsrv_encoder.")


def _check_base(model: nn.Module, config: SoftSRVConfig) -> None:
    settings = getattr(model, "config", None)
    if getattr(settings, "is_encoder_decoder", False):
        raise SettingError(
            f"a SoftSRV adapter steers a decoder-only language model (Section 3.3); {type(model).__name__} has an "
            f"encoder as well. Choose another base model."
        )
    missing = [name for name in _NEEDED if name not in inspect.signature(model.forward).parameters]
    if missing or not hasattr(model, "generate"):
        raise SettingError(
            f"a SoftSRV adapter needs a causal language model of transformers; {type(model).__name__} takes no "
            f"{', '.join(missing) or 'call of generate'}. Load the base with AutoModelForCausalLM."
        )
    limit = _context_length(model)
    if limit is not None and config.num_virtual_tokens >= limit:
        raise SettingError(
            f"`num_virtual_tokens` must be below {limit}, the tokens that {type(model).__name__} reads; got "
            f"{config.num_virtual_tokens}. Lower it."
        )


def _context_length(model: Any) -> int | None:  # noqa: ANN401  (a PreTrainedModel)
    return getattr(model.config.get_text_config(), "max_position_embeddings", None)
