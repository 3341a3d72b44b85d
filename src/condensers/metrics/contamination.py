"""Whether texts hold parts of a test set: matches of long n-grams, and overlap of words that carry meaning."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from condensers.metrics.buckets import sample_positions
from condensers.metrics.inputs import as_texts
from condensers.metrics.ngrams import (
    POOL_ROWS,
    RowMeans,
    best_similarity,
    ngram_sets,
    word_ids,
    words_of,
    words_without_digits,
)

_THRESHOLD = 0.4
_STOP_WORDS = frozenset(word for entry in ENGLISH_STOP_WORDS for word in words_of(entry))


@dataclass(frozen=True)
class Leak:
    """Why a text was dropped.

    Attributes:
        reference: Position of the first reference that it shares words with.
        words: The first words in a row that it shares with it.
    """

    reference: int
    words: str


@dataclass(frozen=True)
class Decontaminated:
    """What `decontaminate` found.

    Attributes:
        kept: Positions of the texts that match no reference, ascending; int64.
        leaks: For each dropped position, what it shares.
    """

    kept: np.ndarray
    leaks: dict[int, Leak]


class Contamination(RowMeans):
    r"""A `Comparison` by what predictions share with a test set.

    ``ngram_contaminated`` is the share of predictions that have n words in a row in common with a reference, after
    punctuation and digits are removed and case is ignored (SoftSRV, Appendix A.3, with n = 13 as in Brown et al.
    2020). A text of fewer than n words cannot match, as is common practice, and counts as clean.

    ``word_overlap`` and ``word_overlap_above_40`` are those of CondenseLM, Appendix A.1 and Table 11: with
    :math:`W(x)` the distinct words of a text without punctuation and stop words (those of scikit-learn), the mean over
    predictions of

    .. math:: o(x) = \max_y |W(x) \cap W(y)| \,/\, |W(x)|

    and the share of predictions for which it is above 0.4. A text that is left without words has no o: the mean leaves
    it out (and is 0 if none is left), and it is not above 0.4.

    The null distribution is of reference rows, each judged as though it were not among the references: of at most
    2,000 for the word overlap, and of all for n-grams.

    Args:
        predictions: Texts to be judged.
        references: Texts that they should not hold, such as those of a test set.
        n: Words in a row that make a match.
        seed: Fixes which reference rows the null distribution is of.

    Raises:
        RowError: if a side is empty.
        ColumnError: if a row is no text.
        SettingError: if `n` is below 1.

    Example::

        dirty = Contamination(synthetic, test_texts).contaminated()
        clean = [text for i, text in enumerate(synthetic) if i not in set(dirty)]
    """

    def __init__(self, predictions: Sequence[str], references: Sequence[str], *, n: int = 13, seed: int = 0) -> None:
        texts, known = as_texts(predictions, "predictions"), as_texts(references, "references")
        self._dirty, twins, any_long = _matches(texts, known, n)
        words = ngram_sets(word_ids([*texts, *known], _content_words), 1)
        ours, theirs = words[: len(texts)], words[len(texts) :]
        rows = sample_positions(len(known), min(len(known), POOL_ROWS), seed)
        super().__init__(
            len(known),
            {"ngram_contaminated": self._dirty} | _word_scores(best_similarity(ours, theirs)),
            {"ngram_contaminated": twins} | _word_scores(best_similarity(theirs[rows], theirs, own=rows)),
            {"ngram_contaminated": any_long} | dict.fromkeys(_word_scores(np.zeros(1)), float(theirs.nnz > 0)),
        )

    def contaminated(self) -> np.ndarray:
        """Positions of the predictions that match, to be dropped; shape (n_contaminated,), int64, ascending."""
        return np.flatnonzero(self._dirty)


def ngram_matches(predictions: Sequence[str], references: Sequence[str], n: int = 13) -> np.ndarray:
    """Which predictions have n words in a row in common with a reference; see `Contamination`.

    Shape:
        returns: (n_predictions,), bool.

    Raises:
        RowError: if a side is empty.
        ColumnError: if a row is no text.
        SettingError: if `n` is below 1.
    """
    texts, known = as_texts(predictions, "predictions"), as_texts(references, "references")
    return _matches(texts, known, n)[0] > 0


def decontaminate(texts: Sequence[str], references: Sequence[str], n: int = 13) -> Decontaminated:
    """Drops texts that have n words in a row in common with a reference; see `Contamination`.

    Args:
        texts: Texts to be sifted.
        references: Texts that they should not hold, such as those of a test set.
        n: Words in a row that make a match.

    Raises:
        RowError: if a side is empty.
        ColumnError: if a row is no text.
        SettingError: if `n` is below 1.
    """
    rows, known = as_texts(texts, "texts"), as_texts(references, "references")
    ours, theirs = _ngrams(rows, known, n)
    entries = np.repeat(np.arange(theirs.shape[0]), np.diff(theirs.indptr))
    holders = np.full(theirs.shape[1], theirs.shape[0])
    np.minimum.at(holders, theirs.indices, entries)
    leaks = {}
    for i in np.flatnonzero(_any_of(ours, holders < theirs.shape[0])).tolist():
        reference = int(holders[ours.indices[ours.indptr[i] : ours.indptr[i + 1]]].min())
        leaks[i] = Leak(reference, _shared_words(rows[i], known[reference], n))
    return Decontaminated(np.setdiff1d(np.arange(len(rows)), list(leaks)), leaks)


def _shared_words(text: str, reference: str, n: int) -> str:
    held = set(_windows(reference, n))
    return " ".join(next(window for window in _windows(text, n) if window in held))


def _windows(text: str, n: int) -> list[tuple[str, ...]]:
    words = words_without_digits(text)
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def _ngrams(texts: list[str], references: list[str], n: int) -> tuple[csr_array, csr_array]:
    sets = ngram_sets(word_ids([*texts, *references], words_without_digits), n)
    return sets[: len(texts)], sets[len(texts) :]


def _matches(texts: list[str], references: list[str], n: int) -> tuple[np.ndarray, np.ndarray, float]:
    """1 where a text matches a reference, where a reference matches another, and if any is long enough to."""
    ours, theirs = _ngrams(texts, references, n)
    n_holders = np.bincount(theirs.indices, minlength=theirs.shape[1])
    return _any_of(ours, n_holders > 0), _any_of(theirs, n_holders > 1), float(theirs.nnz > 0)


def _any_of(sets: csr_array, wanted: np.ndarray) -> np.ndarray:
    return (sets @ wanted.astype(np.int64) > 0).astype(np.float64)


def _content_words(text: str) -> list[str]:
    return [word for word in words_of(text) if word not in _STOP_WORDS]


def _word_scores(overlap: np.ndarray) -> dict[str, np.ndarray]:
    return {"word_overlap": overlap, "word_overlap_above_40": (overlap > _THRESHOLD).astype(np.float64)}
