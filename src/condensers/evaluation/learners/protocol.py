"""What a learner is."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

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

    def fit(self, texts: Sequence[str], codes: np.ndarray, n_classes: int, *, seed: int) -> Classifier:
        """Trains a classifier.

        Equal arguments give equal classifiers, and the random state of the process stays as it is.

        Args:
            texts: Training texts; at least one.
            codes: Class of each text.
            n_classes: Number of classes, those that no training text has included.
            seed: Fixes all that is drawn at random.

        Shape:
            codes: (n_texts,), int64, each in [0, n_classes).

        Raises:
            RowError: if there are no texts, or texts and codes do not fit together.
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
