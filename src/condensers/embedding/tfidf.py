"""Vectors of texts that need no model: weighted word counts, reduced."""

from collections.abc import Sequence

import numpy as np


def tfidf_vectors(texts: Sequence[str], *, dim: int = 100, seed: int = 0) -> np.ndarray:
    """Word counts weighted by TF-IDF, reduced by a singular value decomposition (SoftSRV, Appendix A.2).

    They say which words a set of texts has in common, and hold for that set alone.

    Args:
        texts: The texts.
        dim: Dimensions kept; fewer where there are fewer words or texts.
        seed: Seed of the decomposition, which is randomised.

    Shape:
        returns: (n_texts, at most dim), float32; zero for a text without a word of two letters or more.
    """
    from sklearn.decomposition import TruncatedSVD  # noqa: PLC0415  (takes seconds to import)
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415

    vectoriser = TfidfVectorizer(dtype=np.float32)
    if not any(map(vectoriser.build_analyzer(), texts)):
        return np.zeros((len(texts), 1), dtype=np.float32)
    counts = vectoriser.fit_transform(texts)
    if min(counts.shape) == 1:  # One text or one word: nothing to reduce, and scikit-learn refuses.
        return counts.toarray()[:, :dim]
    svd = TruncatedSVD(min(dim, *counts.shape), random_state=seed)
    return svd.fit_transform(counts).astype(np.float32)
