"""A learner under a name of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from condensers.evaluation.learners.protocol import Classifier, Learner


@dataclass(frozen=True)
class Named:
    """Another name for a learner, so that tables tell two of a kind apart.

    Attributes:
        name: What tables call it.
        learner: What is trained.
    """

    name: str
    learner: Learner

    def fit(
        self,
        texts: Sequence[str],
        codes: np.ndarray,
        n_classes: int,
        *,
        seed: int,
        **weights: Any,  # noqa: ANN401  (those of the learner)
    ) -> Classifier:
        """Trains the learner; see `Learner.fit`."""
        return self.learner.fit(texts, codes, n_classes, seed=seed, **weights)
