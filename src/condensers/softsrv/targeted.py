"""Many texts like those of a sample: written, sifted, and none written twice."""

import hashlib
import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np

from condensers.data import drop_repeats, progress_bar, write_json
from condensers.embedding import EmbeddedRows
from condensers.errors import BudgetError, RowError, StorageError
from condensers.llm.model_digest import weights_digest
from condensers.selection import sample_texts
from condensers.softsrv.generation import SoftSRVTexts, SoftSRVWriter

_SHARD_ROWS = 512
SPARE = 2
"""Texts written for one that is kept: 100,000 for 50,000 in the paper."""


@dataclass(frozen=True)
class TargetedTexts:
    """What `write_targeted` wrote and kept.

    Attributes:
        texts: The texts, in the order of the clusters' turns.
        parents: Position of the row whose vector each was written after; shape (n,), int64.
        written: All that was written, in order; text i after row i modulo the number of rows.
        dropped: For each position in `written` that is not kept, why.
    """

    texts: list[str]
    parents: np.ndarray
    written: list[str]
    dropped: dict[int, str]


def write_targeted(
    writer: SoftSRVWriter,
    rows: EmbeddedRows,
    total: int,
    *,
    num_written: int | None = None,
    num_clusters: int = 700,
    dim: int = 100,
    keep_unfinished: bool = False,
) -> TargetedTexts:
    """Writes texts after the vectors of rows, in turn, and keeps a diverse part (SoftSRV, Section 3.3 and A.2).

    Of what was written, texts of nothing and repeats are dropped, and texts that did not come to their end; then
    clusters of what is left give one text each in turn. The seed is that of the writer's sampling.

    What is written lies in the cache of `datasets` in shards of 512, under the weights, the vectors and the sampling,
    so a run that is killed goes on at the shard where it stopped, and one that wants more writes no full shard anew.

    Args:
        writer: Writes.
        rows: The sample, with the vectors that the adapter was trained on.
        total: Texts to keep, N_s.
        num_written: Texts to write; None writes twice as many as are kept, as the paper does.
        num_clusters: Clusters.
        dim: Dimensions that they are found in.
        keep_unfinished: Keep texts that are cut off where they had no tokens left.

    Raises:
        RowError: if there are no rows.
        BudgetError: if fewer than `total` texts are left.
        StorageError: if the cache cannot be written.
    """
    if not len(rows):
        raise RowError("there are no rows to write texts like; pass at least one.")
    n = SPARE * total if num_written is None else num_written
    written = write_in_turns(writer, rows, n)
    unusable = {i: "it is empty" for i, text in enumerate(written.texts) if not text}
    if not keep_unfinished:
        unusable |= {i: "it is cut off" for i in np.flatnonzero(~written.is_finished).tolist() if i not in unusable}
    seed = writer.sampling.seed or 0
    kept, dropped = sift(written.texts, total, unusable, num_clusters=num_clusters, dim=dim, seed=seed)
    return TargetedTexts([written.texts[i] for i in kept.tolist()], kept % len(rows), written.texts, dropped)


def sift(
    written: Sequence[str],
    total: int,
    unusable: Mapping[int, str],
    *,
    num_clusters: int = 700,
    dim: int = 100,
    seed: int = 0,
) -> tuple[np.ndarray, dict[int, str]]:
    """Drops repeats and keeps a diverse part of what is left (SoftSRV, Appendix A.2).

    Args:
        written: Texts.
        total: How many to keep.
        unusable: Positions of texts that are none of use, and why.
        num_clusters: Clusters.
        dim: Dimensions that they are found in.
        seed: Seed of the clusters and of the draws.

    Returns:
        Positions of what is kept, in the order of the clusters' turns, shape (total,), int64; and for each position
        that is not, why.

    Raises:
        BudgetError: if fewer than `total` texts are left.
    """
    turns = turns_of(written, unusable, num_clusters=num_clusters, dim=dim, seed=seed)
    n_left = len(turns.order)
    if n_left < total:
        raise BudgetError(
            f"of {len(written)} texts that were written, {n_left} are whole and new, fewer than the {total} asked "
            f"for. Raise `num_written`: what is written already is kept."
        )
    late = zip(turns.order[total:].tolist(), turns.clusters[total:].tolist(), strict=True)
    dropped = dict(unusable) | {i: f"it repeats text {j}" for i, j in turns.repeats.items()}
    return turns.order[:total], dropped | {i: f"cluster {cluster} had no turn left" for i, cluster in late}


@dataclass(frozen=True)
class Turns:
    """Texts in the order in which their clusters give them, so that the first n of them are a diverse n.

    Attributes:
        order: Positions of the texts that are of use; shape (n,), int64.
        clusters: Cluster of each of them; shape (n,), int64.
        repeats: For each position that repeats an earlier text, that one.
    """

    order: np.ndarray
    clusters: np.ndarray
    repeats: dict[int, int]


def turns_of(
    written: Sequence[str],
    unusable: Container[int],
    *,
    num_clusters: int = 700,
    dim: int = 100,
    seed: int = 0,
) -> Turns:
    """Leaves out repeats and puts the others in the order of their clusters' turns; see `sift`."""
    left = [i for i in range(len(written)) if i not in unusable]
    found = drop_repeats([written[i] for i in left])
    repeats = {left[i]: left[j] for i, j in found.duplicate_of.items()}
    left = [left[i] for i in found.kept.tolist()]
    if not left:
        return Turns(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), repeats)
    sample = sample_texts([written[i] for i in left], len(left), dim=dim, num_clusters=num_clusters, seed=seed)
    return Turns(np.asarray(left, dtype=np.int64)[sample.kept], sample.clusters[sample.kept], repeats)


def write_in_turns(writer: SoftSRVWriter, rows: EmbeddedRows, n: int) -> SoftSRVTexts:
    """Writes `n` texts after the vectors of rows, in turn; those that are in the cache are not written again.

    Raises:
        StorageError: if the cache cannot be written.
    """
    folder = Path(datasets.config.HF_DATASETS_CACHE) / "condensers" / "softsrv" / _identity(writer, rows)
    lengths = np.asarray([len(text) for text in rows.texts])
    parts = []
    with progress_bar(total=n, desc="All texts", unit="text", shown=writer.progress and n > _SHARD_ROWS) as bar:
        for start, size in _shards(n):
            path = folder / f"{start}-{size}.json"
            if not path.is_file():
                sources = np.arange(start, start + size) % len(rows)
                found = writer.write(rows.vectors[sources], lengths[sources], first_number=start)
                _store(path, found)
            parts.append(json.loads(path.read_text(encoding="utf-8")))
            bar.update(size)
    return SoftSRVTexts(
        [text for part in parts for text in part["texts"]],
        np.asarray([count for part in parts for count in part["n_tokens"]], dtype=np.int64),
        np.asarray([end for part in parts for end in part["is_finished"]], dtype=bool),
    )


def _shards(n: int) -> Iterator[tuple[int, int]]:
    for start in range(0, n, _SHARD_ROWS):
        yield start, min(_SHARD_ROWS, n - start)


def _identity(writer: SoftSRVWriter, rows: EmbeddedRows) -> str:
    """Hash of all that texts follow from; the batch is not part of it."""
    sampling = {name: value for name, value in asdict(writer.sampling).items() if name != "extra"}
    model: Any = writer.model  # Weights and a config, as any model has.
    facts = [1, weights_digest(model), model.active_adapter, sampling, dict(writer.sampling.extra)]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    digest.update(np.ascontiguousarray(rows.vectors[:]).tobytes())
    return digest.hexdigest()[:32]


def _store(path: Path, found: SoftSRVTexts) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(
            path,
            {
                "texts": found.texts,
                "n_tokens": found.n_tokens.tolist(),
                "is_finished": found.is_finished.tolist(),
            },
        )
    except OSError as error:
        raise StorageError(
            f"could not write texts in {str(path.parent)!r}: {error.strerror or error}. Free some space, or set "
            f"HF_DATASETS_CACHE to another place."
        ) from error
