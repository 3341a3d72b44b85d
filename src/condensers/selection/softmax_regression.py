"""The small classifier whose errors and gradients some selectors look at: one linear layer on the vectors."""

from dataclasses import dataclass

import numpy as np

from condensers.embedding import Matrix
from condensers.errors import SettingError


@dataclass(frozen=True)
class LinearHeads:
    """Several softmax regressions side by side.

    Shape:
        slopes: (dim, num_models, n_classes), float32.
        intercepts: (num_models, n_classes), float32.
    """

    slopes: np.ndarray
    intercepts: np.ndarray

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Probability of each class by each model.

        Shape:
            x: (n, dim), float32.
            returns: (n, num_models, n_classes), float32, of sum 1 over the last axis.
        """
        logits = (x @ self.slopes.reshape(len(self.slopes), -1)).reshape(len(x), *self.intercepts.shape)
        logits += self.intercepts
        logits -= logits.max(axis=-1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=-1, keepdims=True)
        return logits


@dataclass(frozen=True)
class SoftmaxRegression:
    """Fits a linear layer by stochastic gradient descent on the cross-entropy, for a few epochs and no longer.

    Attributes:
        num_epochs: Passes over the rows.
        learning_rate: Step size, for vectors of unit length.
        momentum: Share of the last step in the next.
        batch_size: Rows a step.
    """

    num_epochs: int = 5
    learning_rate: float = 1.0
    momentum: float = 0.9
    batch_size: int = 128

    def fit(self, x: Matrix, codes: np.ndarray, *, num_models: int = 1, seed: int = 0) -> LinearHeads:
        """Fits models that begin at different weights and see the same batches.

        Shape:
            x: (n_rows, dim), float32.
            codes: (n_rows,), int64, classes from 0 without a gap.

        Args:
            x: Vectors.
            codes: Their classes.
            num_models: Models.
            seed: Seed of the first weights, uniform within one over the square root of dim, and of the batches.

        Raises:
            SettingError: if a number is not positive, or the momentum not in [0, 1).
        """
        self._check(num_models)
        rng = np.random.default_rng(seed)
        (n_rows, dim), n_classes = x.shape, int(codes.max()) + 1
        first = rng.uniform(-1.0, 1.0, (dim, num_models, n_classes)) / np.sqrt(dim)
        heads = LinearHeads(first.astype(np.float32), np.zeros((num_models, n_classes), dtype=np.float32))
        steps = LinearHeads(np.zeros_like(heads.slopes), np.zeros_like(heads.intercepts))
        one_hot = np.eye(n_classes, dtype=np.float32)
        for _ in range(self.num_epochs):
            order = rng.permutation(n_rows)
            for start in range(0, n_rows, self.batch_size):
                here = order[start : start + self.batch_size]
                rows = np.asarray(x[here], dtype=np.float32)
                errors = (heads.predict_proba(rows) - one_hot[codes[here]][:, None]) / len(here)
                slopes = (rows.T @ errors.reshape(len(here), -1)).reshape(heads.slopes.shape)
                for weights, step, gradient in (
                    (heads.slopes, steps.slopes, slopes),
                    (heads.intercepts, steps.intercepts, errors.sum(axis=0)),
                ):
                    step *= self.momentum
                    step -= self.learning_rate * gradient
                    weights += step
        return heads

    def _check(self, num_models: int) -> None:
        positive = {
            "num_models": num_models,
            "num_epochs": self.num_epochs,
            "learning_rate": self.learning_rate,
            "batch_size": self.batch_size,
        }
        for name, value in positive.items():
            if value <= 0:
                raise SettingError(f"`{name}` must be above 0; got {value}.")
        if not 0 <= self.momentum < 1:
            raise SettingError(f"`momentum` must be in [0, 1); got {self.momentum}.")
