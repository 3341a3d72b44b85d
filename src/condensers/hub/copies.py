"""Finds rows that say what a source row says, word for word or nearly so."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from condensers.data.dedup import normalise
from condensers.errors import SettingError
from condensers.metrics.contamination import ngram_matches
from condensers.metrics.ngrams import words_of

# Pairs that are compared at once.
_BLOCK_ROWS, _BLOCK_SOURCES = 256, 4096


@dataclass(frozen=True)
class Copy:
    """A row that repeats a source row.

    Attributes:
        row: Position of the row.
        source_row: Position of the source row that is most like it.
        similarity: Share of characters that the two have in common, in order; 1 for the same words.
    """

    row: int
    source_row: int
    similarity: float


@dataclass(frozen=True)
class Copies:
    """What a search for copies found.

    Attributes:
        n_rows: Rows that were looked at.
        n_source_rows: Source rows that they were compared with.
        verbatim: Rows that equal a source row up to case and white space.
        near: Other rows that are a source row with a few characters or words changed.
        passages: Positions of rows that have 13 words in a row in common with a source row, copies among them.
        threshold: Similarity from which a row counts as near.
    """

    n_rows: int
    n_source_rows: int
    verbatim: tuple[Copy, ...]
    near: tuple[Copy, ...]
    passages: tuple[int, ...]
    threshold: float

    @property
    def share(self) -> float:
        """Share of the rows that are verbatim or near copies, in [0, 1]."""
        return (len(self.verbatim) + len(self.near)) / max(self.n_rows, 1)


def find_copies(texts: Sequence[str], source_texts: Sequence[str], *, threshold: float = 0.9) -> Copies:
    r"""Compares each text with all source texts.

    The similarity of two texts of a and b characters, with an edit distance d of insertions and deletions, is
    :math:`1 - d / (a + b)`, of their words in lower case without punctuation (rapidfuzz's ``ratio``). Pairs are
    compared in blocks, and only the best of each row is kept.

    Args:
        texts: The rows.
        source_texts: What they may have been copied from.
        threshold: Similarity from which a row counts as near, in (0, 1].

    Raises:
        SettingError: if `threshold` is out of its range.
        RowError: if a side is empty.
    """
    if not 0 < threshold <= 1:
        raise SettingError(f"`threshold` must be above 0 and at most 1; got {threshold!r}.")
    passages = np.flatnonzero(ngram_matches(texts, source_texts))
    forms: dict[str, int] = {}
    for i, text in enumerate(source_texts):
        forms.setdefault(normalise(text), i)
    verbatim = {i: forms[form] for i, form in enumerate(map(normalise, texts)) if form in forms}
    others = [i for i in range(len(texts)) if i not in verbatim]
    best, where = _most_similar([_words(texts[i]) for i in others], list(map(_words, source_texts)), threshold)
    near = [
        Copy(i, j, round(score, 4))
        for i, j, score in zip(others, where.tolist(), best.tolist(), strict=True)
        if score >= threshold
    ]
    return Copies(
        n_rows=len(texts),
        n_source_rows=len(source_texts),
        verbatim=tuple(Copy(i, j, 1.0) for i, j in verbatim.items()),
        near=tuple(near),
        passages=tuple(passages.tolist()),
        threshold=threshold,
    )


def _words(text: str) -> str:
    return " ".join(words_of(text)) or normalise(text)


def _most_similar(texts: list[str], sources: list[str], threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Similarity and position of the most similar source of each text; 0 where none reaches the threshold."""
    from rapidfuzz import fuzz, process  # noqa: PLC0415  (compiled, and needed only here)

    best, where = np.zeros(len(texts)), np.zeros(len(texts), dtype=np.int64)
    for first in range(0, len(texts), _BLOCK_ROWS):
        rows = slice(first, min(first + _BLOCK_ROWS, len(texts)))
        for start in range(0, len(sources), _BLOCK_SOURCES):
            block = process.cdist(
                texts[rows],
                sources[start : start + _BLOCK_SOURCES],
                scorer=fuzz.ratio,
                score_cutoff=100 * threshold,
                dtype=np.float64,
            )
            found = block.argmax(axis=1)
            score = block[np.arange(len(found)), found] / 100
            better = score > best[rows]
            best[rows][better], where[rows][better] = score[better], start + found[better]
    return best, where
