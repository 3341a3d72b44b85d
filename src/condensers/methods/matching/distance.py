"""How far apart two gradients are."""

import torch
from torch.nn import functional


def gradient_distance(real: torch.Tensor, synthetic: torch.Tensor, kind: str) -> torch.Tensor:
    r"""One minus the cosine (DiLM, Section 3), or the squared length of the difference.

    Shape:
        real, synthetic: the same, any; returns: ().

    Args:
        real: Gradient of source rows.
        synthetic: Gradient of what is to become like them.
        kind: ``cosine`` or ``l2``.
    """
    if kind == "cosine":
        return 1.0 - functional.cosine_similarity(real.flatten(), synthetic.flatten(), dim=0)
    return (real - synthetic).square().sum()
