"""Where a condenser's rows come from, and the rows made ready: read, deduplicated, embedded."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from datasets import Dataset

from condensers.data import Columns, Rows, drop_duplicates, load_source, read_rows, require_rows
from condensers.embedding import Embedded, EmbeddedRows, Embedder, Vectors, embed_texts
from condensers.errors import SourceNotFoundError
from condensers.methods.config import CondenserConfig

_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class SourceReference:
    """Names a dataset so that it can be loaded again; `path` is None for rows that live in memory only."""

    path: str | None = None
    split: str | None = None
    name: str | None = None
    revision: str | None = None

    @classmethod
    def recorded(cls, source: Mapping[str, str | None]) -> "SourceReference":
        """The source that a record names (`identify`), at the commit that was read of it."""
        revision = source.get("commit") or source.get("revision")
        return cls(source.get("path"), source.get("split"), source.get("name"), revision)

    def load(self) -> Dataset:
        """Loads the rows; see `condensers.data.load_source` for the errors.

        Raises:
            SourceNotFoundError: if they lived in memory.
        """
        if self.path is None:
            raise SourceNotFoundError("the rows were condensed from a dataset in memory")
        return load_source(self.path, split=self.split, name=self.name, revision=self.revision)


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


def identify(source: SourceReference, dataset: Dataset, rows: Rows) -> dict[str, str | None]:
    """What a record says of a source: its reference, and by what to tell whether another is the same.

    Args:
        source: The reference.
        dataset: What it was loaded as.
        rows: The rows that were read of it, without duplicates.

    Returns:
        The fields of `SourceReference`; ``commit``, the commit on the Hub that was read, None for what is no Hub
        dataset; and ``digest``, the SHA-256 of all texts and classes.
    """
    return {**asdict(source), "commit": _hub_commit(source, dataset), "digest": _digest(rows)}


def _hub_commit(source: SourceReference, dataset: Dataset) -> str | None:
    if source.path is None or not _HUB_ID.fullmatch(source.path) or Path(source.path).exists():
        return None
    # `datasets` (5.2) keeps the rows of a Hub dataset in a folder that is called after the commit, and tells it in no
    # other place.
    folders = {Path(file["filename"]).parent.name for file in dataset.cache_files}
    found = {name for name in folders if _COMMIT.fullmatch(name)}
    return found.pop() if len(found) == 1 else None


def _digest(rows: Rows) -> str:
    digest = hashlib.sha256(rows.codes.tobytes())
    for text in rows.texts:
        content = text.encode("utf-8", "surrogatepass")
        digest.update(b"%d\0" % len(content) + content)
    return digest.hexdigest()


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
