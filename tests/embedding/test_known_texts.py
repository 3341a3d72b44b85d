import numpy as np

from condensers.embedding import Embedder, KnownTexts


def test_known_texts_are_looked_up_and_others_embedded(embedder):
    texts = ["one two", "three", "four five six"]
    known = KnownTexts(embedder, texts, np.asarray(embedder.encode(texts)))
    assert isinstance(known, Embedder) and (known.name, known.fingerprint) == (embedder.name, embedder.fingerprint)
    embedder.n_texts = 0
    found = known.encode(["three", "a new one", "one two", "three"])
    assert (embedder.n_texts, known.n_embedded) == (1, 1)
    np.testing.assert_array_equal(found, embedder.encode(["three", "a new one", "one two", "three"]))
