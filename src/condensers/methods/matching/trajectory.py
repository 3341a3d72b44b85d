"""Where along a classifier's training gradients are compared."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch

from condensers.data import temporary_seed
from condensers.methods.matching.classifier import MatchedClassifier, Parts, last_layer_gradient


class Trajectory:
    """A classifier that is trained on the source for a while, again and again from the start (DiLM, Section 3).

    Args:
        classifier: The classifier.
        rows: Parts of all source rows.
        codes: Their classes.
        teachers: By class, positions of the rows that stand for it.
        inner_steps: Comparisons from one start of the classifier to the next.
        classifier_steps: Steps of training from one comparison to the next.
        batch_size: Rows of such a step.
        seed: Seed of starts and batches.

    Shape:
        codes: (n_rows,), int64.
    """

    def __init__(
        self,
        classifier: MatchedClassifier,
        rows: Sequence[Parts],
        codes: np.ndarray,
        teachers: Mapping[int, np.ndarray],
        *,
        inner_steps: int = 10,
        classifier_steps: int = 20,
        batch_size: int = 64,
        seed: int = 0,
    ) -> None:
        self.classifier = classifier
        self.classes = sorted(teachers)
        self._rows = rows
        self._codes = codes
        self._teachers = {code: classifier.encode([rows[i] for i in where]) for code, where in teachers.items()}
        self._inner_steps = inner_steps
        self._classifier_steps = classifier_steps
        self._batch_size = batch_size
        self._seed = seed

    def begins_anew(self, step: int) -> bool:
        """Whether the classifier is restarted before a comparison: only there can a walk begin."""
        return step % self._inner_steps == 0

    def walk(self, n_steps: int, start: int = 0) -> Iterator[int]:
        """Yields the number of each comparison when the classifier is where it takes place.

        Args:
            n_steps: The number after the last one.
            start: The first one, where the classifier begins anew; the rest is as if the walk had begun at 0.
        """
        for step in range(start, n_steps):
            if self.begins_anew(step):
                rng = np.random.default_rng((self._seed, step))
                ahead = max(1, (self._inner_steps - 1) * self._classifier_steps)
                self.classifier.restart(int(rng.integers(2**31)), ahead)
            else:
                with temporary_seed(int(rng.integers(2**31))):
                    for _ in range(self._classifier_steps):
                        self._learn(rng.integers(len(self._rows), size=self._batch_size))
            yield step

    def real_gradient(self, code: int) -> torch.Tensor:
        """Where the rows that stand for a class pull the classifier now; shape (n_classes, width + 1)."""
        inputs = self._teachers[code]
        with torch.no_grad():
            seen, logits = self.classifier.look(inputs)
            return last_layer_gradient(seen, logits, self.codes_of(code, len(logits)))

    def codes_of(self, code: int, n: int) -> torch.Tensor:
        """A class n times, where the classifier is; shape (n,)."""
        return torch.full((n,), code, device=self.classifier.model.device)

    def _learn(self, batch: np.ndarray) -> None:
        codes = torch.from_numpy(self._codes[batch]).to(self.classifier.model.device)
        self.classifier.learn(self.classifier.encode([self._rows[i] for i in batch]), codes)
