"""A linear classifier on word counts, which knows no embedder."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from condensers.evaluation.learners.protocol import check_training_rows, relative_weights
from condensers.evaluation.learners.settings import check_settings
from condensers.methods.logistic import fit_logistic

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression


@dataclass(frozen=True)
class TfidfLinear:
    """Multinomial logistic regression on the words of the training rows, weighted by TF-IDF.

    It shares nothing with the embedders that rows are condensed by, so rows that only suit their vectors fail here.
    What it has not seen in the few rows it does not know, so its accuracy is low; it is there for comparisons. It has
    no randomness.

    Attributes:
        max_words: Longest run of words that counts as a feature.
        C: Inverse strength of the L2 penalty, as in scikit-learn.

    Raises:
        SettingError: if a setting is out of its range.
    """

    max_words: int = 2
    C: float = 1.0
    name: ClassVar[str] = "tfidf_linear"

    def __post_init__(self) -> None:
        check_settings(self, whole=("max_words",), positive=("C",))

    def fit(
        self,
        texts: Sequence[str],
        codes: np.ndarray,
        n_classes: int,
        *,
        seed: int,
        weights: np.ndarray | None = None,
    ) -> "TfidfClassifier":
        """Trains the regression; see `Learner.fit`. The seed changes nothing.

        Raises:
            RowError: if texts, codes and weights do not fit together.
        """
        codes = check_training_rows(texts, codes, n_classes)
        weights = relative_weights(weights, len(texts))
        from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415  (takes seconds to import)

        # Words of one letter count too, unlike in scikit-learn's default: a text may have no others.
        vectoriser = TfidfVectorizer(ngram_range=(1, self.max_words), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
        has_words = any(map(vectoriser.build_analyzer(), texts))
        if not has_words or len(np.unique(codes)) == 1:
            heaviest = np.bincount(codes, weights=weights, minlength=n_classes)
            return TfidfClassifier(vectoriser, None, int(np.argmax(heaviest)))
        return TfidfClassifier(
            vectoriser, fit_logistic(vectoriser.fit_transform(texts), codes, weights, self.C), only_class=0
        )


@dataclass(frozen=True)
class TfidfClassifier:
    """A trained `TfidfLinear`.

    Attributes:
        vectoriser: What counts words.
        model: The regression; None if the training rows had one class, or no words.
        only_class: What is predicted then.
    """

    vectoriser: "TfidfVectorizer"
    model: "LogisticRegression | None"
    only_class: int

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        """Classifies texts; see `Classifier.predict`.

        Shape:
            returns: (n_texts,), int64.
        """
        if self.model is None:
            return np.full(len(texts), self.only_class, dtype=np.int64)
        return self.model.predict(self.vectoriser.transform(texts)).astype(np.int64)
