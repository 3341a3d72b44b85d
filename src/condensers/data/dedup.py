"""Finds rows that say the same thing twice."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from datasketch import MinHash, MinHashLSH

from condensers.data.rows import Rows
from condensers.errors import SettingError

Dedup = Literal["exact", "near", "none"]

_NUM_PERM = 128
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class Duplicates:
    """What a search for duplicates found.

    Attributes:
        kept: Positions of the rows to keep, ascending; shape (n_kept,), int64.
        duplicate_of: For each dropped position, the earlier position that it repeats.
    """

    kept: np.ndarray
    duplicate_of: dict[int, int]


def drop_duplicates(rows: Rows, dedup: Dedup = "exact", *, threshold: float = 0.8) -> tuple[Rows, Duplicates]:
    """Drops rows of a class that repeat an earlier row of that class.

    The same text under two labels is kept under both: which label is right is not for this function to say.

    Args:
        rows: The rows.
        dedup: ``"exact"`` compares texts up to case and white space; ``"near"`` also drops texts whose word 3-gram
            Jaccard similarity is `threshold` or more (looked up by MinHash with 128 permutations, which may miss a
            few); ``"none"`` keeps all.
        threshold: For ``"near"``, in (0, 1].

    Raises:
        SettingError: if `dedup` or `threshold` has a value that is not allowed.
    """
    if dedup not in ("exact", "near", "none"):
        raise SettingError(f"`dedup` must be 'exact', 'near' or 'none'; got {dedup!r}.")
    if not 0 < threshold <= 1:
        raise SettingError(f"`threshold` must be above 0 and at most 1; got {threshold!r}.")
    if dedup == "none":
        return rows, Duplicates(kept=np.arange(len(rows)), duplicate_of={})
    duplicate_of = _exact_duplicates(rows.texts, rows.codes)
    if dedup == "near":
        duplicate_of |= _near_duplicates(rows.texts, rows.codes, duplicate_of, threshold)
    kept = _others(len(rows), duplicate_of)
    return (rows if not duplicate_of else rows.select(kept)), Duplicates(kept=kept, duplicate_of=duplicate_of)


def drop_repeats(texts: Sequence[str]) -> Duplicates:
    """Finds texts that repeat an earlier one, up to case and white space (SoftSRV, Appendix A.2).

    Args:
        texts: The texts.
    """
    duplicate_of = _exact_duplicates(texts, np.zeros(len(texts), dtype=np.int64))
    return Duplicates(kept=_others(len(texts), duplicate_of), duplicate_of=duplicate_of)


def normalise(text: str) -> str:
    """Lower case, single spaces: the form in which two texts count as the same."""
    return _SPACES.sub(" ", text).strip().casefold()


def _others(n: int, dropped: dict[int, int]) -> np.ndarray:
    return np.asarray([i for i in range(n) if i not in dropped], dtype=np.int64)


def _exact_duplicates(texts: Sequence[str], codes: np.ndarray) -> dict[int, int]:
    first: dict[tuple[int, str], int] = {}
    found: dict[int, int] = {}
    for i, (text, code) in enumerate(zip(texts, codes.tolist(), strict=True)):
        earlier = first.setdefault((code, normalise(text)), i)
        if earlier != i:
            found[i] = earlier
    return found


def _near_duplicates(
    texts: Sequence[str], codes: np.ndarray, known: dict[int, int], threshold: float
) -> dict[int, int]:
    indexes: dict[int, MinHashLSH] = defaultdict(lambda: MinHashLSH(threshold=threshold, num_perm=_NUM_PERM))
    found: dict[int, int] = {}
    for i, (text, code) in enumerate(zip(texts, codes.tolist(), strict=True)):
        if i in known:
            continue
        sketch = MinHash(num_perm=_NUM_PERM, seed=1)
        shingles = _shingles(text)
        sketch.update_batch([shingle.encode("utf-8", "surrogatepass") for shingle in shingles])
        # The index proposes, the shingles decide: banding alone has false positives.
        matches = [j for j in indexes[code].query(sketch) if _jaccard(shingles, _shingles(texts[j])) >= threshold]
        if matches:
            found[i] = min(matches)
        else:
            indexes[code].insert(i, sketch)
    return found


def _jaccard(a: set[str], b: set[str]) -> float:
    return len(a & b) / len(a | b)


def _shingles(text: str) -> set[str]:
    words = normalise(text).split()
    return {" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))}
