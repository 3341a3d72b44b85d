"""Text to vectors, each text once."""

from condensers.embedding.cache import Embedded, embed_texts
from condensers.embedding.known_texts import KnownTexts
from condensers.embedding.loading import DEFAULT_EMBEDDER, OFFLINE, bundled_model, load_embedder, model_folder
from condensers.embedding.openai import OpenAIEmbedder
from condensers.embedding.protocol import Embedder
from condensers.embedding.rows import EmbeddedRows
from condensers.embedding.sentence_transformer import SentenceTransformerEmbedder
from condensers.embedding.vectors import (
    BLOCK_ROWS,
    Matrix,
    VectorRows,
    Vectors,
    check_finite,
    iter_blocks,
    vector_column,
)

__all__ = [
    "BLOCK_ROWS",
    "DEFAULT_EMBEDDER",
    "OFFLINE",
    "Embedded",
    "EmbeddedRows",
    "Embedder",
    "KnownTexts",
    "Matrix",
    "OpenAIEmbedder",
    "SentenceTransformerEmbedder",
    "VectorRows",
    "Vectors",
    "bundled_model",
    "check_finite",
    "embed_texts",
    "iter_blocks",
    "load_embedder",
    "model_folder",
    "vector_column",
]
