"""Embeds each text once: shards of `Dataset.map`, kept in the datasets cache and read as memory maps."""

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa

from condensers.data import agreed, hidden_progress_bars, meet, process_count, process_index, progress_bar, wait
from condensers.embedding.protocol import Embedder
from condensers.embedding.vectors import Vectors, check_finite
from condensers.errors import RowError, StorageError

SHARD_ROWS = 4096


@dataclass(frozen=True)
class Embedded:
    """The vectors of some texts, and what it took to get them.

    Attributes:
        vectors: One unit vector a text; shape (n_texts, dim).
        n_computed: Texts that this process sent through the model; 0 when all came from the cache.
        seconds: Wall time.
    """

    vectors: Vectors
    n_computed: int
    seconds: float


def embed_texts(
    texts: Sequence[str], embedder: Embedder, *, cache_dir: str | os.PathLike[str] | None = None, progress: bool = True
) -> Embedded:
    """Embeds texts, taking from the cache what was embedded before.

    The texts go in shards of 4,096 through `Dataset.map`; a shard's file is named by the hash of the embedder and the
    shard's texts. A killed run therefore goes on at the shard where it stopped, and rows appended to a dataset
    leave the earlier shards valid. Under ``accelerate launch`` each process embeds its share of the missing shards,
    and all of them read the whole; they must share the cache folder.

    Args:
        texts: What to embed; at least one.
        embedder: Turns text into vectors.
        cache_dir: Where the shards lie; None takes ``condensers/embeddings`` in the cache of `datasets`.
        progress: Show a bar while the model runs.

    Raises:
        RowError: if there are no texts, or the embedder returns numbers that are not finite.
        StorageError: if the cache cannot be written.
    """
    if not texts:
        raise RowError("there are no texts to embed.")
    began = time.perf_counter()
    folder = Path(cache_dir or Path(datasets.config.HF_DATASETS_CACHE) / "condensers" / "embeddings")
    folder = folder / embedder.fingerprint
    shards = [texts[start : start + SHARD_ROWS] for start in range(0, len(texts), SHARD_ROWS)]
    paths = [folder / f"{_shard_key(embedder.fingerprint, shard)}.arrow" for shard in shards]
    meet()
    # All work from the first one's list: they look at the folder at different moments.
    missing = agreed([i for i, path in enumerate(paths) if not path.exists()])
    n_computed = _fill(missing, shards, paths, embedder, progress) if missing else 0
    return Embedded(Vectors([_open_shard(path) for path in paths]), n_computed, time.perf_counter() - began)


def _fill(
    missing: list[int], shards: list[Sequence[str]], paths: list[Path], embedder: Embedder, progress: bool
) -> int:
    mine = missing[process_index() :: process_count()]
    try:
        paths[0].parent.mkdir(parents=True, exist_ok=True)
        with (
            hidden_progress_bars(),
            progress_bar(
                total=sum(len(shards[i]) for i in mine),
                desc=f"Embedding with {embedder.name}",
                unit="row",
                shown=progress and process_index() == 0,
            ) as bar,
        ):
            for i in mine:
                _write_shard(shards[i], paths[i], embedder)
                bar.update(len(shards[i]))
    except OSError as error:
        if isinstance(error, ConnectionError):
            raise
        raise StorageError(
            f"could not write the embedding cache in {str(paths[0].parent)!r}: {error.strerror or error}. "
            f"Free some space, or set HF_DATASETS_CACHE to another place."
        ) from error
    wait()
    return sum(len(shards[i]) for i in mine)


def _write_shard(texts: Sequence[str], path: Path, embedder: Embedder) -> None:
    def encode(batch: dict[str, list[str]]) -> dict[str, np.ndarray]:
        vectors = np.asarray(embedder.encode(batch["text"]), dtype=np.float32)
        check_finite(vectors)
        return {"embedding": vectors}

    rows = datasets.Dataset.from_dict({"text": list(texts)})
    # `map` writes beside the cache file and renames it, so a killed run leaves no half shard. The whole shard is one
    # batch: the embedder sorts by length within it, and one record batch is what `_open_shard` reads without a copy.
    rows.map(
        encode,
        batched=True,
        batch_size=len(texts),
        writer_batch_size=len(texts),
        remove_columns=["text"],
        cache_file_name=str(path),
        new_fingerprint=path.stem[:32],
    )


def _open_shard(path: Path) -> np.ndarray:
    column = datasets.Dataset.from_file(str(path)).data.column("embedding")
    parts = []
    for chunk in column.chunks:
        dim = len(chunk[0])
        flat = chunk.flatten()
        if not pa.types.is_float32(flat.type):
            raise RowError(f"the cached vectors in {str(path)!r} are {flat.type}, not float32; delete the file.")
        parts.append(flat.to_numpy(zero_copy_only=True).reshape(-1, dim))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _shard_key(fingerprint: str, texts: Sequence[str]) -> str:
    digest = hashlib.sha256(fingerprint.encode())
    for text in texts:
        data = text.encode("utf-8", errors="surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()
