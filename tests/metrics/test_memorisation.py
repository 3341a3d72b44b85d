"""n-gram overlap and copies, by hand and against loops over pairs."""

import numpy as np
import pytest

from condensers.errors import ColumnError, RowError, SettingError
from condensers.metrics import assess, ngrams
from condensers.metrics.memorisation import NgramOverlap
from condensers.metrics.ngrams import ngram_counts, ngram_sets, word_ids, words_of, words_without_digits

NAMES = ["unigram_overlap", "bigram_overlap", "verbatim_copies", "near_copies"]


def texts(n, seed, *, least=0, most=7, n_words=12):
    rng = np.random.default_rng(seed)
    return [" ".join(f"w{word}" for word in rng.integers(n_words, size=rng.integers(least, most))) for _ in range(n)]


def grams(text, n):
    words = text.lower().split()
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}


def shingles(text):
    return grams(text, 3 if len(text.split()) > 2 else 1)


def slowly(predictions, references):
    """All four scores by loops over pairs, for texts of single-spaced words."""
    found = {}
    for name, n in (("unigram_overlap", 1), ("bigram_overlap", 2)):
        sets = [grams(text, n) for text in predictions]
        shares = [max(len(a & grams(b, n)) for b in references) / len(a) for a in sets if a]
        found[name] = np.mean(shares) if shares else 0.0
    found["verbatim_copies"] = np.mean([text in references for text in predictions])
    near = []
    for a in predictions:
        pairs = [(shingles(a), shingles(b)) for b in references]
        near.append(a in references or any(x & y and len(x & y) / len(x | y) >= 0.8 for x, y in pairs))
    found["near_copies"] = np.mean(near)
    return found


def test_words():
    assert words_of("Don't STOP, well-known_film: 2nd \u2018take\u2019!") == [
        "dont",
        "stop",
        "well",
        "known",
        "film",
        "2nd",
        "take",
    ]
    assert words_without_digits("B2B in 1999, o'clock 7") == ["bb", "in", "oclock"]
    assert words_of(" ... !") == []


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 13])
def test_ngrams_are_those_of_a_loop(n):
    rows = texts(40, n, most=20, n_words=2)
    counts = ngram_counts(word_ids(rows), n)
    every = sorted({gram for row in rows for gram in grams(row, n)})
    assert counts.shape[0] == 40 and counts.nnz == sum(len(grams(row, n)) for row in rows)
    assert len(np.unique(counts.indices)) == len(every)
    totals = np.asarray(counts.sum(axis=1)).ravel()
    assert totals.tolist() == [max(len(row.split()) - n + 1, 0) for row in rows]
    sets = ngram_sets(word_ids(rows), n)
    shared = (sets @ sets.T).toarray()
    assert shared.tolist() == [[len(grams(a, n) & grams(b, n)) for b in rows] for a in rows]


def test_ngrams_need_a_size():
    with pytest.raises(SettingError, match="`n` must be at least 1; got 0"):
        ngram_counts(word_ids(["a"]), 0)


def test_by_hand():
    references = ["the film is a fine one", "a dull day", "so it goes on and on"]
    predictions = [
        "A fine film!",  # all three words in the first; "a fine" of two pairs
        "a  DULL day",  # a copy
        "it goes on and on and so on",  # five of five words; pairs it-goes goes-on on-and and-on of six
        "zebra",  # nothing, and no pair
    ]
    found = NgramOverlap(predictions, references).value()
    assert found["unigram_overlap"] == pytest.approx((1 + 1 + 1 + 0) / 4)
    assert found["bigram_overlap"] == pytest.approx((1 / 2 + 1 + 4 / 6) / 3)
    assert found["verbatim_copies"] == pytest.approx(1 / 4)
    assert found["near_copies"] == pytest.approx(1 / 4)


def test_near_copies_by_hand():
    ten = "a b c d e f g h i j"
    # Of 8 word triples 7 are left and 8 are in the union; with one more, 7 of 9.
    assert NgramOverlap(["a b c d e f g h i"], [ten]).value()["near_copies"] == 1
    assert NgramOverlap(["a b c d e f g h i z"], [ten]).value()["near_copies"] == 0
    # Short texts by words; a text of three words has triples and no words.
    assert NgramOverlap(["b a"], ["a b"]).value()["near_copies"] == 1
    assert NgramOverlap(["a"], ["a b"]).value()["near_copies"] == 0
    assert NgramOverlap(["a b"], ["a b a"]).value()["near_copies"] == 0
    assert NgramOverlap(["a a a a"], ["a a a"]).value()["near_copies"] == 1


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("entries", [7, 2**22])
def test_as_loops_over_pairs(seed, entries, monkeypatch):
    monkeypatch.setattr(ngrams, "_BLOCK_ENTRIES", entries)
    predictions, references = texts(17, seed), texts(31, seed + 50)
    assert NgramOverlap(predictions, references).value() == pytest.approx(slowly(predictions, references))


@pytest.mark.parametrize("vectors", [False, True])
def test_the_null_distribution_leaves_each_row_out(vectors):
    references = [*texts(30, 3), *texts(5, 3)]
    x = np.random.default_rng(0).normal(size=(35, 4)).astype(np.float32)
    given = {"prediction_vectors": x[:2], "reference_vectors": x} if vectors else {}
    pool = NgramOverlap(references[:2], references, **given)._pool
    for row in range(35):
        rest = references[:row] + references[row + 1 :]
        if vectors:
            there = np.delete(x, row, axis=0)
            nearest = np.square(there - x[row]).sum(axis=1).argmin()
            rest_seen = [rest[nearest]]
            expected = slowly([references[row]], rest) | {
                name: slowly([references[row]], rest_seen)[name] for name in NAMES[:2]
            }
        else:
            expected = slowly([references[row]], rest)
        assert {name: np.nan_to_num(values[row]) for name, values in pool.items()} == pytest.approx(expected)


def test_the_nearest_by_vector_is_the_most_similar():
    predictions, references = ["a b c", "d e"], ["a b c", "d x", "c b"]
    near = np.eye(3, dtype=np.float32)
    found = NgramOverlap(predictions, references, prediction_vectors=near[[2, 1]], reference_vectors=near).value()
    assert found["unigram_overlap"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found["bigram_overlap"] == 0
    assert found["verbatim_copies"] == found["near_copies"] == pytest.approx(1 / 2)


def test_rows_of_the_references_score_1():
    """As "random selection" does in Section 6.1."""
    references = texts(60, 0, least=2)
    x = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    for given in ({}, {"prediction_vectors": x[:20], "reference_vectors": x}):
        found = NgramOverlap(references[:20], references, **given).value()
        assert found == dict.fromkeys(NAMES, 1.0)


def test_order_changes_nothing():
    predictions, references = texts(20, 1), texts(40, 2)
    found = NgramOverlap(predictions, references).value()
    assert NgramOverlap(predictions[::-1], references[::-1]).value() == pytest.approx(found)


@pytest.mark.parametrize("vectors", [False, True])
def test_leaks_are_told_from_fresh_rows(vectors):
    rows = texts(600, 4, least=4, most=9, n_words=200)
    x = np.random.default_rng(0).normal(size=(600, 4)).astype(np.float32)
    given = {"prediction_vectors": x[:100], "reference_vectors": x[100:]} if vectors else {}
    for name, score in assess(NgramOverlap(rows[:100], rows[100:], **given)).items():
        assert score.informative and score.like_a_sample, name
    leaked = {"prediction_vectors": x[100:200], "reference_vectors": x[100:]} if vectors else {}
    for score in assess(NgramOverlap(rows[100:200], rows[100:], **leaked)).values():
        assert score.value == 1 and score.informative and score.value > score.null_high


def test_means_spread_as_those_of_rows():
    comparison = NgramOverlap(texts(80, 1), texts(150, 2))
    values = comparison._scores["unigram_overlap"]
    rng = np.random.default_rng(0)
    boot = comparison.bootstrap(2000, rng)["unigram_overlap"]
    assert boot.mean() == pytest.approx(np.nanmean(values), abs=0.005)
    assert boot.std() == pytest.approx(np.nanstd(values) / np.sqrt(np.isfinite(values).sum()), rel=0.1)
    null = comparison.null(2000, rng)["unigram_overlap"]
    assert null.std() == pytest.approx(np.nanstd(comparison._pool["unigram_overlap"]) / np.sqrt(80), rel=0.15)
    assert assess(comparison, n_resamples=20) == assess(comparison, n_resamples=20)


def test_texts_without_words():
    found = NgramOverlap(["", "!!!"], ["a b"]).value()
    assert found == dict.fromkeys(NAMES, 0.0)
    found = NgramOverlap(["", "a b"], ["", "b a"]).value()
    assert found == {"unigram_overlap": 1.0, "bigram_overlap": 0.0, "verbatim_copies": 0.5, "near_copies": 1.0}
    assert NgramOverlap(["?!"], ["?!"]).value()["near_copies"] == 1
    for score in assess(NgramOverlap([""], ["", " "]), n_resamples=20).values():
        assert np.isfinite([score.value, score.low, score.null_high]).all()


@pytest.mark.parametrize("vectors", [False, True])
def test_one_row_each(vectors):
    x = np.ones((1, 3), dtype=np.float32)
    given = {"prediction_vectors": x, "reference_vectors": x} if vectors else {}
    for score in assess(NgramOverlap(["a b"], ["a b"], **given), n_resamples=20).values():
        assert score.value == score.low == score.high == 1
        assert score.null_mean == 0 and score.informative


def test_a_pool_stands_for_many_references(monkeypatch):
    monkeypatch.setattr("condensers.metrics.memorisation.POOL_ROWS", 50)
    comparison = NgramOverlap(texts(60, 0), texts(200, 1))
    assert len(comparison._pool["bigram_overlap"]) == 50
    assert comparison.null(5, np.random.default_rng(0))["bigram_overlap"].shape == (5,)


def test_mistakes():
    x = np.ones((2, 3), dtype=np.float32)
    with pytest.raises(RowError, match="there are no predictions"):
        NgramOverlap([], ["a"])
    with pytest.raises(RowError, match="there are no references"):
        NgramOverlap(["a"], [])
    with pytest.raises(ColumnError, match="predictions must be texts; number 1 is int"):
        NgramOverlap(["a", 1], ["a"])
    with pytest.raises(SettingError, match="`reference_vectors` is None"):
        NgramOverlap(["a", "b"], ["a", "b"], prediction_vectors=x)
    with pytest.raises(SettingError, match="`prediction_vectors` is None"):
        NgramOverlap(["a", "b"], ["a", "b"], reference_vectors=x)
    with pytest.raises(RowError, match="`reference_vectors` must have one row for each of 3 references; got 2"):
        NgramOverlap(["a", "b"], ["a", "b", "c"], prediction_vectors=x, reference_vectors=x)
