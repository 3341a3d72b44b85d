"""How right a classifier is, and how well it knows."""

from dataclasses import dataclass

import numpy as np

N_BINS = 15


@dataclass(frozen=True)
class CheckerReport:
    """Accuracy and calibration of a classifier on labelled rows.

    Attributes:
        n_rows: Rows it was tested on.
        accuracy: Share of rows whose likeliest class is their label.
        calibration_error: Expected calibration error with 15 bins of equal width.
        mean_label_probability: Mean of p(y | x).
        in_sample: Whether it was fitted on these very rows, so that accuracy and calibration flatter it.
    """

    n_rows: int
    accuracy: float
    calibration_error: float
    mean_label_probability: float
    in_sample: bool


def report_checker(log_probs: np.ndarray, codes: np.ndarray, *, in_sample: bool) -> CheckerReport:
    """Compares a classifier's answers with the labels.

    Shape:
        log_probs: (n_rows, n_classes).
        codes: (n_rows,).
    """
    probs = np.exp(np.asarray(log_probs, dtype=np.float64))
    correct = probs.argmax(axis=1) == codes
    return CheckerReport(
        n_rows=len(codes),
        accuracy=float(correct.mean()),
        calibration_error=calibration_error(probs.max(axis=1), correct),
        mean_label_probability=float(probs[np.arange(len(codes)), codes].mean()),
        in_sample=in_sample,
    )


def calibration_error(confidence: np.ndarray, correct: np.ndarray, n_bins: int = N_BINS) -> float:
    r"""Expected calibration error (Naeini et al. 2015; Guo et al. 2017, Eq. 3) with bins of equal width.

    .. math:: \sum_b \frac{n_b}{n} \, \lvert \mathrm{acc}(b) - \mathrm{conf}(b) \rvert

    Bin b holds the confidences in (b / n_bins, (b + 1) / n_bins].

    Shape:
        confidence: (n_rows,), in [0, 1].
        correct: (n_rows,), 0 or 1.
    """
    bins = np.clip(np.ceil(np.asarray(confidence) * n_bins).astype(int) - 1, 0, n_bins - 1)
    gaps = np.bincount(bins, weights=np.asarray(correct, dtype=np.float64) - confidence, minlength=n_bins)
    return float(np.abs(gaps).sum() / len(bins))
