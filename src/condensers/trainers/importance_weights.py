"""Importance weights of labelled rows, and the cross-entropy they weight: the arithmetic and nothing else."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from condensers.errors import RowError, SettingError

IGNORED_LABEL = -100
# exp(89) is infinite in float32.
_LARGEST_LOG_WEIGHT = 80.0


def importance_weights(
    log_quality: torch.Tensor, log_diversity: torch.Tensor, *, max_weight: float | None = None
) -> torch.Tensor:
    r"""Weights of IMP-Loss (Eq. 6) and DIMP-Loss (Eq. 9).

    .. math:: w_i = \frac{\hat P'(y_i \mid x_i)}{\hat Q(y_i \mid x_i)}
       = \exp\big(\log \hat P'(y_i \mid x_i) - \log \hat Q(y_i \mid x_i)\big)

    For DIMP-Loss the denominator is :math:`\hat P(y_i \mid x_i; \theta_t)`. The difference is taken in float32
    whatever the dtypes, and no gradient flows through the result. Without `max_weight`, weights end at e^80.

    Args:
        log_quality: Log-probability of the label under the quality checker.
        log_diversity: Log-probability of the label under the diversity checker.
        max_weight: Larger weights become this.

    Shape:
        log_quality, log_diversity, returns: (n_rows,); float32 out.
    """
    limit = _LARGEST_LOG_WEIGHT if max_weight is None else math.log(max_weight)
    return (log_quality.detach().float() - log_diversity.detach().float()).clamp(max=limit).exp()


def self_normalized(weights: torch.Tensor) -> torch.Tensor:
    """Divides weights by their mean, so that they sum to their number; all-zero weights stay zero.

    The paper does not do so. It is the self-normalised estimator of importance sampling: biased, with less variance.

    Shape:
        weights, returns: (n_rows,).
    """
    return weights / weights.mean().clamp(min=torch.finfo(torch.float32).tiny)


def check_max_weight(max_weight: float | None) -> None:
    """Raises unless `max_weight` is None or a positive number.

    Raises:
        SettingError: otherwise.
    """
    if max_weight is not None and not (max_weight > 0 and math.isfinite(max_weight)):
        raise SettingError(f"`max_weight` must be a number above 0, or None for no limit; got {max_weight!r}.")


def check_log_probs(log_probs: np.ndarray, column: str) -> None:
    """Raises unless every number is the logarithm of a probability and one at least is not log 0.

    Shape:
        log_probs: (n_rows,).

    Raises:
        RowError: if a number is NaN or above 0, or all are minus infinity.
    """
    bad = ~(log_probs <= 1e-6)
    if bad.any():
        first = int(np.argmax(bad))
        raise RowError(
            f"{int(bad.sum())} of {len(log_probs)} numbers in column {column!r} are no log-probabilities (the first "
            f"is row {first}, value {log_probs[first]}). They must be at most 0 and not NaN."
        )
    if np.isneginf(log_probs).all():
        raise RowError(f"all {len(log_probs)} probabilities in column {column!r} are zero; nothing would be learned.")


@dataclass(frozen=True)
class RowLosses:
    r"""Cross-entropy of each row of a batch, not yet averaged.

    .. math:: \ell_i = -(1 - \epsilon) \log p_i(y_i) - \frac{\epsilon}{C} \sum_c \log p_i(c)

    Attributes:
        label: -log p(y); 0 for rows labelled -100.
        spread: Minus the sum of log p over the classes; None without label smoothing.
        n_classes: C.
        smoothing: The share of label smoothing.

    Shape:
        label, spread: (n_rows,), float32.
    """

    label: torch.Tensor
    spread: torch.Tensor | None
    n_classes: int
    smoothing: float

    @property
    def log_probs(self) -> torch.Tensor:
        """Log p(y) without gradient; shape (n_rows,)."""
        return -self.label.detach()

    def total(self, n_rows: torch.Tensor | int, weights: torch.Tensor | None = None) -> torch.Tensor:
        r"""Weighted cross-entropy, :math:`\frac{1}{N} \sum_i w_i \ell_i` (Section 2.2, Eq. 2).

        The terms are taken in the order in which `Trainer` takes them, so that with weights of 1 not a bit differs.

        Args:
            n_rows: N.
            weights: One a row; None weights all alike.

        Shape:
            weights: (n_rows,).
            returns: ().
        """
        scale = 1.0 if weights is None else weights
        loss = (scale * self.label).sum() / n_rows
        if self.spread is None:
            return loss
        spread = (scale * self.spread).sum() / (n_rows * self.n_classes)
        return (1 - self.smoothing) * loss + self.smoothing * spread


def row_cross_entropy(logits: torch.Tensor, labels: torch.Tensor, smoothing: float = 0.0) -> RowLosses:
    """Cross-entropy of each row, in float32 whatever the dtype of the logits.

    Shape:
        logits: (n_rows, n_classes).
        labels: (n_rows,), int64; -100 for rows without one.
    """
    log_probs = functional.log_softmax(logits.float(), dim=-1)
    label = functional.nll_loss(log_probs, labels, reduction="none", ignore_index=IGNORED_LABEL)
    spread = None
    if smoothing > 0:
        spread = (-log_probs).sum(dim=-1).masked_fill(labels == IGNORED_LABEL, 0.0)
    return RowLosses(label, spread, logits.shape[-1], smoothing)
