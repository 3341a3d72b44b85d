"""Where a condenser's rows come from, and the rows made ready: read, deduplicated, embedded."""

from dataclasses import dataclass

import numpy as np
from datasets import Dataset

from condensers.data import Columns, Rows, drop_duplicates, load_source, read_rows, require_rows
from condensers.embedding import Embedded, EmbeddedRows, Embedder, Vectors, embed_texts
from condensers.methods.config import CondenserConfig


@dataclass(frozen=True)
class SourceReference:
    """Names a dataset so that it can be loaded again; `path` is None for rows that live in memory only."""

    path: str | None = None
    split: str | None = None
    name: str | None = None
    revision: str | None = None

    def load(self) -> Dataset:
        """Loads the rows; see `condensers.data.load_source` for the errors."""
        return load_source(self.path or "", split=self.split, name=self.name, revision=self.revision)


@dataclass(frozen=True)
class PreparedSource:
    """Source rows made ready.

    Attributes:
        rows: The rows without duplicates.
        embedded: Their vectors.
        n_duplicates: Rows that repeated an earlier one.
        source: Where the rows come from.
        key: The settings that decided all this.
    """

    rows: Rows
    embedded: Embedded
    n_duplicates: int
    source: SourceReference
    key: tuple

    @property
    def merged(self) -> bool:
        """Whether rows that repeat others were looked for, and left out."""
        return self.key[3] != "none"

    @property
    def columns(self) -> Columns:
        """The columns that were read."""
        return self.rows.columns

    @property
    def vectors(self) -> Vectors:
        """Vectors of the rows; shape (n_rows, dim)."""
        return self.embedded.vectors

    def of_class(self, positions: np.ndarray) -> EmbeddedRows:
        """Texts and vectors of some rows.

        Shape:
            positions: (n,), int64.
        """
        texts = self.rows.texts
        return EmbeddedRows([texts[i] for i in positions.tolist()], self.vectors.rows(positions))


def preparation_key(config: CondenserConfig, embedder: Embedder) -> tuple:
    """The settings on which prepared rows depend."""
    return (*config.reading, embedder.fingerprint)


def prepare_source(
    dataset: Dataset,
    config: CondenserConfig,
    embedder: Embedder,
    source: SourceReference,
    *,
    progress: bool = True,
) -> PreparedSource:
    """Reads, deduplicates and embeds rows; see `read_rows`, `drop_duplicates` and `embed_texts` for the errors."""
    rows, n_duplicates = read_source(dataset, config)
    embedded = embed_texts(rows.texts, embedder, progress=progress)
    key = preparation_key(config, embedder)
    return PreparedSource(rows, embedded, n_duplicates, source, key)


def read_source(dataset: Dataset, config: CondenserConfig) -> tuple[Rows, int]:
    """Rows without duplicates, and how many there were; see `read_rows` and `drop_duplicates` for the errors."""
    require_rows(dataset)  # first: the columns of an empty file have no types, which would be the lesser complaint
    columns = config.columns_of(dataset)
    rows, duplicates = drop_duplicates(read_rows(dataset, columns, drop_empty=config.drop_empty), config.dedup)
    return rows, len(duplicates.duplicate_of)
