"""How much of the reference texts comes back word for word: a first test for leaks."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array, hstack

from condensers.data.dedup import normalise
from condensers.embedding import Matrix, iter_blocks
from condensers.metrics.buckets import rows_of, sample_positions
from condensers.metrics.inputs import as_texts
from condensers.metrics.ngrams import (
    POOL_ROWS,
    RowMeans,
    WordIds,
    best_similarity,
    ngram_sets,
    overlap_with,
    set_sizes,
    vectors_beside,
    word_ids,
)
from condensers.selection import nearest_of

# Jaccard similarity from which a text counts as a near copy; that of `drop_duplicates`.
_NEAR = 0.8
_BLOCK_ROWS = 2048


class NgramOverlap(RowMeans):
    r"""A `Comparison` by n-grams shared with the most similar reference, and by copies.

    PInR, Section 6.1. With :math:`G_n(x)` the distinct word n-grams of a text and :math:`y` the reference most
    similar to the prediction :math:`x`, the means over predictions of

    .. math:: |G_n(x) \cap G_n(y)| \,/\, |G_n(x)|

    are ``unigram_overlap`` (n = 1) and ``bigram_overlap`` (n = 2). Words are in lower case and without punctuation. A
    text without n-grams (empty, or of one word for n = 2) is left out of that mean, which is 0 if none is left.

    ``verbatim_copies`` is the share of predictions that equal a reference up to case and white space; an empty text
    equals an empty text. ``near_copies`` is the share that do, or that have a Jaccard similarity of word 3-grams (of
    words, for a text of fewer than three) of 0.8 or more with some reference.

    The null distribution is of at most 2,000 reference rows, each judged as though it were not among the references;
    a single reference has nothing to be compared with, and scores 0.

    Args:
        predictions: Texts to be judged.
        references: Texts that may have leaked.
        prediction_vectors: Vectors of the predictions. With them the most similar reference is the nearest by vector,
            as in the paper; without, it is the one with the greatest overlap, for each n.
        reference_vectors: Vectors of the references.
        seed: Fixes which reference rows the null distribution is of.

    Shape:
        prediction_vectors: (n_predictions, dim); reference_vectors: (n_references, dim).

    Raises:
        RowError: if a side is empty, or has another number of vectors than of texts.
        ColumnError: if a row is no text.
        SettingError: if only one side has vectors.

    Example::

        NgramOverlap(["a fine film"], ["a fine day", "so fine"]).value()["unigram_overlap"]  # 2/3
    """

    def __init__(
        self,
        predictions: Sequence[str],
        references: Sequence[str],
        *,
        prediction_vectors: Matrix | None = None,
        reference_vectors: Matrix | None = None,
        seed: int = 0,
    ) -> None:
        texts, known = as_texts(predictions, "predictions"), as_texts(references, "references")
        vectors = vectors_beside(texts, known, prediction_vectors, reference_vectors)
        n, rows = len(texts), sample_positions(len(known), min(len(known), POOL_ROWS), seed)
        nearest = None if vectors is None else (nearest_of(*vectors), _nearest_other(vectors[1], rows))
        words = word_ids([*texts, *known])
        scores, pool, copies = {}, {}, {}
        for name, size in (("unigram_overlap", 1), ("bigram_overlap", 2)):
            sets = ngram_sets(words, size)
            ours, theirs = sets[:n], sets[n:]
            if nearest is None:
                scores[name] = best_similarity(ours, theirs)
                pool[name] = best_similarity(theirs[rows], theirs, own=rows)
            else:
                scores[name] = overlap_with(ours, theirs[nearest[0]])
                found = overlap_with(theirs[rows], theirs[nearest[1]])
                pool[name] = np.where((nearest[1] == rows) & ~np.isnan(found), 0.0, found)
            copies[name] = float(set_sizes(theirs).any())
        sets = _shingles(words)
        ours, theirs = sets[:n], sets[n:]
        same, twins = _copies(texts, known)
        scores |= {"verbatim_copies": same, "near_copies": _near(best_similarity(ours, theirs, jaccard=True), same)}
        near = best_similarity(theirs[rows], theirs, own=rows, jaccard=True)
        pool |= {"verbatim_copies": twins, "near_copies": _near(near, twins[rows])}
        copies |= dict.fromkeys(("verbatim_copies", "near_copies"), 1.0)
        super().__init__(len(known), scores, pool, copies)


def _copies(texts: Sequence[str], references: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """1 for each text that equals a reference, and for each reference that equals another; float64."""
    forms = [normalise(text) for text in references]
    counts: dict[str, int] = {}
    for form in forms:
        counts[form] = counts.get(form, 0) + 1
    same = np.asarray([float(normalise(text) in counts) for text in texts])
    return same, np.asarray([float(counts[form] > 1) for form in forms])


def _near(similarity: np.ndarray, same: np.ndarray) -> np.ndarray:
    # A NaN, of a text without words, is not above the threshold; such a text may still be a verbatim copy.
    return np.maximum(similarity >= _NEAR, same)


def _shingles(words: WordIds) -> csr_array:
    """Word 3-grams of each text, or its words if there are fewer than three."""
    singles = ngram_sets(words, 1)
    singles.data *= np.repeat(words.lengths < 3, set_sizes(singles))
    # Else the longer texts' words, now 0, would count as members of their sets.
    singles.eliminate_zeros()
    return csr_array(hstack([ngram_sets(words, 3), singles], format="csr"))


def _nearest_other(x: Matrix, rows: np.ndarray) -> np.ndarray:
    """The nearest other row of each of a few rows; the row itself if there is no other.

    Shape:
        x: (n_rows, dim); rows: (n,); returns: (n,), int64.
    """
    points = rows_of(x, rows)
    out, best = rows.copy(), np.full(len(rows), np.inf, dtype=np.float32)
    for where, block in iter_blocks(x, _BLOCK_ROWS):
        cost = np.einsum("ij,ij->i", block, block) - 2.0 * (points @ block.T)
        inside = np.flatnonzero((rows >= where.start) & (rows < where.stop))
        cost[inside, rows[inside] - where.start] = np.inf
        nearest = cost.argmin(axis=1)
        value = cost[np.arange(len(rows)), nearest]
        better = value < best
        best[better], out[better] = value[better], nearest[better] + where.start
    return out
