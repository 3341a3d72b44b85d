"""A linear classifier on frozen embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from condensers.embedding import Embedder, embed_texts
from condensers.evaluation.learners.protocol import check_training_rows, relative_weights
from condensers.evaluation.learners.settings import check_settings
from condensers.methods.logistic import fit_logistic

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

# Texts from which embedding takes long enough for a bar.
_LONG_WORK = 1000


@dataclass(frozen=True)
class LinearProbe:
    """Multinomial logistic regression on sentence embeddings: seconds where fine-tuning takes minutes.

    It has no randomness, so what spreads over seeds is the condensed rows alone.

    Attributes:
        embedder: What turns texts into vectors; cached, so that test rows are embedded once for all probes.
        C: Inverse strength of the L2 penalty, as in scikit-learn.

    Raises:
        SettingError: if a setting is out of its range.
    """

    embedder: Embedder
    C: float = 1.0
    name: ClassVar[str] = "linear_probe"

    def __post_init__(self) -> None:
        check_settings(self, positive=("C",))

    def fit(
        self,
        texts: Sequence[str],
        codes: np.ndarray,
        n_classes: int,
        *,
        seed: int,
        weights: np.ndarray | None = None,
    ) -> "LinearClassifier":
        """Trains the regression; see `Learner.fit`. The seed changes nothing.

        Raises:
            RowError: if texts, codes and weights do not fit together.
        """
        codes = check_training_rows(texts, codes, n_classes)
        weights = relative_weights(weights, len(texts))
        if len(np.unique(codes)) == 1:
            return LinearClassifier(self.embedder, None, int(codes[0]))
        vectors = embed_texts(texts, self.embedder, progress=False).vectors[:]
        return LinearClassifier(self.embedder, fit_logistic(vectors, codes, weights, self.C), 0)


@dataclass(frozen=True)
class LinearClassifier:
    """A trained probe.

    Attributes:
        embedder: What turns texts into vectors.
        model: The regression; None if the training rows had one class.
        only_class: That class.
    """

    embedder: Embedder
    model: "LogisticRegression | None"
    only_class: int

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        """Classifies texts; see `Classifier.predict`.

        Shape:
            returns: (n_texts,), int64.
        """
        if self.model is None:
            return np.full(len(texts), self.only_class, dtype=np.int64)
        embedded = embed_texts(texts, self.embedder, progress=len(texts) >= _LONG_WORK)
        return self.model.predict(embedded.vectors[:]).astype(np.int64)
