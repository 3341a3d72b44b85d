"""What an embedder is."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class Embedder(Protocol):
    """Maps texts to unit vectors.

    An embedder of your own that goes through `Dataset.map` inside a condenser should pickle to the same bytes before
    and after use, or `datasets` sees a new transform each time.

    Attributes:
        name: What a user calls the embedder; written on cards.
        fingerprint: Changes when, and only when, the vectors would. It is the key of the embedding cache, so reading
            it must not load a model.
    """

    name: str
    fingerprint: str

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embeds texts.

        Shape:
            returns: (n_texts, dim), float32, rows of unit length.
        """
        ...
