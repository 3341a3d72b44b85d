"""Row weights learned from the loss on clean rows: the arithmetic of one step and nothing else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.func import functional_call, jvp

from condensers.errors import SettingError
from condensers.trainers.importance_weights import row_cross_entropy

Parameters = dict[str, torch.Tensor]

# How torch 2.13 says so: of its own operations, and of a user's autograd.Function.
_NO_FORWARD_DERIVATIVE = ("forward AD", "jvp", "functorch transforms")


@dataclass(frozen=True)
class LabelledBatch:
    """One batch as a classifier reads it.

    Attributes:
        inputs: What the forward pass takes, labels excluded.
        labels: The classes; -100 for rows without one.

    Shape:
        labels: (n_rows,), int64.
    """

    inputs: Mapping[str, Any]
    labels: torch.Tensor


@dataclass(frozen=True)
class MetaStep:
    r"""What the gradient of the clean loss says of the rows of one optimiser step.

    A virtual step of stochastic gradient descent weights row i by :math:`a_i`, from parameters :math:`\theta` to

    .. math:: \hat\theta(a) = \theta - \lambda \sum_i a_i \nabla \ell_i(\theta)

    and the loss F on clean rows answers to each weight by the inner product of two gradients,

    .. math:: -\frac{\partial F(\hat\theta(a))}{\partial a_i}
       = \lambda \, \nabla \ell_i(\theta)^\top \nabla F(\hat\theta(a))

    The right side is the derivative of :math:`\ell_i` along one direction, the same for all rows. So one pass of
    forward differentiation gives it for a whole batch, and the graph of the virtual step is never built.

    Attributes:
        model: A classifier; its mode is not changed.
        parameters: The parameters that are trained, detached.
        train: The training rows of the step that this process holds.
        clean: Clean rows, the same in all processes.
        smoothing: Label smoothing of the training loss. The clean loss has none.
        total: Sums a tensor over all processes.
    """

    model: nn.Module
    parameters: Parameters
    train: Sequence[LabelledBatch]
    clean: LabelledBatch
    smoothing: float = 0.0
    total: Callable[[torch.Tensor], torch.Tensor] = lambda tensor: tensor

    def gains(self, direction: Parameters) -> torch.Tensor:
        """Derivative of each training row's loss along a direction in the space of the parameters.

        Shape:
            returns: (n_rows,), float32.

        Raises:
            SettingError: if the model holds an operation without a forward derivative.
        """
        return torch.cat([self._gains(batch, direction) for batch in self.train])

    def clean_gradient(self, parameters: Parameters) -> Parameters:
        """Gradient of the mean cross-entropy of the clean rows."""
        n_rows = len(self.clean.labels)
        return self._gradient(self.clean, parameters, torch.full((n_rows,), 1 / n_rows), smoothing=0.0)

    def train_gradient(self, shares: torch.Tensor) -> Parameters:
        """Gradient of the sum of the training rows' losses, each times its share, over all processes.

        Shape:
            shares: (n_rows,).
        """
        sums = {name: torch.zeros_like(weight) for name, weight in self.parameters.items()}
        start = 0
        for batch in self.train:
            part = shares[start : start + len(batch.labels)]
            start += len(part)
            for name, gradient in self._gradient(batch, self.parameters, part, self.smoothing).items():
                sums[name] += gradient
        return {name: self.total(gradient) for name, gradient in sums.items()}

    def _losses(self, batch: LabelledBatch, parameters: Parameters, smoothing: float) -> torch.Tensor:
        outputs = functional_call(self.model, parameters, kwargs=dict(batch.inputs))
        logits = outputs["logits"] if isinstance(outputs, Mapping) else outputs[0]
        losses = row_cross_entropy(logits, batch.labels, smoothing)
        if losses.spread is None:
            return losses.label
        return (1 - smoothing) * losses.label + smoothing / losses.n_classes * losses.spread

    def _gains(self, batch: LabelledBatch, direction: Parameters) -> torch.Tensor:
        def losses(parameters: Parameters) -> torch.Tensor:
            return self._losses(batch, parameters, self.smoothing)

        try:
            with torch.no_grad():
                return jvp(losses, (self.parameters,), (direction,))[1]
        except RuntimeError as error:
            if not any(mark in str(error) for mark in _NO_FORWARD_DERIVATIVE):
                raise
            raise SettingError(
                f"{type(self.model).__name__} cannot be differentiated forward, which meta-weighting needs: {error} "
                f"Load it with `attn_implementation='sdpa'` or 'eager'."
            ) from error

    def _gradient(
        self, batch: LabelledBatch, parameters: Parameters, shares: torch.Tensor, smoothing: float
    ) -> Parameters:
        leaves = {name: weight.detach().requires_grad_() for name, weight in parameters.items()}
        with torch.enable_grad():
            loss = (self._losses(batch, leaves, smoothing) * shares.to(batch.labels.device)).sum()
            found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True, materialize_grads=True)
        return dict(zip(leaves, found, strict=True))


def rectified_shares(step: MetaStep) -> torch.Tensor:
    r"""Shares of Ren et al. (2018), Eqs. 10 to 12 and Algorithm 1, from a virtual step that starts at weight zero.

    .. math:: a_i = \frac{\max(g_i, 0)}{\sum_j \max(g_j, 0)},
       \qquad g_i = \nabla \ell_i(\theta)^\top \nabla F(\theta)

    The size of the virtual step cancels. If no row helps, all shares are zero.

    Shape:
        returns: (n_rows,), float32; they sum to 1 over all processes.
    """
    helpful = step.gains(step.clean_gradient(step.parameters)).clamp(min=0)
    return helpful / step.total(helpful.sum()).clamp(min=torch.finfo(helpful.dtype).tiny)


def softmax_shares(scores: torch.Tensor, total: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """Softmax of the rows of one step over all processes.

    Scores are kept within +-50 of zero, where no maximum need be agreed on first.

    Shape:
        scores, returns: (n_rows,).
    """
    raised = scores.clamp(-50, 50).exp()
    return raised / total(raised.sum())


def score_slopes(step: MetaStep, scores: torch.Tensor, *, virtual_learning_rate: float) -> torch.Tensor:
    r"""How the clean loss falls as the score of a row rises, if shares are the softmax of scores.

    With :math:`a = \mathrm{softmax}(\phi)` over the rows of the step,

    .. math:: -\frac{\partial F(\hat\theta(a))}{\partial \phi_i} = a_i \Big(g_i - \sum_j a_j g_j\Big),
       \qquad g_i = \lambda \, \nabla \ell_i(\theta)^\top \nabla F(\hat\theta(a))

    Args:
        step: The rows.
        scores: phi of the training rows of this process.
        virtual_learning_rate: lambda.

    Shape:
        scores, returns: (n_rows,), float32.
    """
    shares = softmax_shares(scores, step.total)
    gradient = step.train_gradient(shares)
    ahead = {name: weight - virtual_learning_rate * gradient[name] for name, weight in step.parameters.items()}
    gains = virtual_learning_rate * step.gains(step.clean_gradient(ahead))
    return shares * (gains - step.total((shares * gains).sum()))


def updated_scores(
    step: MetaStep,
    scores: torch.Tensor,
    *,
    virtual_learning_rate: float,
    score_learning_rate: float,
    score_retention: float,
) -> torch.Tensor:
    r"""One step of gradient descent of the clean loss in the scores of rows (Hu et al. 2019, Section 4.3).

    .. math:: \phi_i \leftarrow \kappa \phi_i + \eta \, s_i \Big/ \sqrt{\tfrac{1}{n} \sum_j s_j^2}

    where s are the slopes of the scores. The published code lets old scores fade, too. The division is ours: the size
    of the slopes differs between models and between the start and the end of a run by orders of magnitude.

    Args:
        step: The rows.
        scores: phi of the training rows of this process.
        virtual_learning_rate: Size of the virtual step.
        score_learning_rate: eta, by which a score changes on average.
        score_retention: kappa, the share of a score that is kept.

    Shape:
        scores, returns: (n_rows,), float32.
    """
    slopes = score_slopes(step, scores, virtual_learning_rate=virtual_learning_rate)
    n_rows = step.total(torch.tensor(len(slopes), device=slopes.device))
    size = (step.total((slopes**2).sum()) / n_rows).sqrt()
    return score_retention * scores + score_learning_rate * slopes / size.clamp(min=torch.finfo(size.dtype).tiny)
