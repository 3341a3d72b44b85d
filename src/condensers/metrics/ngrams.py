"""Word n-grams of many texts as sparse matrices, and comparisons whose scores are means over rows.

With n-grams as columns, what every text shares with every other is one sparse product; it is taken in blocks and only
the best of each row is kept.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from condensers.embedding import Matrix
from condensers.errors import RowError, SettingError
from condensers.metrics.inputs import as_vectors
from condensers.metrics.resampling import Values

# Rows of the references that stand for all of them in a null distribution.
POOL_ROWS = 2000
# Entries of one block of a product, if every pair shares something.
_BLOCK_ENTRIES = 2**22

_APOSTROPHES = re.compile("['\u2019]")
_PUNCTUATION = re.compile(r"[^\w\s]|_")
_DIGITS = re.compile(r"\d")


def words_of(text: str) -> list[str]:
    """Words in lower case without punctuation: an apostrophe joins ("don't" is "dont"), all else separates."""
    return _PUNCTUATION.sub(" ", _APOSTROPHES.sub("", text.casefold())).split()


def words_without_digits(text: str) -> list[str]:
    """`words_of` a text from which all digits were removed."""
    return words_of(_DIGITS.sub("", text))


@dataclass(frozen=True)
class WordIds:
    """The words of many texts, one after the other, as numbers.

    Attributes:
        ids: Number of each word.
        starts: Where each text begins; the last entry is the number of words.

    Shape:
        ids: (n_words,); starts: (n_texts + 1,), int64.
    """

    ids: np.ndarray
    starts: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Words in each text; shape (n_texts,)."""
        return np.diff(self.starts)


def word_ids(texts: Sequence[str], split: Callable[[str], list[str]] = words_of) -> WordIds:
    """Numbers the words of texts in order of appearance.

    Args:
        texts: The texts.
        split: Turns a text into words.
    """
    numbers: dict[str, int] = {}
    ids: list[int] = []
    starts = [0]
    for text in texts:
        ids.extend([numbers.setdefault(word, len(numbers)) for word in split(text)])
        starts.append(len(ids))
    return WordIds(np.asarray(ids, dtype=np.int64), np.asarray(starts, dtype=np.int64))


def ngram_counts(words: WordIds, n: int) -> csr_array:
    """How often each n-gram occurs in each text; a text of fewer than n words has none.

    Shape:
        returns: (n_texts, n_ngrams), int64; columns in no order that means anything.

    Raises:
        SettingError: if `n` is below 1.
    """
    if n < 1:
        raise SettingError(f"`n` must be at least 1; got {n!r}.")
    n_each = np.maximum(words.lengths - n + 1, 0)
    rows = np.repeat(np.arange(len(n_each)), n_each)
    # Where each n-gram begins: consecutive within a text.
    places = np.arange(n_each.sum()) + np.repeat(words.starts[:-1] - np.cumsum(n_each) + n_each, n_each)
    if not len(places):
        return csr_array((len(n_each), 1), dtype=np.int64)
    _, columns = np.unique(_codes(words.ids, n)[places], return_inverse=True)
    counts = csr_array((np.ones(len(places), dtype=np.int64), (rows, columns)), shape=(len(n_each), columns.max() + 1))
    counts.sum_duplicates()
    return counts


def _codes(ids: np.ndarray, n: int) -> np.ndarray:
    """A number for the n-gram that begins at each place, the same for the same words."""
    if n == 1:
        return ids
    # Two overlapping halves determine the whole; their ranks keep the pair within 64 bits, without any hashing.
    half = (n + 1) // 2
    codes = _codes(ids, half)
    _, pairs = np.unique(codes[: len(codes) - n + half] * (codes.max() + 1) + codes[n - half :], return_inverse=True)
    return pairs


def ngram_sets(words: WordIds, n: int) -> csr_array:
    """Which n-grams occur in each text: `ngram_counts` with 1 for every count."""
    found = ngram_counts(words, n)
    found.data[:] = 1
    return found


def set_sizes(sets: csr_array) -> np.ndarray:
    """Distinct n-grams of each text; shape (n_texts,), int64."""
    return np.diff(sets.indptr)


def _shared(texts: csr_array, references: csr_array) -> Iterator[tuple[slice, csr_array]]:
    turned = references.T.tocsr()
    step = max(_BLOCK_ENTRIES // max(references.shape[0], 1), 1)
    for start in range(0, texts.shape[0], step):
        where = slice(start, min(start + step, texts.shape[0]))
        yield where, texts[where] @ turned


def best_similarity(
    texts: csr_array, references: csr_array, *, own: np.ndarray | None = None, jaccard: bool = False
) -> np.ndarray:
    r"""How similar each text is to the reference that is most similar to it.

    .. math:: \max_j |A_i \cap B_j| / |A_i|, \qquad \text{or with Jaccard } \max_j |A_i \cap B_j| / |A_i \cup B_j|

    Args:
        texts: Their n-gram sets.
        references: Those of the references, with the same columns.
        own: Position among the references of each text, which is then not compared with itself.
        jaccard: Divide by the union.

    Shape:
        texts: (n, n_ngrams); references: (n_references, n_ngrams); own: (n,).
        returns: (n,), float64; NaN for a text without n-grams.
    """
    sizes, reference_sizes = set_sizes(texts), set_sizes(references)
    best = np.where(sizes > 0, 0.0, np.nan)
    for where, shared in _shared(texts, references):
        n_each = np.diff(shared.indptr)
        size = np.repeat(sizes[where], n_each)
        whole = size + reference_sizes[shared.indices] - shared.data if jaccard else size
        similarity = shared.data / whole
        if own is not None:
            similarity[shared.indices == np.repeat(own[where], n_each)] = 0.0
        some = np.flatnonzero(n_each)
        if len(some):
            best[some + where.start] = np.maximum.reduceat(similarity, shared.indptr[some])
    return best


def overlap_with(texts: csr_array, references: csr_array) -> np.ndarray:
    """Share of each text's n-grams that occur in the reference beside it.

    Shape:
        texts, references: (n, n_ngrams); returns: (n,), float64; NaN for a text without n-grams.
    """
    sizes = set_sizes(texts)
    shared = np.asarray(texts.multiply(references).sum(axis=1), dtype=np.float64).ravel()
    return np.divide(shared, sizes, out=np.full(len(sizes), np.nan), where=sizes > 0)


def mean_of(values: np.ndarray) -> float:
    """Mean of the values that are numbers; 0 if none is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0


class RowMeans:
    """A `Comparison` by means over rows, each of which is scored by itself against all references.

    NaN marks a row that a score says nothing about; the mean leaves it out, and is 0 where nothing is left.

    Args:
        n_references: Size of the reference set.
        scores: Scores of each prediction.
        pool: Scores of reference rows, each compared with all references but itself; of all of them or of a sample.
        copies: Scores of a set of reference rows, copied word for word.

    Shape:
        scores: (n_predictions,) each; pool: (n_pool,) each, by name.
    """

    def __init__(
        self,
        n_references: int,
        scores: Mapping[str, np.ndarray],
        pool: Mapping[str, np.ndarray],
        copies: Mapping[str, float],
    ) -> None:
        self.n_references = n_references
        self._scores, self._pool, self._copies = scores, pool, copies
        self._n_predictions = len(next(iter(scores.values())))

    def value(self) -> dict[str, float]:
        """Scores of the predictions."""
        return {name: mean_of(values) for name, values in self._scores.items()}

    def bootstrap(self, n: int, rng: np.random.Generator) -> Values:
        """Means of resamples of the predictions' scores.

        The references stay: to resample them would lose a third of the rows that may have leaked.
        """
        return self._means(self._scores, n, rng)

    def null(self, n: int, rng: np.random.Generator) -> Values:
        """Scores of samples of the references, each row compared with all references but itself.

        The rows are drawn with replacement from those that were scored once, at most a few thousand: their scores do
        not depend on each other, so the means spread as those of fresh rows do.
        """
        return self._means(self._pool, n, rng)

    def foil(self, rng: np.random.Generator) -> dict[str, float]:
        """Scores of reference rows, copied word for word: a set that leaks everything.

        Of rows that can match: 1, unless all of them are too short.
        """
        return dict(self._copies)

    def _means(self, scores: Mapping[str, np.ndarray], n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        seeds = rng.integers(2**32, size=len(scores))
        found = {}
        for (name, values), seed in zip(scores.items(), seeds, strict=True):
            own = np.random.default_rng(seed)
            draws = (values[own.integers(len(values), size=self._n_predictions)] for _ in range(n))
            found[name] = np.fromiter(map(mean_of, draws), dtype=np.float64, count=n)
        return found


def vectors_beside(
    predictions: Sequence[str],
    references: Sequence[str],
    prediction_vectors: Matrix | None,
    reference_vectors: Matrix | None,
) -> tuple[Matrix, Matrix] | None:
    """Checks that vectors, if there are any, belong to the texts.

    Raises:
        SettingError: if only one side has vectors.
        RowError: if a side has another number of vectors than of texts, or vectors that `as_vectors` refuses.
    """
    if prediction_vectors is None and reference_vectors is None:
        return None
    if prediction_vectors is None or reference_vectors is None:
        missing = "prediction_vectors" if prediction_vectors is None else "reference_vectors"
        raise SettingError(f"vectors must be given for both sets or for none; `{missing}` is None. Embed both.")
    found = as_vectors(prediction_vectors, reference_vectors)
    for what, texts, vectors in zip(("prediction", "reference"), (predictions, references), found, strict=True):
        if vectors.shape[0] != len(texts):
            raise RowError(
                f"`{what}_vectors` must have one row for each of {len(texts)} {what}s; got {vectors.shape[0]}. "
                f"Embed the texts that you pass."
            )
    return found
