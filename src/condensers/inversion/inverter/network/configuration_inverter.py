"""Configurations of the models that write a text for a vector."""

from typing import Any, Literal

from huggingface_hub.dataclasses import strict
from transformers import AutoConfig, PreTrainedConfig
from transformers.configuration_utils import SubConfigSpec


@strict
class EmbeddingInverterConfig(PreTrainedConfig):
    """Configuration of `EmbeddingInverter`.

    Attributes:
        backbone: Configuration of the language model inside. One of an encoder and a decoder, such as T5, reads the
            pseudo-tokens in its encoder (vec2text's design); a decoder-only one has them before the text.
        embedder_name: Name of the embedder whose vectors the model inverts.
        embedder_fingerprint: Its fingerprint; vectors of any other are refused.
        embedding_dim: Entries of its vectors.
        num_virtual_tokens: Pseudo-tokens a vector becomes (vec2text: 16; fewer cost less where texts are short).
        tuning: What is trained beside the projector: all weights of the backbone, a LoRA adapter, or nothing.
        lora_r: Rank of the adapter.
        lora_alpha: The adapter's output is scaled by ``lora_alpha / lora_r``.
        max_new_tokens: Tokens of a text, its end included: longer texts are cut in training, and `generate` stops.
        pad_token_id: Fills up short texts of a batch.
        eos_token_id: Ends a text.
        base_model: Hub id of the language model that training began with; None if it was none of the Hub.
        base_revision: Its commit, where it is known.
        training: How the model was trained, as far as its trainer knows; None if it never was.

    Raises:
        ValueError: if a number is below 1.
    """

    model_type = "embedding_inverter"
    sub_configs_defaults = {"backbone": SubConfigSpec(config_class=AutoConfig, model_type="t5")}

    backbone: PreTrainedConfig | dict | None = None
    embedder_name: str = ""
    embedder_fingerprint: str = ""
    embedding_dim: int = 384
    num_virtual_tokens: int = 16
    tuning: Literal["full", "lora", "frozen"] = "full"
    lora_r: int = 16
    lora_alpha: int = 32
    max_new_tokens: int = 32
    pad_token_id: int | None = None
    eos_token_id: int | None = None
    base_model: str | None = None
    base_revision: str | None = None
    training: dict | None = None

    def __post_init__(self, **kwargs: Any) -> None:  # noqa: ANN401  (whatever a config.json holds)
        attention = getattr(self.backbone, "_attn_implementation", None)
        super().__post_init__(**kwargs)
        if attention is not None:
            # transformers 5.23 sets the attention of every sub-config to that of the whole, which is None by now.
            self.backbone._attn_implementation = attention  # type: ignore[union-attr]
        for name in ("embedding_dim", "num_virtual_tokens", "lora_r", "max_new_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1; got {getattr(self, name)}.")

    def get_text_config(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  (a configuration)
        """Configuration of the part that writes, which knows the sizes of its cache."""
        return self.backbone.get_text_config(*args, **kwargs)  # type: ignore[union-attr]


@strict
class InverterCorrectorConfig(EmbeddingInverterConfig):
    """Configuration of `InverterCorrector`; see `EmbeddingInverterConfig`."""

    model_type = "inverter_corrector"


__all__ = ["EmbeddingInverterConfig", "InverterCorrectorConfig"]
