"""Which embedder's vectors the contexts of an adapter are."""

from typing import Any

from condensers.embedding import Embedder
from condensers.errors import SettingError
from condensers.softsrv.config import SoftSRVConfig


def adapter_config(model: Any) -> SoftSRVConfig:  # noqa: ANN401  (a PeftModel, if the user is right)
    """Configuration of the active adapter of a model.

    Raises:
        SettingError: if it has none of this type.
    """
    config = getattr(model, "active_peft_config", None)
    if not isinstance(config, SoftSRVConfig):
        raise SettingError(
            f"`model` must have an active SoftSRV adapter; got {type(model).__name__}. Make it with "
            f"`get_peft_model(model, SoftSRVConfig())`."
        )
    return config


def check_embedder(config: SoftSRVConfig, embedder: Embedder) -> None:
    """Raises unless the vectors of an embedder are contexts of an adapter; embeds one text to tell their dimension.

    Raises:
        SettingError: if the adapter was trained for another embedder, or for vectors of another width.
    """
    dim = embedder.encode(["a text"]).shape[1]
    if config.embedder_fingerprint not in (None, embedder.fingerprint):
        raise SettingError(
            f"this adapter was trained for the embedder {config.embedder_name!r} (fingerprint "
            f"{config.embedder_fingerprint!r}, {config.context_dim} dimensions); got {embedder.name!r} (fingerprint "
            f"{embedder.fingerprint!r}, {dim} dimensions). Pass that one, or train an adapter for this one."
        )
    if dim != config.context_dim:
        raise SettingError(
            f"`context_dim` must be {dim}, the dimensions of the embedder {embedder.name!r}; it is "
            f"{config.context_dim}. Make an adapter with `context_dim={dim}`."
        )
