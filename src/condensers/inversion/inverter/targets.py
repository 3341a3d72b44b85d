"""The vectors that a model is asked to invert, and the embedder they come from."""

import numpy as np

from condensers.embedding import Embedder, check_finite
from condensers.errors import RowError, SettingError
from condensers.inversion.inverter.network import EmbeddingInverterConfig


def check_embedder(config: EmbeddingInverterConfig, embedder: Embedder) -> None:
    """Raises unless a model was trained for this embedder.

    Raises:
        SettingError: if the fingerprints differ; the message names both embedders.
    """
    if embedder.fingerprint != config.embedder_fingerprint:
        dim = embedder.encode(["a text"]).shape[1]
        raise SettingError(
            f"this {config.model_type} was trained for the embedder {config.embedder_name!r} "
            f"(fingerprint {config.embedder_fingerprint!r}, {config.embedding_dim} dimensions); got {embedder.name!r} "
            f"(fingerprint {embedder.fingerprint!r}, {dim} dimensions). Pass that one, or train an inverter for "
            f"this one."
        )


def unit_targets(vectors: np.ndarray, config: EmbeddingInverterConfig) -> np.ndarray:
    """Checks vectors and scales them to unit length, which is what models are trained on.

    Shape:
        vectors: (n, embedding_dim).
        returns: (n, embedding_dim), float32, of unit length.

    Raises:
        RowError: if there are none, one holds NaN or infinity, or one is zero.
        SettingError: if their dimension is not that of the model.
    """
    vectors = np.asarray(vectors, dtype=np.float32)
    if vectors.ndim != 2 or vectors.shape[1] != config.embedding_dim:
        raise SettingError(
            f"this {config.model_type} inverts vectors of {config.embedding_dim} dimensions, those of "
            f"{config.embedder_name!r}; got an array of shape {vectors.shape}. Embed with that embedder, or train an "
            f"inverter for yours."
        )
    if len(vectors) == 0:
        raise RowError("there are no vectors to invert; pass at least one.")
    check_finite(vectors)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not norms.all():
        raise RowError(
            f"vector {int(np.flatnonzero(norms == 0)[0])} is zero, so no text lies in its direction. Drop it."
        )
    return vectors / norms
