"""The two checkers of one run: where they come from, and what they say of the training rows."""

import copy
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
from datasets import Dataset
from torch import nn

from condensers.errors import SettingError
from condensers.rewards import (
    CheckerReport,
    FitRecipe,
    LabelConfidence,
    Labels,
    input_columns,
    read_labels,
    rows_digest,
)
from condensers.trainers.checkers import Checker, ClassifierLike, Workshop
from condensers.trainers.parking import CopyModel, parked


class CheckerPair:
    """Quality checker and diversity checker (IMP-Loss, Section 4.3), made when they are first needed.

    A checker that is not given is a copy of the model to be trained, fitted by `recipe`: on the quality set for P', on
    the training rows for Q.

    Args:
        model: The model to be trained; copied, never changed.
        rows: The training rows, tokenised.
        labels: Their classes.
        workshop: What checkers share with the trainer.
        recipe: How checkers are fitted.
        quality_model: P', if given.
        quality_rows: The quality set, tokenised, if given.
        diversity_model: Q, if given.

    Attributes:
        reports: Accuracy and calibration on the quality set, by name of checker, as far as they have been used.

    Raises:
        SettingError: if neither a quality checker nor a quality set is given.
        RowError: if a given checker does not know a class of the training rows.
    """

    def __init__(
        self,
        model: nn.Module,
        rows: Dataset,
        labels: Labels,
        workshop: Workshop,
        recipe: FitRecipe,
        *,
        quality_model: ClassifierLike | None = None,
        quality_rows: Dataset | None = None,
        diversity_model: ClassifierLike | None = None,
    ) -> None:
        if quality_model is None and quality_rows is None:
            raise SettingError("pass `quality_dataset=`, a small real set, or `quality_model=`, a classifier.")
        self.reports: dict[str, CheckerReport] = {}
        self._model = model
        self._copy_model: CopyModel = partial(copy.deepcopy, model)
        self._rows = rows
        self._labels = labels
        self._workshop = workshop
        self._recipe = recipe
        self._quality_rows = quality_rows
        self._given = {
            name: Checker(LabelConfidence.from_classifier(given), workshop, f"the {name} checker")
            for name, given in (("quality", quality_model), ("diversity", diversity_model))
            if given is not None
        }
        for checker in self._given.values():
            checker.codes(labels)

    def key(self) -> str:
        """Hash of all that the scores depend on, except the weights that a fitted checker starts from.

        Those differ between a run and its resumption where the head is drawn at random before the trainer is made.
        """
        digest = hashlib.sha256(repr(self._recipe).encode() + self._labels.codes.tobytes())
        digest.update(repr((self._labels.names, self._workshop.args.seed)).encode())
        digest.update(rows_digest(self._rows, input_columns(self._model, self._rows)).encode())
        for name, checker in self._given.items():
            digest.update(f"{name}:{checker.model.digest()}".encode())
        if self._quality_rows is not None:
            digest.update(rows_digest(self._quality_rows, input_columns(self._model, self._quality_rows)).encode())
            digest.update(read_labels(self._quality_rows).codes.tobytes())
        return digest.hexdigest()

    def quality_log_probs(self) -> np.ndarray:
        """Log P'(y | x) of the training rows (Algorithms 1 and 2, Steps 1 and 2); shape (n_rows,), float32."""
        return self._checker("quality", self._quality_rows).label_log_probs(self._rows, self._labels)

    def diversity_log_probs(self) -> np.ndarray:
        """Log Q(y | x) of the training rows (Algorithm 1, Steps 2 and 3); shape (n_rows,), float32."""
        return self._checker("diversity", self._rows).label_log_probs(self._rows, self._labels)

    @contextmanager
    def model_parked(self, *, movable: bool) -> Iterator[None]:
        """Has the model to be trained out of the way while checkers are fitted and score; see `parked`."""
        kept, given = self._copy_model, [checker.model for checker in self._given.values()]
        with parked(self._model, self._workshop.args, movable=movable, in_use=given) as self._copy_model:
            try:
                yield
            finally:
                self._copy_model = kept

    def release(self) -> None:
        """Lets go of the checkers, so that they take no memory while the model trains; reports stay."""
        self._given.clear()

    def _checker(self, name: str, fitted_on: Dataset | None) -> Checker:
        checker = self._given.get(name)
        in_sample = checker is None and fitted_on is self._quality_rows
        if checker is None:
            if fitted_on is None:
                raise SettingError(f"the {name} checker needs rows to be fitted on.")
            checker = Checker.like(self._copy_model(), self._labels, self._workshop, f"the {name} checker")
            labels = self._labels if fitted_on is self._rows else read_labels(fitted_on)
            checker.fit(fitted_on, labels, self._recipe)
        if self._quality_rows is not None:
            labels = read_labels(self._quality_rows)
            self.reports[name] = checker.report(self._quality_rows, labels, in_sample=in_sample)
        return checker
