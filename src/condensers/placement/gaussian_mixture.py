"""A mixture of Gaussians as density of rows: its score is analytic."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Self, get_args

import numpy as np

from condensers.data import own_part, process_count, summed
from condensers.embedding import BLOCK_ROWS, Matrix, iter_blocks
from condensers.errors import RowError, SettingError
from condensers.placement.kmeans import KMeansCentroids
from condensers.placement.learned_score import LearnedScore, check_above

if TYPE_CHECKING:
    import torch

Covariance = Literal["diagonal", "low_rank", "full"]
# Rows on which k-means finds the start.
_START_ROWS = 20_000
# Least variance of a direction, as a share of the mean variance of the rows.
_LEAST_SHARE = 1e-4


@dataclass(eq=False)
class GaussianMixtureScore(LearnedScore):
    r"""Score of a Gaussian mixture, :math:`\sum_k r_k(x)\, \Sigma_k^{-1} (\mu_k - x)` with responsibilities r.

    The model that PInR names first (paper, Section 4.1, Implementation). Fitted by EM; each pass goes over blocks of
    rows, so memory grows with the components and not with the rows, and the likelihood rises in each pass, as it need
    not in steps on mini-batches. Smoothing by noise adds its variance to every covariance. Under ``accelerate launch``
    the processes share each pass; they must be given the same rows.

    Attributes:
        n_components: Components; fewer where there are fewer rows.
        covariance: Of each component: ``diagonal``; ``low_rank``, that of a mixture of probabilistic PCAs (Tipping and
            Bishop 1999); or ``full``.
        rank: Directions of a low-rank covariance.
        shrinkage: Rows' worth of the covariance within components, averaged over them, that each component's own is
            mixed with; that average in turn with as much of a multiple of the identity. In units of the dimension.
        max_iter: Passes of EM at most.
        tol: Stop when the mean log-likelihood of a row rises by less.
        seed: Seed of the start, k-means on at most 20,000 rows.
        device: Where the passes are computed.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
        >>> GaussianMixtureScore(n_components=1).fit(x).score(np.zeros((1, 2), np.float32)).shape
        (1, 2)
    """

    n_components: int = 8
    covariance: Covariance = "diagonal"
    rank: int = 8
    shrinkage: float = 1.0
    max_iter: int = 50
    tol: float = 1e-3
    seed: int = 0
    device: str = "cpu"

    model_type: ClassVar[str] = "gaussian_mixture"

    def marginal(self, n_dims: int) -> Self:
        """The model of the first `n_dims` coordinates, without another fit.

        Raises:
            NotFittedError: before `fit`.
            SettingError: if it has not so many dimensions.
        """
        import torch  # noqa: PLC0415  (takes seconds to import)

        self._check_marginal(n_dims)
        arrays = self._fitted()
        out = dict(arrays, means=arrays["means"][:, :n_dims].contiguous())
        if "axes" not in arrays:
            out["variances"] = arrays["variances"][:, :n_dims].contiguous()
        else:
            axes, floors = arrays["axes"][:, :n_dims], arrays["floors"][:, None]
            dense = (axes * (arrays["variances"] - floors)[:, None]) @ axes.mT
            dense += floors[:, :, None] * torch.eye(n_dims, device=dense.device)
            values, vectors = torch.linalg.eigh(dense.double())
            out |= {"variances": values.float(), "axes": vectors.float().contiguous()}
        return self._with(out)

    def sample(self, n: int, seed: int = 0) -> np.ndarray:
        """Draws rows from the mixture.

        Shape:
            returns: (n, dim), float32.

        Raises:
            NotFittedError: before `fit`.
        """
        arrays = {name: array.cpu().numpy() for name, array in self._fitted().items()}
        rng = np.random.default_rng(seed)
        weights = arrays["weights"].astype(np.float64)
        codes = rng.choice(len(weights), size=n, p=weights / weights.sum())
        out = rng.normal(size=(n, self.dim)).astype(np.float32)
        for code in np.unique(codes):
            here = codes == code
            deviations = np.sqrt(arrays["variances"][code])
            if "axes" not in arrays:
                out[here] *= deviations
            else:
                axes, floor = arrays["axes"][code], np.sqrt(arrays["floors"][code])
                inside = out[here] @ axes
                out[here] = floor * out[here] + (inside * (deviations - floor)) @ axes.T
            out[here] += arrays["means"][code]
        return out

    def _check_settings(self) -> None:
        if self.covariance not in get_args(Covariance):
            raise SettingError(
                f"`covariance` must be one of {', '.join(get_args(Covariance))}; got {self.covariance!r}."
            )
        for name, least in (("n_components", 1), ("rank", 1), ("max_iter", 1), ("shrinkage", 0), ("tol", 0)):
            check_above(name, getattr(self, name), least)

    def _dim(self, arrays: "dict[str, torch.Tensor]") -> int:
        return arrays["means"].shape[1]

    def _fit(self, x: Matrix) -> "dict[str, torch.Tensor]":
        import torch  # noqa: PLC0415  (takes seconds to import)

        arrays = self._start(x)
        floor = _LEAST_SHARE * float(arrays["variances"].mean())
        before = -math.inf
        for _ in range(self.max_iter):
            counts, sums, products, log_likelihood = self._expect(x, arrays)
            arrays = self._maximise(counts, sums, products, floor)
            if log_likelihood - before < self.tol:
                break
            before = log_likelihood
        return {name: array.to(torch.float32) for name, array in arrays.items()}

    def _start(self, x: Matrix) -> "dict[str, torch.Tensor]":
        import torch  # noqa: PLC0415  (takes seconds to import)

        n_rows, dim = x.shape
        rng = np.random.default_rng(self.seed)
        n_start = min(n_rows, _START_ROWS)
        some = np.sort(rng.choice(n_rows, size=n_start, replace=False)) if n_start < n_rows else np.arange(n_rows)
        rows = np.asarray(x[some], dtype=np.float32)
        variance = float(rows.var(axis=0, dtype=np.float64).mean())
        if not variance > 1e-12 * float((rows.astype(np.float64) ** 2).mean()):
            raise RowError(
                f"all {n_rows} row(s) are the same point, which has no density; placements repeat such a row instead."
            )
        # A component wants a few rows for its mean alone.
        n = max(1, min(self.n_components, n_start // 2))
        means = KMeansCentroids(seed=self.seed, max_iter=10).place(rows, n)
        device = torch.device(self.device)
        arrays = {
            "weights": torch.full((n,), 1 / n, device=device),
            "means": torch.from_numpy(means).to(device),
            "variances": torch.full((n, dim), variance, device=device),
        }
        if self.covariance != "diagonal":
            # One multiple of the identity, whose axes are free.
            arrays["axes"] = torch.zeros((n, dim, 1), device=device)
            arrays["axes"][:, 0] = 1.0
            arrays["floors"] = torch.full((n,), variance, device=device)
            arrays["variances"] = arrays["variances"][:, :1]
        return arrays

    def _expect(
        self, x: Matrix, arrays: "dict[str, torch.Tensor]"
    ) -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor, float]":
        """Counts, sums and sums of squares (or of outer products) by component, and the mean log-likelihood."""
        import torch  # noqa: PLC0415  (takes seconds to import)

        n, dim = arrays["means"].shape
        device = arrays["means"].device
        dense = self.covariance != "diagonal"
        counts = torch.zeros(n, dtype=torch.float64, device=device)
        sums = torch.zeros((n, dim), dtype=torch.float64, device=device)
        products = torch.zeros((n, dim, dim) if dense else (n, dim), dtype=torch.float64, device=device)
        total = 0.0
        for _, block in iter_blocks(x, BLOCK_ROWS // 4, part=own_part(x.shape[0])):
            rows = torch.from_numpy(np.ascontiguousarray(block)).to(device)
            joint = self._joint(arrays, rows, 0.0)
            evidence = torch.logsumexp(joint, dim=1)
            total += float(evidence.sum(dtype=torch.float64))
            shares = torch.exp(joint - evidence[:, None])
            counts += shares.sum(dim=0, dtype=torch.float64)
            sums += shares.T @ rows
            if dense:
                for code in range(n):
                    products[code] += (rows * shares[:, code, None]).T @ rows
            else:
                products += shares.T @ rows.square()
        if process_count() > 1:
            found = summed(*(part.cpu().numpy() for part in (counts, sums, products)), np.asarray(total))
            counts, sums, products = (torch.from_numpy(part).to(device) for part in found[:3])
            total = float(found[3])
        return counts, sums, products, total / x.shape[0]

    def _maximise(
        self, counts: "torch.Tensor", sums: "torch.Tensor", products: "torch.Tensor", floor: float
    ) -> "dict[str, torch.Tensor]":
        import torch  # noqa: PLC0415  (takes seconds to import)

        n, dim = sums.shape
        # A component that lost all rows keeps a weight of nearly nothing.
        safe = counts.clamp(min=1e-6)
        means = sums / safe[:, None]
        prior = self.shrinkage * dim
        if products.ndim == 2:
            scatter = (products - safe[:, None] * means.square()).clamp(min=0.0)
            within = scatter.sum(dim=0) / counts.sum()
            within = (counts.sum() * within + prior * within.mean()) / (counts.sum() + prior)
            variances = (scatter + prior * within) / (safe[:, None] + prior)
            extra: dict[str, torch.Tensor] = {"variances": variances.clamp(min=floor)}
        else:
            scatter = products - safe[:, None, None] * (means[:, :, None] * means[:, None])
            within = scatter.sum(dim=0) / counts.sum()
            identity = torch.eye(dim, dtype=within.dtype, device=within.device)
            within = (counts.sum() * within + prior * within.diagonal().mean() * identity) / (counts.sum() + prior)
            values, vectors = torch.linalg.eigh((scatter + prior * within) / (safe + prior)[:, None, None])
            values = values.clamp(min=floor)
            rank = min(self.rank, dim) if self.covariance == "low_rank" else dim
            rest = values[:, : dim - rank]
            floors = rest.mean(dim=1) if rank < dim else values[:, 0]
            extra = {"variances": values[:, dim - rank :], "axes": vectors[:, :, dim - rank :], "floors": floors}
        arrays = {"weights": safe / safe.sum(), "means": means, **extra}
        return {name: array.to(torch.float32) for name, array in arrays.items()}

    def _joint(self, arrays: "dict[str, torch.Tensor]", x: "torch.Tensor", noise: float) -> "torch.Tensor":
        """Log of weight times density of each component; shape (m, n_components)."""
        import torch  # noqa: PLC0415  (takes seconds to import)

        means, variances = arrays["means"], arrays["variances"] + noise**2
        dim = means.shape[1]
        if "axes" not in arrays:
            precisions = 1.0 / variances
            # Around the mean of the means, where squares cancel least.
            centre = means.mean(dim=0)
            rows, offsets = x - centre, means - centre
            squares = rows.square() @ precisions.T - 2.0 * rows @ (offsets * precisions).T
            squares += (offsets.square() * precisions).sum(dim=1)
            log_dets = variances.log().sum(dim=1)
        else:
            floors = arrays["floors"] + noise**2
            squares = x.new_empty((len(x), len(means)))
            for code in range(len(means)):
                gaps = x - means[code]
                inside = (gaps @ arrays["axes"][code]).square()
                squares[:, code] = inside @ (1.0 / variances[code])
                if inside.shape[1] < dim:
                    outside = (gaps.square().sum(dim=1) - inside.sum(dim=1)).clamp(min=0.0)
                    squares[:, code] += outside / floors[code]
            log_dets = variances.log().sum(dim=1) + (dim - variances.shape[1]) * floors.log()
        return torch.log(arrays["weights"]) - 0.5 * (squares + log_dets + dim * math.log(2 * math.pi))

    def _log_density(self, arrays: "dict[str, torch.Tensor]", x: "torch.Tensor", noise: float) -> "torch.Tensor":
        import torch  # noqa: PLC0415  (takes seconds to import)

        return torch.logsumexp(self._joint(arrays, x, noise), dim=1)

    def _score(self, arrays: "dict[str, torch.Tensor]", x: "torch.Tensor", noise: float) -> "torch.Tensor":
        import torch  # noqa: PLC0415  (takes seconds to import)

        shares = torch.softmax(self._joint(arrays, x, noise), dim=1)
        means, precisions = arrays["means"], 1.0 / (arrays["variances"] + noise**2)
        if "axes" not in arrays:
            return shares @ (means * precisions) - x * (shares @ precisions)
        out = torch.zeros_like(x)
        for code in range(len(means)):
            axes = arrays["axes"][code]
            gaps = means[code] - x
            inside = gaps @ axes
            if axes.shape[1] < axes.shape[0]:
                floor = 1.0 / (arrays["floors"][code] + noise**2)
                pull = floor * gaps + (inside * (precisions[code] - floor)) @ axes.T
            else:
                pull = (inside * precisions[code]) @ axes.T
            out += shares[:, code, None] * pull
        return out
