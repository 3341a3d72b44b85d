"""Stein's method on tensors: the direction of SVGD, and the kernel Stein discrepancy."""

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from condensers.errors import RowError
from condensers.placement.learned_score import check_above

if TYPE_CHECKING:
    import torch

Bandwidth = float | Literal["median", "liu_wang"]
# Particles among which the median distance is taken, if there are more.
_MEDIAN_SIZE = 512
# Kernel values of a block of particles.
_CELLS = 2**21


def pairwise_squares(x: "torch.Tensor", y: "torch.Tensor") -> "torch.Tensor":
    """Squared Euclidean distances of tensors by one matrix product; `squared_distances` is for arrays.

    Shape:
        x: (n, dim); y: (m, dim); returns: (n, m), not negative.
    """
    import torch  # noqa: PLC0415  (takes seconds to import)

    cross = torch.addmm(y.square().sum(dim=1), x, y.T, alpha=-2.0)
    cross += x.square().sum(dim=1, keepdim=True)
    return cross.clamp_(min=0.0)


def median_bandwidth(x: "torch.Tensor", rule: Bandwidth) -> float:
    r"""The h of the kernel :math:`\exp(-\lVert x - y \rVert^2 / h)`.

    Args:
        x: Particles; of more than 512, as many evenly spaced ones decide.
        rule: ``median``, the median squared distance of two particles; ``liu_wang``, that over log(m + 1), after Liu
            and Wang (2016, Section 5); or h itself.

    Shape:
        x: (m, dim).

    Returns:
        h, above 0 even if all particles are equal.
    """
    import torch  # noqa: PLC0415  (takes seconds to import)

    if not isinstance(rule, str):
        return float(rule)
    some = x[torch.linspace(0, len(x) - 1, _MEDIAN_SIZE).long()] if len(x) > _MEDIAN_SIZE else x
    if len(some) < 2:
        return 1.0
    some = some - some.mean(dim=0)
    upper = torch.triu_indices(len(some), len(some), offset=1, device=x.device)
    median = float(pairwise_squares(some, some)[upper[0], upper[1]].median())
    return max(median / (math.log(len(x) + 1) if rule == "liu_wang" else 1.0), 1e-12)


def stein_direction(x: "torch.Tensor", scores: "torch.Tensor", h: float) -> "torch.Tensor":
    r"""The direction in which SVGD moves each particle (PInR, Eq. 2; Liu and Wang 2016, Eq. 8).

    .. math:: \phi(x_j) = \frac1m \sum_i \Big[k(x_i, x_j)\, s_i + \frac2h (x_j - x_i)\, k(x_i, x_j)\Big]

    with :math:`k(x, y) = \exp(-\lVert x - y \rVert^2 / h)`. Both sums of vectors are one product of the kernel matrix
    with :math:`s - \frac2h x`, and the kernel matrix exists for a block of particles at a time.

    Args:
        x: Particles.
        scores: Gradients of the log density at the particles.
        h: Bandwidth.

    Shape:
        x: (m, dim); scores: (m, dim); returns: (m, dim).
    """
    import torch  # noqa: PLC0415  (takes seconds to import)

    # Around their mean, where squares cancel least; the direction does not change.
    x = x - x.mean(dim=0)
    pulls = torch.sub(scores, x, alpha=2.0 / h)
    out = torch.empty_like(x)
    size = max(_CELLS // len(x), 64)
    for start in range(0, len(x), size):
        some = x[start : start + size]
        kernel = pairwise_squares(some, x).mul_(-1.0 / h).exp_()
        out[start : start + size] = torch.addmm(some * kernel.sum(dim=1, keepdim=True), kernel, pulls, beta=2.0 / h)
    return out.div_(len(x))


def stein_discrepancy(x: "torch.Tensor", scores: "torch.Tensor", h: float) -> float:
    """`kernel_stein_discrepancy` of tensors."""
    import torch  # noqa: PLC0415  (takes seconds to import)

    x = x - x.mean(dim=0)
    own = (scores * x).sum(dim=1)
    total = torch.zeros((), dtype=torch.float64, device=x.device)
    size = max(_CELLS // len(x), 64)
    for start in range(0, len(x), size):
        where = slice(start, start + size)
        squares = pairwise_squares(x[where], x)
        # (s_x - s_y)(x - y) of every pair.
        cross = own[where, None] + own - scores[where] @ x.T - x[where] @ scores.T
        terms = scores[where] @ scores.T + (2.0 / h) * cross + 2.0 * x.shape[1] / h - (4.0 / h**2) * squares
        total += (terms * torch.exp(squares / -h)).sum(dtype=torch.float64)
    return max(float(total), 0.0) ** 0.5 / len(x)


def kernel_stein_discrepancy(x: np.ndarray, scores: np.ndarray, bandwidth: Bandwidth = "median") -> float:
    r"""How far particles are from a density known by its score alone.

    Liu, Lee and Jordan (2016), as V-statistic: the root of the mean over all pairs, each with itself included, of

    .. math:: k(x, y) \Big[s_x^\top s_y + \frac2h (s_x - s_y)^\top (x - y) + \frac{2d}{h}
       - \frac{4}{h^2} \lVert x - y \rVert^2\Big], \quad k(x, y) = \exp(-\lVert x - y \rVert^2 / h)

    It is also the norm of the direction that SVGD takes. Values compare only at one bandwidth.

    Args:
        x: Particles.
        scores: Gradients of the log density at the particles, as `ScoreModel.score` gives them.
        bandwidth: See `median_bandwidth`.

    Shape:
        x: (m, dim); scores: (m, dim).

    Raises:
        RowError: if there are no particles, the shapes differ, or a number is not finite.
        SettingError: if `bandwidth` is not above 0.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
        >>> kernel_stein_discrepancy(x, -x) < kernel_stein_discrepancy(x + 1, -(x + 1))
        True
    """
    import torch  # noqa: PLC0415  (takes seconds to import)

    if x.ndim != 2 or x.shape != scores.shape or len(x) == 0:
        raise RowError(f"particles and scores must be (m, dim) with m at least 1; got {x.shape} and {scores.shape}.")
    if not (np.isfinite(x).all() and np.isfinite(scores).all()):
        raise RowError("particles or scores hold NaN or infinity; check the score model.")
    if not isinstance(bandwidth, str):
        check_above("bandwidth", bandwidth, 0, strict=True)
    particles = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32))
    gradients = torch.from_numpy(np.ascontiguousarray(scores, dtype=np.float32))
    return stein_discrepancy(particles, gradients, median_bandwidth(particles, bandwidth))
