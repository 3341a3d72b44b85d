"""The model card of a SoftSRV adapter."""

from pathlib import Path
from typing import Any

import peft
from huggingface_hub import ModelCard, ModelCardData

from condensers.data import write_text
from condensers.sharing import CARD_NAME, card_data, hub_name, link_model, model_spec, render_card, write_card
from condensers.sharing.model_card import read_card
from condensers.sharing.papers import SOFTSRV

# How PEFT repeats the base model among the tags; the Hub does so by itself.
_BASE_TAG = "base_model:adapter:"


def adapter_card(config: Any, **metadata: Any) -> ModelCard:  # noqa: ANN401  (a SoftSRVConfig)
    """Writes a card that says what the adapter steers, with whose vectors, how it was trained and how to load it.

    Args:
        config: Its configuration.
        **metadata: Fields of `ModelCardData` that the user knows better.
    """
    base = hub_name(config.base_model_name_or_path)
    data = ModelCardData(
        library_name="peft",
        pipeline_tag="text-generation",
        tags=["condensers", "softsrv", "synthetic-data"],
        base_model=base.id if base else None,
        datasets=(config.training or {}).get("dataset"),
    )
    return render_card(
        "condensers.softsrv",
        "softsrv.md",
        card_data(data, metadata),
        config=config,
        base=link_model(config.base_model_name_or_path, config.revision),
        base_is_known=base is not None,
        base_spec=model_spec(base.id if base else None),
        pinned=(base.revision or config.revision) if base else None,
        embedder=link_model(config.embedder_name),
        loading=f"load_embedder({model_spec(config.embedder_name)})",
        training=config.training,
        peft_version=peft.__version__,
        paper=SOFTSRV,
    )


def complete_card(folder: Path, card: ModelCard) -> None:
    """Writes the card where PEFT has written its own; one that somebody edited keeps its text.

    PEFT 0.21 puts the folder of a base model into the metadata of any card, which the Hub refuses and which concerns
    nobody; here it gets the base model's name, or goes.

    Args:
        folder: Folder of the adapter.
        card: Its card.

    Raises:
        OSError: if it cannot be written.
    """
    path = folder / CARD_NAME
    if path.is_file():
        theirs = read_card(path)
        theirs.data["base_model"] = card.data.get("base_model")
        theirs.data["tags"] = [tag for tag in theirs.data.get("tags") or [] if not tag.startswith(_BASE_TAG)]
        write_text(path, str(theirs))
    write_card(folder, card)
