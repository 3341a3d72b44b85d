"""What a learner is."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from condensers.data import WEIGHT_COLUMN, check_weights
from condensers.errors import RowError


@runtime_checkable
class Classifier(Protocol):
    """Tells the class of a text."""

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        """Classifies texts; what is predicted for one does not depend on the others.

        Shape:
            returns: (n_texts,), int64, class codes.
        """
        ...


@runtime_checkable
class Learner(Protocol):
    """Trains classifiers; its settings are fixed when it is made, so that it treats all training sets alike."""

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    def fit(
        self,
        texts: Sequence[str],
        codes: np.ndarray,
        n_classes: int,
        *,
        seed: int,
        weights: np.ndarray | None = None,
    ) -> Classifier:
        """Trains a classifier.

        Equal arguments give equal classifiers, and the random state of the process stays as it is.

        Args:
            texts: Training texts; at least one.
            codes: Class of each text.
            n_classes: Number of classes, those that no training text has included.
            seed: Fixes all that is drawn at random.
            weights: How much the loss of each text counts; only their ratios matter. None counts all alike.

        Shape:
            codes: (n_texts,), int64, each in [0, n_classes).
            weights: (n_texts,), at least 0.

        Raises:
            RowError: if there are no texts, texts and codes do not fit together, or weights cannot weight a loss.
        """
        ...


def check_training_rows(texts: Sequence[str], codes: np.ndarray, n_classes: int) -> np.ndarray:
    """Raises unless each text has a class; returns the codes as int64.

    Raises:
        RowError: if there are no texts, their number differs from that of the codes, or a code names no class.
    """
    codes = np.asarray(codes)
    if len(texts) == 0:
        raise RowError("there are no rows to train on; pass at least one.")
    if codes.shape != (len(texts),) or not np.issubdtype(codes.dtype, np.integer):
        raise RowError(
            f"`codes` must hold one whole number for each of {len(texts)} texts; "
            f"got {codes.dtype} of shape {codes.shape}."
        )
    outside = codes[(codes < 0) | (codes >= n_classes)]
    if len(outside):
        raise RowError(
            f"class codes must be 0 to {n_classes - 1} for {n_classes} classes; got {int(outside[0])}. "
            f"Raise `n_classes`, or code the labels from 0."
        )
    return codes.astype(np.int64)


def relative_weights(weights: np.ndarray | None, n_texts: int) -> np.ndarray | None:
    """Weights divided by their mean, so that they change no learning rate and no strength of a penalty.

    Shape:
        weights: (n_texts,); returns: (n_texts,), float64.

    Raises:
        RowError: if there is not one for each text, or one is NaN, infinite or negative, or all are zero.
    """
    if weights is None:
        return None
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != (n_texts,):
        raise RowError(f"`weights` must hold one number for each of {n_texts} texts; got shape {weights.shape}.")
    check_weights(weights, WEIGHT_COLUMN)
    return weights / weights.mean()
