"""How different the texts of a set are from each other."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.sparse import csr_array

from condensers.embedding import Matrix, iter_blocks
from condensers.errors import RowError
from condensers.metrics.buckets import rows_of, sample_positions
from condensers.metrics.inputs import as_texts
from condensers.metrics.ngrams import ngram_counts, vectors_beside, word_ids
from condensers.metrics.resampling import Values

# Texts that self-BLEU looks at, at most.
_MAX_TEXTS = 1000
_BLEU_ORDERS = 4
# Groups of rows that the jackknife leaves out in turn, at most.
_MAX_GROUPS = 50
# What an order without any match counts, as in nltk's `SmoothingFunction().method1`, which Texygen takes.
_EPSILON = 0.1


def distinct_n(texts: Sequence[str], n: int) -> float:
    """Distinct n-grams over all n-grams of a set; 0 if there are none, 1 if none occurs twice.

    After Li et al. (2016), Section 5.2, who divide by the number of words, whatever n; this is the form in use since.

    Args:
        texts: The set.
        n: Words in an n-gram.

    Raises:
        RowError: if there are no texts.
        SettingError: if `n` is below 1.
    """
    return _distinct(ngram_counts(word_ids(as_texts(texts, "texts")), n))


def _distinct(counts: csr_array) -> float:
    total = counts.data.sum()
    return float(len(np.unique(counts.indices)) / total) if total else 0.0


def self_bleu(texts: Sequence[str], *, seed: int = 0) -> float:
    r"""Average BLEU-4 of each text against all others (Zhu et al. 2018), from 0 to 1; lower is more varied.

    .. math:: \text{BLEU}(x) = \min(1, e^{1 - r / |x|}) \Big(\prod_{k=1}^K p_k\Big)^{1/K}

    with p_k the clipped precision of k-grams, r the length nearest to that of x among the other texts (the shorter of
    two), and K the lesser of 4 and the length of x, so that a copy scores 1 however short it is. An order without any
    match counts 0.1 of a match. Texts without words are left out; fewer than two others make 0.

    Args:
        texts: The set; of more than 1,000 texts, a sample of 1,000 is judged.
        seed: Fixes the sample.

    Raises:
        RowError: if there are no texts.
    """
    words = word_ids(as_texts(texts, "texts"))
    counts = [ngram_counts(words, k) for k in range(1, _BLEU_ORDERS + 1)]
    return _self_bleu(counts, np.random.default_rng(seed).permutation(len(texts))[:_MAX_TEXTS])


def _self_bleu(counts: Sequence[csr_array], rows: np.ndarray) -> float:
    rows = rows[np.diff(counts[0].indptr)[rows] > 0]
    if len(rows) < 2:
        return 0.0
    found = [order[rows] for order in counts]
    lengths = np.asarray(found[0].sum(axis=1)).ravel()
    logs, n_orders = np.zeros(len(rows)), np.minimum(lengths, _BLEU_ORDERS)
    for k, order in enumerate(found):
        some = np.flatnonzero(lengths > k)
        matches = _clipped(order)[some]
        logs[some] += np.log(np.where(matches > 0, matches, _EPSILON) / (lengths[some] - k))
    brevity = np.minimum(1.0 - _nearest_lengths(lengths) / lengths, 0.0)
    return float(np.exp(logs / n_orders + brevity).mean())


def _clipped(counts: csr_array) -> np.ndarray:
    """n-grams of each text, each at most as often as in the other text that has it most often; shape (n_texts,)."""
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    order = np.lexsort((-counts.data, counts.indices))
    columns, values, rows = counts.indices[order], counts.data[order], rows[order]
    first = np.ones(len(columns), dtype=bool)
    first[1:] = columns[1:] != columns[:-1]
    starts = np.flatnonzero(first)
    # The text that has an n-gram most often is held against the next count, all others against that text's.
    greatest = np.repeat(values[starts], np.diff(starts, append=len(values)))
    alone = np.append(first[1:], True)
    greatest[starts] = np.where(alone[starts], 0, values[np.minimum(starts + 1, len(values) - 1)])
    return np.bincount(rows, weights=np.minimum(values, greatest), minlength=counts.shape[0])


def _nearest_lengths(lengths: np.ndarray) -> np.ndarray:
    """For each of two or more lengths, the nearest of the others, the lesser of two; shape (n,) in and out."""
    order = np.argsort(lengths, kind="stable")
    ascending = lengths[order].astype(np.float64)
    below, above = np.append(-np.inf, ascending[:-1]), np.append(ascending[1:], np.inf)
    nearest = np.empty(len(lengths))
    nearest[order] = np.where(above - ascending < ascending - below, above, below)
    return nearest


def vendi_score(vectors: Matrix) -> float:
    r"""Vendi score with the cosine kernel (Friedman and Dieng 2023, Definition 3.1): the effective number of rows.

    .. math:: \exp\Big(-\sum_i \lambda_i \log \lambda_i\Big), \quad \lambda \text{ the eigenvalues of } K / n

    It is from 1, where all rows point one way, to the lesser of n and dim. K has the eigenvalues of the matrix of
    second moments of the rows; whichever is smaller is taken apart.

    Args:
        vectors: Rows, of any length but 0.

    Shape:
        vectors: (n_rows, dim).

    Raises:
        RowError: if there are no rows, or one is zero and so has no direction.
    """
    n_rows, dim = vectors.shape
    if n_rows == 0:
        raise RowError("there are no vectors; pass at least one.")
    if n_rows <= dim:
        x = _directions(np.asarray(vectors[:]), 0)
        matrix = x @ x.T
    else:
        matrix = np.zeros((dim, dim))
        for where, block in iter_blocks(vectors):
            x = _directions(block, where.start)
            matrix += x.T @ x
    shares = np.linalg.eigvalsh(matrix / n_rows)
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _directions(rows: np.ndarray, start: int) -> np.ndarray:
    x = rows.astype(np.float64)
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    if not norms.all():
        number = start + int(np.flatnonzero(norms == 0)[0])
        raise RowError(f"vector {number} is zero and has no cosine with others. Check the embedder and that text.")
    return x / norms


class Diversity:
    """A `Comparison` by distinct-n, self-BLEU and, given vectors, the Vendi score and its share of the rows.

    All judge a set by itself, and all change with its size; the references only say where sets of that size lie. They
    are ``distinct_1``, ``distinct_2``, ``distinct_3`` (see `distinct_n`), ``self_bleu``, ``vendi_score``, and
    ``vendi_share``, the Vendi score over the number of predictions.

    Args:
        predictions: Texts to be judged.
        references: Texts of which samples are judged beside them.
        prediction_vectors: Vectors of the predictions, for the Vendi score.
        reference_vectors: Vectors of the references.
        seed: Fixes which 1,000 texts self-BLEU looks at where there are more.

    Shape:
        prediction_vectors: (n_predictions, dim); reference_vectors: (n_references, dim).

    Raises:
        RowError: if a side is empty, has another number of vectors than of texts, or a vector that is zero.
        ColumnError: if a row is no text.
        SettingError: if only one side has vectors.
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
        self._vectors: tuple[Matrix | None, Matrix | None] = (None, None) if vectors is None else vectors
        self.n_references = len(known)
        self._n, self._seed = len(texts), seed
        words = word_ids([*texts, *known])
        counts = [ngram_counts(words, k) for k in range(1, _BLEU_ORDERS + 1)]
        self._ours = [order[: self._n] for order in counts]
        self._theirs = [order[self._n :] for order in counts]

    def value(self) -> dict[str, float]:
        """Scores of the predictions."""
        return self._scores(self._ours, self._vectors[0], self._order())

    def bootstrap(self, n: int, rng: np.random.Generator) -> Values:
        r"""Normal draws about the scores, as wide as the jackknife says.

        A resample with replacement holds a third of its rows twice, which distinct-n and the Vendi score count as a
        loss of variety. The jackknife only leaves rows out: in turn each of G groups, of one row or, of more than 50,
        of a fiftieth. With :math:`\theta_g` a score without group g,

        .. math:: s^2 = \frac{G - 1}{G} \sum_g (\theta_g - \bar\theta)^2

        is on average no less than the variance of fresh sets that lack one group (Efron and Stein 1981). A single row
        has no interval.
        """
        spread = self._jackknife(self._ours, self._vectors[0], self._order())
        return {name: value + spread[name] * rng.normal(size=n) for name, value in self.value().items()}

    def null(self, n: int, rng: np.random.Generator) -> Values:
        r"""Scores of samples of the references, as many rows as there are predictions, spread as those of fresh rows.

        Samples of m of n rows differ less from each other than fresh sets do, by a factor of :math:`1 - m/n` in
        variance, and all of them miss the law that the references are drawn from by the same. Both together are
        :math:`2m/n` of the variance that the jackknife finds, in normal draws. Fewer references than predictions must
        repeat, which makes the samples less varied than fresh rows would be.
        """
        draws = [rng.permutation(sample_positions(self.n_references, self._n, rng)) for _ in range(n)]
        found = _by_name([self._scores(self._theirs, self._vectors[1], rows) for rows in draws])
        some = rng.permutation(self.n_references)[: self._n]
        spread = self._jackknife(self._theirs, self._vectors[1], some)
        lacking = np.sqrt(2 * self._n / self.n_references if self._n <= self.n_references else 1.0)
        return {name: values + lacking * spread[name] * rng.normal(size=n) for name, values in found.items()}

    def foil(self, rng: np.random.Generator) -> dict[str, float]:
        """Scores of one reference row, repeated: a set without any variety."""
        worded = np.flatnonzero(np.diff(self._theirs[0].indptr))
        row = rng.choice(worded) if len(worded) else 0
        return self._scores(self._theirs, self._vectors[1], np.full(self._n, row))

    def _order(self) -> np.ndarray:
        return np.random.default_rng(self._seed).permutation(self._n)

    def _jackknife(self, counts: Sequence[csr_array], vectors: Matrix | None, rows: np.ndarray) -> dict[str, float]:
        """Standard deviation of each score of a set of rows, in an order by chance."""
        size = -(-len(rows) // _MAX_GROUPS)
        n_groups = len(rows) // size
        # Groups of one size, lest the size of a set pass for variety; the few rows that are left over stay in.
        group = np.where(np.arange(len(rows)) < n_groups * size, np.arange(len(rows)) % n_groups, -1)
        keeping = [rows[group != g] for g in range(n_groups)] if n_groups > 1 else [rows]
        without = _by_name([self._scores(counts, vectors, kept) for kept in keeping])
        return {name: float(np.sqrt(len(keeping) - 1) * values.std()) for name, values in without.items()}

    @staticmethod
    def _scores(counts: Sequence[csr_array], vectors: Matrix | None, rows: np.ndarray) -> dict[str, float]:
        """Scores of some rows, in an order by chance: self-BLEU takes the first."""
        found = {f"distinct_{k}": _distinct(order[rows]) for k, order in enumerate(counts[:3], 1)}
        found["self_bleu"] = _self_bleu(counts, rows[:_MAX_TEXTS])
        if vectors is not None:
            found["vendi_score"] = vendi_score(rows_of(vectors, rows))
            found["vendi_share"] = found["vendi_score"] / len(rows)
        return found


def _by_name(found: Sequence[Mapping[str, float]]) -> dict[str, np.ndarray]:
    return {name: np.asarray([scores[name] for scores in found]) for name in found[0]}
