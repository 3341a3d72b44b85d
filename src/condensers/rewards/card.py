"""The model cards of reward models."""

from collections.abc import Mapping
from typing import Any

from huggingface_hub import ModelCard, ModelCardData

from condensers.rewards.network import LabelConfidenceConfig
from condensers.sharing import card_data, link_model, model_spec, render_card
from condensers.sharing.papers import CONDENSELM

_PACKAGE = "condensers.rewards"


def label_confidence_card(config: LabelConfidenceConfig, **metadata: Any) -> ModelCard:  # noqa: ANN401
    """Writes a card that says which classes the model tells apart, how it was fitted and how to load it.

    Args:
        config: Its configuration.
        **metadata: Fields of `ModelCardData` that the user knows better.
    """
    data = ModelCardData(
        library_name="transformers",
        pipeline_tag="text-classification",
        tags=["condensers", "reward-model", config.model_type],
        base_model=config.base_model,
    )
    return render_card(
        _PACKAGE,
        "label_confidence.md",
        card_data(data, metadata),
        config=config,
        labels=[name for _, name in sorted((config.id2label or {}).items())],
        base=link_model(config.base_model, config.base_revision),
        base_is_known=config.base_model is not None,
        paper=CONDENSELM,
    )


def probe_card(config: Mapping[str, Any], n_classes: int, dim: int) -> ModelCard:
    """Writes the card of an `EmbeddingProbe`.

    Args:
        config: What its ``config.json`` holds.
        n_classes: Classes it tells apart.
        dim: Entries of a vector.
    """
    data = ModelCardData(
        library_name="condensers",
        pipeline_tag="text-classification",
        tags=["condensers", "reward-model", config["model_type"]],
    )
    return render_card(
        _PACKAGE,
        "embedding_probe.md",
        data,
        config=config,
        n_classes=n_classes,
        dim=dim,
        embedder=link_model(config["embedder"]),
        loading=f"load_embedder({model_spec(config['embedder'])})",
        paper=CONDENSELM,
    )
