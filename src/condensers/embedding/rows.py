"""Texts and their vectors, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from condensers.embedding.vectors import Matrix


@dataclass(frozen=True)
class EmbeddedRows:
    """Texts and their vectors.

    Shape:
        vectors: (n_texts, dim), float32, rows of unit length.
    """

    texts: Sequence[str]
    vectors: Matrix

    def __len__(self) -> int:
        return len(self.texts)
