import copy

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from sklearn.linear_model import LogisticRegression
from word_embedder import WordEmbedder

from condensers.data import SEPARATOR
from condensers.errors import NotFittedError, RowError
from condensers.rewards import EmbeddingProbe

TEXT = {"text": ["text"]}


def rows(texts, codes, n_classes=3):
    features = Features({"text": Value("string"), "label": ClassLabel(names=[f"c{i}" for i in range(n_classes)])})
    return Dataset.from_dict({"text": texts, "label": codes}, features=features)


def words(*codes):
    return [f"{'apple pear plum'.split()[code]} number {i}" for i, code in enumerate(codes)]


@pytest.mark.parametrize("codes", [[0, 1, 2, 0, 1, 2, 2], [0, 1, 1, 0, 1]])
def test_it_is_logistic_regression_on_the_embeddings(codes):
    embedder, texts = WordEmbedder(), words(*codes)
    probe = EmbeddingProbe(embedder, C=0.5).fit(rows(texts, codes, max(codes) + 1), text=["text"], label="label")
    found = probe.predict_log_proba(rows(texts, codes, max(codes) + 1), **TEXT)
    model = LogisticRegression(C=0.5, max_iter=1000).fit(embedder.encode(texts), codes)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, model.predict_log_proba(embedder.encode(texts)), atol=1e-5)


@pytest.mark.parametrize("codes", [[0, 2, 2, 0], [1, 1]])
def test_a_class_without_rows_has_probability_0(codes):
    given = rows(words(*codes), codes)
    found = np.exp(
        EmbeddingProbe(WordEmbedder()).fit(given, text=["text"], label="label").predict_log_proba(given, **TEXT)
    )
    absent = sorted({0, 1, 2} - set(codes))
    assert (found[:, absent] == 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert found[np.arange(len(codes)), codes].min() > 0.5


def test_saved_and_read_back(tmp_path):
    embedder, given = WordEmbedder(), rows(words(0, 1, 2, 0), [0, 1, 2, 0])
    probe = EmbeddingProbe(embedder, C=2.0).fit(given, text=["text"], label="label")
    probe.save_pretrained(tmp_path / "probe")
    again = EmbeddingProbe.from_pretrained(tmp_path / "probe", embedder)
    assert again.C == 2.0
    assert np.array_equal(again.predict_log_proba(given, **TEXT), probe.predict_log_proba(given, **TEXT))


def test_a_copy_has_learned_nothing_and_shares_the_embedder(tmp_path):
    probe = EmbeddingProbe(WordEmbedder(), C=3.0).fit(rows(words(0, 1), [0, 1]), text=["text"], label="label")
    copied = copy.deepcopy(probe)
    assert (copied.embedder, copied.C) == (probe.embedder, 3.0)
    with pytest.raises(NotFittedError, match="call `fit` first"):
        copied.predict_log_proba(rows(words(0), [0]), **TEXT)
    with pytest.raises(NotFittedError):
        copied.save_pretrained(tmp_path / "refused")
    assert not (tmp_path / "refused").exists()


def test_pairs_are_the_texts_that_the_condenser_has_embedded():
    embedder = WordEmbedder()
    pairs = Dataset.from_dict({"a": ["x y", "z"], "b": ["y", "w"], "label": [0, 1]})
    pairs = pairs.cast_column("label", ClassLabel(names=["no", "yes"]))
    probe = EmbeddingProbe(embedder).fit(pairs, text=["a", "b"], label="label")
    joined = rows([f"x y{SEPARATOR}y", f"z{SEPARATOR}w"], [0, 1], 2)
    n_before = embedder.n_texts
    assert np.array_equal(probe.predict_log_proba(joined, **TEXT), probe.predict_log_proba(pairs, text=["a", "b"]))
    assert embedder.n_texts == n_before


def test_no_rows():
    with pytest.raises(RowError, match="no rows to fit"):
        EmbeddingProbe(WordEmbedder()).fit(rows([], []), text=["text"], label="label")
