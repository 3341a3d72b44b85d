"""A learned energy as density of rows, by denoising score matching."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from condensers.embedding import Matrix
from condensers.errors import RowError
from condensers.placement.learned_score import LearnedScore, check_above
from condensers.placement.subspace import moments

if TYPE_CHECKING:
    import torch

# Each hidden layer sees the noise level too.
_LAYERS = ("first", "second", "last")


@dataclass(eq=False)
class DenoisingScoreNetwork(LearnedScore):
    r"""Score of a learned energy, trained to point from noisy rows back to the clean ones.

    One of the score-based models that PInR allows (Section 4.1, Implementation). Denoising score matching (Vincent
    2011) over noise levels drawn log-uniformly, weighted as in Song and Ermon (2019, Section 4.2):

    .. math:: \min_\theta \; \mathbb{E}_{x, \sigma, \epsilon} \big\lVert \sigma\, s_\theta(x + \sigma\epsilon, \sigma)
       + \epsilon \big\rVert^2

    The score is the gradient of a scalar, so it belongs to a density: with :math:`v = 1 + \sigma^2`,

    .. math:: \log p_\theta(x, \sigma) = -\frac{\lVert x - m \rVert^2}{2 \tau^2 v} + f_\theta(x, \sigma) / \sigma

    with the mean m and root mean variance :math:`\tau` of the rows, :math:`\sigma` in units of :math:`\tau`, and a
    perceptron f of two hidden layers. So the untrained model is a Gaussian.

    Attributes:
        width: Units of a hidden layer.
        steps: Training steps.
        batch_size: Rows of a step.
        learning_rate: Of Adam, falling to zero by half a cosine.
        least_noise: Smallest noise level, in units of the root mean variance of the rows; the density is smoothed by
            it whenever less is asked for.
        most_noise: Largest noise level.
        seed: Seed of weights, batches and noise.
        device: Where it is trained.
    """

    width: int = 256
    steps: int = 1000
    batch_size: int = 256
    learning_rate: float = 2e-3
    least_noise: float = 0.1
    most_noise: float = 2.0
    seed: int = 0
    device: str = "cpu"

    model_type: ClassVar[str] = "denoising_network"

    def _check_settings(self) -> None:
        for name in ("width", "batch_size"):
            check_above(name, getattr(self, name), 1)
        check_above("steps", self.steps, 0)
        for name in ("learning_rate", "least_noise"):
            check_above(name, getattr(self, name), 0, strict=True)
        check_above("most_noise", self.most_noise, self.least_noise)

    def _dim(self, arrays: "dict[str, torch.Tensor]") -> int:
        return arrays["mean"].shape[0]

    def _fit(self, x: Matrix) -> "dict[str, torch.Tensor]":
        import torch  # noqa: PLC0415  (takes seconds to import)

        n_rows, dim = x.shape
        rng = np.random.default_rng(self.seed)
        device = torch.device(self.device)
        arrays = {name: array.to(device) for name, array in self._start(x, rng).items()}
        weights = [array for name, array in arrays.items() if name.startswith(_LAYERS)]
        for weight in weights:
            weight.requires_grad_(True)
        optimizer = torch.optim.Adam(weights, lr=self.learning_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(self.steps, 1))
        low, high = math.log(self.least_noise), math.log(self.most_noise)
        for _ in range(self.steps):
            batch = np.sort(rng.integers(n_rows, size=self.batch_size))
            levels = np.exp(rng.uniform(low, high, size=(self.batch_size, 1))).astype(np.float32)
            noise = rng.normal(size=(self.batch_size, dim)).astype(np.float32)
            rows, sigma, epsilon = (torch.from_numpy(a).to(device) for a in (np.asarray(x[batch]), levels, noise))
            clean = (rows - arrays["mean"]) / arrays["deviation"]
            score = self._gradient(arrays, clean + sigma * epsilon, sigma, training=True)
            loss = (sigma * score + epsilon).square().sum(dim=1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        return {name: array.detach() for name, array in arrays.items()}

    def _start(self, x: Matrix, rng: np.random.Generator) -> "dict[str, torch.Tensor]":
        import torch  # noqa: PLC0415  (takes seconds to import)

        mean, variances = moments(x)
        deviation = float(variances.mean()) ** 0.5
        if not deviation > 0:
            raise RowError(f"all {x.shape[0]} row(s) are the same point, which has no density to learn.")
        dim = x.shape[1]
        sizes = {"first": (dim + 1, self.width), "second": (self.width + 1, self.width), "last": (self.width + 1, 1)}
        arrays = {"mean": torch.from_numpy(mean), "deviation": torch.tensor([deviation], dtype=torch.float32)}
        for name, (n_in, n_out) in sizes.items():
            scale = 0.0 if name == "last" else n_in**-0.5
            arrays[name] = torch.from_numpy((scale * rng.normal(size=(n_in, n_out))).astype(np.float32))
            arrays[f"{name}_bias"] = torch.zeros(n_out)
        return arrays

    def _energy(self, arrays: "dict[str, torch.Tensor]", z: "torch.Tensor", sigma: "torch.Tensor") -> "torch.Tensor":
        """Log density of rows in units of their deviation; sigma (m, 1); shape (m,)."""
        import torch  # noqa: PLC0415  (takes seconds to import)

        level = sigma.log()
        hidden = z * (1.0 + sigma.square()).rsqrt()
        for name in _LAYERS:
            hidden = torch.cat([hidden, level], dim=1) @ arrays[name] + arrays[f"{name}_bias"]
            if name != "last":
                hidden = torch.nn.functional.silu(hidden)
        gaussian = -0.5 * z.square().sum(dim=1) / (1.0 + sigma.square())[:, 0]
        return gaussian + hidden[:, 0] / sigma[:, 0]

    def _gradient(
        self, arrays: "dict[str, torch.Tensor]", z: "torch.Tensor", sigma: "torch.Tensor", *, training: bool = False
    ) -> "torch.Tensor":
        import torch  # noqa: PLC0415  (takes seconds to import)

        with torch.enable_grad():
            z = z.detach().requires_grad_(True)
            total = self._energy(arrays, z, sigma).sum()
            return torch.autograd.grad(total, z, create_graph=training)[0]

    def _level(self, arrays: "dict[str, torch.Tensor]", x: "torch.Tensor", noise: float) -> "torch.Tensor":
        level = (noise / arrays["deviation"]).clamp(min=self.least_noise, max=self.most_noise)
        return level.expand(len(x), 1)

    def _log_density(self, arrays: "dict[str, torch.Tensor]", x: "torch.Tensor", noise: float) -> "torch.Tensor":
        z = (x - arrays["mean"]) / arrays["deviation"]
        return self._energy(arrays, z, self._level(arrays, x, noise)).detach()

    def _score(self, arrays: "dict[str, torch.Tensor]", x: "torch.Tensor", noise: float) -> "torch.Tensor":
        z = (x - arrays["mean"]) / arrays["deviation"]
        return self._gradient(arrays, z, self._level(arrays, x, noise)) / arrays["deviation"]
