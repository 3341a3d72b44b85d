"""Train on condensed rows, test on real ones."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from condensers.data import Rows, read_weights
from condensers.errors import RowError, SettingError
from condensers.evaluation.learners import Learner


@dataclass(frozen=True)
class Scores:
    """What one learner reached, a run a seed.

    Attributes:
        learner: Its name.
        accuracy: Share of test rows classified right, in [0, 1]; one a seed.
        macro_f1: Mean F1 of the classes that occur in the test rows; one a seed.
        seconds: Wall time of all runs.
        seeds: The seeds.
    """

    learner: str
    accuracy: tuple[float, ...]
    macro_f1: tuple[float, ...]
    seconds: float
    seeds: tuple[int, ...]

    @property
    def n(self) -> int:
        """Number of runs."""
        return len(self.accuracy)

    @property
    def mean(self) -> float:
        """Mean accuracy."""
        return float(np.mean(self.accuracy))

    @property
    def std(self) -> float:
        """Sample standard deviation of the accuracy; 0 for one run."""
        return float(np.std(self.accuracy, ddof=1)) if self.n > 1 else 0.0


def evaluate_rows(
    train: Rows | Sequence[Rows], test: Rows, learner: Learner, *, seeds: Sequence[int], weighted: bool = False
) -> Scores:
    """Trains a learner once a seed and tests it.

    Args:
        train: Condensed rows; one set for all seeds, or one a seed.
        test: Real rows that nothing was chosen by, coded by the classes of `train`.
        learner: What is trained.
        seeds: Different seeds.
        weighted: Weight the loss of each row by its column ``importance_weight``.

    Raises:
        ColumnError: if the rows are to be weighted and have no weights.
        SettingError: if there are no seeds, one occurs twice, or their number is not that of the sets.
        RowError: if the two datasets do not name their classes alike, or have none, or a classifier predicts another
            number of classes than there are test rows.
    """
    seeds = tuple(seeds)
    if not seeds or len(set(seeds)) != len(seeds):
        raise SettingError(f"`seeds` must be different and at least one; got {list(seeds)}.")
    sets = [train] * len(seeds) if isinstance(train, Rows) else list(train)
    if len(sets) != len(seeds):
        raise SettingError(f"`train` must be one set of rows, or one for each of {len(seeds)} seeds; got {len(sets)}.")
    for rows in sets:
        _check_classes(rows, test)
    began = time.perf_counter()
    accuracy, macro_f1 = [], []
    for rows, seed in zip(sets, seeds, strict=True):
        weights = {"weights": read_weights(rows.dataset)} if weighted else {}
        classifier = learner.fit(rows.texts, rows.codes, len(test.class_names), seed=seed, **weights)
        predicted = np.asarray(classifier.predict(test.texts))
        if predicted.shape != test.codes.shape:
            raise RowError(
                f"the classifier of {learner.name!r} must predict one class for each of {len(test)} test rows; "
                f"got shape {predicted.shape}."
            )
        accuracy.append(float(np.mean(predicted == test.codes)))
        macro_f1.append(macro_f1_score(test.codes, predicted))
    return Scores(learner.name, tuple(accuracy), tuple(macro_f1), time.perf_counter() - began, seeds)


def macro_f1_score(codes: np.ndarray, predicted: np.ndarray) -> float:
    r"""Mean over the classes that occur in `codes` of :math:`2 TP / (2 TP + FP + FN)`.

    Shape:
        codes, predicted: (n,), int64.
    """
    scores = []
    for code in np.unique(codes):
        hits = int(np.sum((predicted == code) & (codes == code)))
        scores.append(2 * hits / (int(np.sum(predicted == code)) + int(np.sum(codes == code))))
    return float(np.mean(scores))


def _check_classes(train: Rows, test: Rows) -> None:
    if not test.class_names:
        raise RowError("these rows have no labels, so a classifier cannot be trained on them; name a `label` column.")
    if train.class_names != test.class_names:
        raise RowError(
            f"condensed and test rows must code the same classes; got {', '.join(train.class_names) or 'none'} and "
            f"{', '.join(test.class_names)}. Read both with `read_rows(..., class_names=...)`."
        )
