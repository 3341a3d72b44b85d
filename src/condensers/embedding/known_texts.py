"""An embedder that need not embed what was embedded before."""

from collections.abc import Sequence

import numpy as np

from condensers.embedding.protocol import Embedder
from condensers.embedding.vectors import Matrix


class KnownTexts:
    """Looks up the vectors of known texts and embeds the others, with the fingerprint of the embedder behind it.

    The cache of `embed_texts` knows whole shards of texts; this knows each text, whatever it stands among.

    Args:
        embedder: Embeds what is not known.
        texts: What is known.
        vectors: Its vectors.

    Shape:
        vectors: (n_texts, dim), float32.
    """

    def __init__(self, embedder: Embedder, texts: Sequence[str], vectors: Matrix) -> None:
        self.name, self.fingerprint = embedder.name, embedder.fingerprint
        self.n_embedded = 0
        self._embedder = embedder
        self._vectors = vectors
        self._position = {text: i for i, text in enumerate(texts)}

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts; see `Embedder.encode`."""
        out = np.empty((len(texts), self._vectors.shape[1]), dtype=np.float32)
        known = np.asarray([self._position.get(text, -1) for text in texts], dtype=np.int64)
        there, others = np.flatnonzero(known >= 0), np.flatnonzero(known < 0)
        out[there] = self._vectors[known[there]]
        if len(others):
            out[others] = self._embedder.encode([texts[i] for i in others.tolist()])
            self.n_embedded += len(others)
        return out
