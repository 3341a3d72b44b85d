"""What the checkers of IMP-Loss and DIMP-Loss say of synthetic rows, as columns of the rows themselves."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from datasets import Dataset

from condensers.data import WEIGHT_COLUMN, check_weights, temporary_seed
from condensers.errors import SettingError
from condensers.rewards import CheckerReport, FitRecipe, LabelConfidence, match_labels, read_labels, report_checker
from condensers.rewards.labels import config_names
from condensers.trainers.checkers import ClassifierLike
from condensers.trainers.dimp_trainer import QUALITY_COLUMN
from condensers.trainers.importance_weights import check_max_weight, importance_weights
from condensers.trainers.weight_diagnostics import RowWeights, WeightDiagnostics, diagnose_weights

DIVERSITY_COLUMN = "diversity_log_prob"


@dataclass(frozen=True)
class SyntheticScores:
    """Synthetic rows with their weights.

    Attributes:
        dataset: The rows with three more columns: ``quality_log_prob``, which `DIMPTrainer` takes in place of a
            checker, ``diversity_log_prob``, and ``importance_weight``, which `ImportanceWeightedTrainer` takes.
        diagnostics: Quantiles of the weights, effective sample size.
        reports: Accuracy and calibration of the checkers on the small real set, by name of checker; empty without one.
    """

    dataset: Dataset
    diagnostics: WeightDiagnostics
    reports: Mapping[str, CheckerReport]


def score_synthetic(
    dataset: Dataset,
    *,
    model: str | os.PathLike[str] | None = None,
    quality_dataset: Dataset | None = None,
    quality_model: ClassifierLike | None = None,
    diversity_model: ClassifierLike | None = None,
    recipe: FitRecipe | None = None,
    max_weight: float | None = None,
    text: str | Sequence[str] | None = None,
    label: str | None = None,
    seed: int = 0,
    batch_size: int = 64,
    progress: bool = True,
) -> SyntheticScores:
    r"""Scores labelled synthetic rows by how far real text vouches for them (Kuo et al. 2024, Section 4.1, Eq. 6).

    .. math:: w_i = \hat P'(y_i \mid x_i) / \hat Q(y_i \mid x_i)

    P', the quality checker, is fitted on a small real set, and Q, the diversity checker, on the synthetic rows
    themselves, unless they are given. So the scores can be computed once, and shared with the rows.

    Args:
        dataset: Synthetic rows, as text with labels.
        model: What checkers that are not given begin as: Hub id or folder of an encoder or a classifier.
        quality_dataset: A small real set with the same columns.
        quality_model: P', if there is one.
        diversity_model: Q, if there is one.
        recipe: How checkers are fitted; None takes that of the paper (Appendix F).
        max_weight: Larger weights become this; None has no limit, as the paper.
        text: The text columns; None guesses.
        label: The label column; None guesses.
        seed: Fixes new heads, order and dropout.
        batch_size: Rows a forward pass.
        progress: Show bars.

    Raises:
        SettingError: if neither a quality set nor a quality checker is given, or no `model` though one must be fitted.
        RowError: if there are no rows, or classes cannot be matched by name.
        ColumnError: if the text or the label column cannot be found.
        SourceNotFoundError: if there is no such model.
    """
    check_max_weight(max_weight)
    if quality_dataset is None and quality_model is None:
        raise SettingError("pass `quality_dataset=`, a small real set, or `quality_model=`, a classifier.")
    if model is None and (quality_model is None or diversity_model is None):
        raise SettingError("pass `model=`, what the checker that is not given begins as: an encoder of the Hub, say.")
    labels = read_labels(dataset, label)
    names = labels.names or tuple(f"LABEL_{code}" for code in range(int(labels.codes.max()) + 1))
    recipe = recipe or FitRecipe()
    log_probs: dict[str, np.ndarray] = {}
    reports: dict[str, CheckerReport] = {}
    for name, given, rows in (
        ("quality", quality_model, quality_dataset),
        ("diversity", diversity_model, dataset),
    ):
        with temporary_seed(seed):
            checker = LabelConfidence.from_classifier(
                model if given is None else given,  # type: ignore[arg-type]
                label_names=names if given is None else None,
            )
        if given is None:
            checker.fit(rows, recipe=recipe, text=text, label=label, seed=seed)
        options = {"text": text, "batch_size": batch_size, "progress": progress}
        log_probs[name] = checker.log_prob(dataset, label=label, **options)  # type: ignore[arg-type]
        if quality_dataset is not None:
            real = read_labels(quality_dataset, label)
            known, n_classes = config_names(checker.config), checker.config.num_labels or 0
            codes = match_labels(real, known, n_classes, what=f"the {name} checker")
            scores = checker.predict_log_proba(quality_dataset, **options)  # type: ignore[arg-type]
            reports[name] = report_checker(scores, codes, in_sample=given is None and name == "quality")
    quality, diversity = (torch.from_numpy(log_probs[name]) for name in ("quality", "diversity"))
    weights = importance_weights(quality, diversity, max_weight=max_weight).numpy()
    check_weights(weights, WEIGHT_COLUMN)
    found = {
        QUALITY_COLUMN: log_probs["quality"],
        DIVERSITY_COLUMN: log_probs["diversity"],
        WEIGHT_COLUMN: weights,
    }
    scored = dataset.remove_columns([name for name in found if name in dataset.column_names])
    for name, values in found.items():
        scored = scored.add_column(name, values)
    return SyntheticScores(scored, diagnose_weights(RowWeights(weights[None]), max_weight=max_weight), reports)
