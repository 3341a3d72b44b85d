"""A kernel density as density of rows."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from condensers.embedding import Matrix
from condensers.errors import RowError
from condensers.placement.learned_score import LearnedScore, check_above
from condensers.placement.stein import pairwise_squares

if TYPE_CHECKING:
    import torch

# Distances of points to a block of rows.
_CELLS = 2**22


@dataclass(eq=False)
class KernelDensityScore(LearnedScore):
    r"""Score of a Gaussian kernel density, :math:`(\sum_i w_i(x)\, x_i - x) / h^2` with softmax weights w.

    PInR calls it simple but unstable in high dimension (Section 4.1, Implementation), and yet ran nonparametric
    models (Section 5.1, Models). It is stable here in the sense that weights are a softmax, taken over blocks of rows;
    in high dimension one row still takes all the weight. Smoothing by noise adds its variance to :math:`h^2`.

    Attributes:
        bandwidth: Standard deviation h of the kernel; None takes Scott's rule, the root mean variance of the rows
            times :math:`N^{-1/(d + 4)}`.
        max_rows: Keep a sample of so many rows at most.
        seed: Seed of the sample.
        device: Where the fit leaves the rows.
    """

    bandwidth: float | None = None
    max_rows: int = 10_000
    seed: int = 0
    device: str = "cpu"

    model_type: ClassVar[str] = "kernel_density"

    def marginal(self, n_dims: int) -> Self:
        """The model of the first `n_dims` coordinates, with the same bandwidth.

        Raises:
            NotFittedError: before `fit`.
            SettingError: if it has not so many dimensions.
        """
        self._check_marginal(n_dims)
        arrays = self._fitted()
        return self._with(dict(arrays, rows=arrays["rows"][:, :n_dims].contiguous()))

    def sample(self, n: int, seed: int = 0) -> np.ndarray:
        """Draws rows from the density.

        Shape:
            returns: (n, dim), float32.

        Raises:
            NotFittedError: before `fit`.
        """
        arrays = self._fitted()
        rows = arrays["rows"].cpu().numpy()
        rng = np.random.default_rng(seed)
        chosen = rows[rng.integers(len(rows), size=n)]
        noise = rng.normal(size=chosen.shape).astype(np.float32)
        return chosen + float(arrays["variance"]) ** 0.5 * noise

    def _check_settings(self) -> None:
        check_above("max_rows", self.max_rows, 1)
        if self.bandwidth is not None:
            check_above("bandwidth", self.bandwidth, 0, strict=True)

    def _dim(self, arrays: "dict[str, torch.Tensor]") -> int:
        return arrays["rows"].shape[1]

    def _fit(self, x: Matrix) -> "dict[str, torch.Tensor]":
        import torch  # noqa: PLC0415  (takes seconds to import)

        n_rows, dim = x.shape
        if n_rows > self.max_rows:
            rng = np.random.default_rng(self.seed)
            rows = np.asarray(x[np.sort(rng.choice(n_rows, size=self.max_rows, replace=False))], dtype=np.float32)
        else:
            rows = np.array(x[:], dtype=np.float32)
        if self.bandwidth is None:
            spread = float(rows.var(axis=0, dtype=np.float64).mean())
            if not spread > 0:
                raise RowError(
                    f"Scott's rule finds no bandwidth for {n_rows} row(s) that are all the same; set `bandwidth`."
                )
            variance = spread * len(rows) ** (-2.0 / (dim + 4))
        else:
            variance = self.bandwidth**2
        device = torch.device(self.device)
        return {"rows": torch.from_numpy(rows).to(device), "variance": torch.tensor([variance], device=device)}

    def _weighted(
        self, arrays: "dict[str, torch.Tensor]", x: "torch.Tensor", noise: float
    ) -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]":
        """Sums over rows of kernel values, and of rows times them, both less a running maximum of the exponent."""
        import torch  # noqa: PLC0415  (takes seconds to import)

        rows, variance = arrays["rows"], arrays["variance"].float() + noise**2
        top = x.new_full((len(x),), -math.inf)
        total, moved = x.new_zeros(len(x)), torch.zeros_like(x)
        size = max(_CELLS // max(len(x), 1), 64)
        for start in range(0, len(rows), size):
            block = rows[start : start + size]
            exponents = pairwise_squares(x, block) / (-2.0 * variance)
            higher = torch.maximum(top, exponents.amax(dim=1))
            rescale = torch.exp(top - higher)
            values = torch.exp(exponents - higher[:, None])
            total = total * rescale + values.sum(dim=1)
            moved = moved * rescale[:, None] + values @ block
            top = higher
        return total, moved, top, variance

    def _log_density(self, arrays: "dict[str, torch.Tensor]", x: "torch.Tensor", noise: float) -> "torch.Tensor":
        total, _, top, variance = self._weighted(arrays, x, noise)
        return total.log() + top - math.log(len(arrays["rows"])) - 0.5 * x.shape[1] * (2 * math.pi * variance).log()

    def _score(self, arrays: "dict[str, torch.Tensor]", x: "torch.Tensor", noise: float) -> "torch.Tensor":
        total, moved, _, variance = self._weighted(arrays, x, noise)
        return (moved / total[:, None] - x) / variance
