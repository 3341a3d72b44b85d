"""The model cards of inverters and correctors."""

from typing import Any

from huggingface_hub import ModelCard, ModelCardData

from condensers.inversion.inverter.network import EmbeddingInverterConfig, InverterCorrectorConfig
from condensers.sharing import card_data, link_model, model_spec, render_card
from condensers.sharing.papers import VEC2TEXT


def inverter_card(config: EmbeddingInverterConfig, **metadata: Any) -> ModelCard:  # noqa: ANN401
    """Writes a card that says whose vectors the model inverts, what is inside, how it was trained and how to load it.

    Args:
        config: Its configuration.
        **metadata: Fields of `ModelCardData` that the user knows better.
    """
    corrects = isinstance(config, InverterCorrectorConfig)
    data = ModelCardData(
        library_name="transformers",
        tags=["condensers", "embedding-inversion", config.model_type],
        base_model=config.base_model,
        datasets=(config.training or {}).get("dataset"),
    )
    return render_card(
        "condensers.inversion.inverter",
        "inverter.md",
        card_data(data, metadata),
        config=config,
        corrects=corrects,
        class_name="InverterCorrector" if corrects else "EmbeddingInverter",
        embedder=link_model(config.embedder_name),
        loading=f"load_embedder({model_spec(config.embedder_name)})",
        base=link_model(config.base_model, config.base_revision),
        base_is_known=config.base_model is not None,
        training=config.training,
        paper=VEC2TEXT,
    )
