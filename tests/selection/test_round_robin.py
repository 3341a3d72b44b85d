"""Clusters in turn, and the subsample of texts."""

import warnings

import numpy as np
import pytest
from conftest import WORDS
from hypothesis import given, settings
from hypothesis import strategies as st

from condensers.embedding.tfidf import tfidf_vectors
from condensers.errors import BudgetError, RowError, SettingError
from condensers.selection import RoundRobin, sample_texts

CLUSTERS = st.lists(st.integers(0, 4), min_size=1, max_size=30).map(lambda codes: np.asarray(codes, dtype=np.int64))


@given(CLUSTERS, st.integers(0, 3), st.data())
@settings(max_examples=60, deadline=None)
def test_no_cluster_is_two_turns_ahead_unless_the_others_are_used_up(clusters, seed, data):
    n = data.draw(st.integers(1, len(clusters)))
    kept = RoundRobin(seed=seed).take_turns(clusters, n)
    assert len(set(kept.tolist())) == n
    sizes, taken = np.bincount(clusters, minlength=5), np.bincount(clusters[kept], minlength=5)
    most = taken.max()
    assert all(taken[c] >= most - 1 for c in range(5) if taken[c] < sizes[c])
    # And in the order of the turns: every prefix is a smaller sample.
    assert kept[: n // 2].tolist() == RoundRobin(seed=seed).take_turns(clusters, n // 2).tolist() or n < 2


def test_turns_by_hand():
    """Of three rows of one cluster and one of another, the second and third turns are the large one's."""
    kept = RoundRobin().take_turns(np.array([7, 7, 2, 7]), 4)
    assert set(kept[:2].tolist()) >= {2} and 2 not in kept[2:]


def test_rows_of_a_cluster_are_drawn_at_random():
    clusters = np.zeros(50, dtype=np.int64)
    draws = [tuple(RoundRobin(seed=seed).take_turns(clusters, 5).tolist()) for seed in range(20)]
    assert len(set(draws)) == 20
    assert RoundRobin(seed=3).take_turns(clusters, 5).tolist() == list(draws[3])


def test_select_finds_every_cluster_of_well_separated_rows():
    centres = np.eye(4, dtype=np.float32) * 10
    x = np.repeat(centres, [50, 30, 20, 10], axis=0)
    x += np.random.default_rng(0).normal(scale=0.01, size=x.shape).astype(np.float32)
    kept = RoundRobin(num_clusters=4).select(x, 4)
    assert sorted(x[kept].argmax(1).tolist()) == [0, 1, 2, 3]


def made(n_each=(40, 20, 12)):
    """Six of the eight words of a topic: so alike that rounding, in which processors differ, decides nothing."""
    rng = np.random.default_rng(0)
    return [
        " ".join(rng.choice(words, size=6, replace=False))
        for words, n in zip(WORDS.values(), n_each, strict=True)
        for _ in range(n)
    ]


def test_a_sample_of_texts_is_of_all_topics_and_says_what_it_left_out():
    texts = made()
    found = sample_texts(texts, 9, num_clusters=3)
    assert sorted([*found.kept.tolist(), *found.left_out.tolist()]) == list(range(72))
    topics = [next(name for name, words in WORDS.items() if texts[i].split()[0] in words) for i in found.kept]
    assert {name: topics.count(name) for name in WORDS} == {"fruit": 3, "metal": 3, "bird": 3}
    assert found.turns.tolist() == [3, 3, 3] and found.clusters.shape == (72,)
    assert sample_texts(texts, 9, num_clusters=3).kept.tolist() == found.kept.tolist()


def test_tfidf_vectors_are_those_of_scikit_learn_up_to_signs():
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = made()
    vectors = tfidf_vectors(texts, dim=24)
    counts = TfidfVectorizer().fit_transform(texts).toarray()
    # All 24 words are kept, so every product of two rows is.
    np.testing.assert_allclose(vectors @ vectors.T, counts @ counts.T, atol=1e-5)
    assert tfidf_vectors(texts, dim=5).shape == (72, 5)
    # Too few for scikit-learn to reduce.
    assert tfidf_vectors(["apple", "?"]).tolist() == [[1], [0]] and tfidf_vectors(["apple pear"]).any()


def test_texts_without_words_and_equal_texts_are_no_hindrance():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(sample_texts(["!", "?", ""], 2).kept) == 2
        assert len(sample_texts(["same text"] * 5 + ["other words"], 4).kept) == 4


def test_mistakes():
    with pytest.raises(BudgetError, match="3"):
        sample_texts(["one text", "two texts"], 3)
    with pytest.raises(SettingError, match="`num_clusters` must be at least 1; got 0"):
        sample_texts(["one text", "two texts"], 1, num_clusters=0)
    with pytest.raises(RowError, match="holds NaN"):
        RoundRobin().select(np.full((3, 2), np.nan, dtype=np.float32), 1)
