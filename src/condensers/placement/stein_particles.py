"""Points that repel each other while a score model draws them to where rows are: SVGD."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from condensers.embedding import Matrix, check_finite
from condensers.errors import BudgetError, RowError, SettingError
from condensers.placement.gaussian_mixture import GaussianMixtureScore
from condensers.placement.learned_score import LearnedScore, check_above
from condensers.placement.particle_target import ParticleTarget
from condensers.placement.protocol import ScoreModel
from condensers.placement.stein import Bandwidth, median_bandwidth, stein_direction, stein_discrepancy
from condensers.placement.subspace import Subspace, all_same, check_size

if TYPE_CHECKING:
    import torch

Complement = Literal["start", "mean"]


@dataclass(frozen=True)
class StepRecord:
    """How far a run of particles has come.

    Attributes:
        step: Moves made before.
        discrepancy: Kernel Stein discrepancy, at the bandwidth of the start.
        update: Root mean square of a coordinate's next move.
    """

    step: int
    discrepancy: float
    update: float


@dataclass(frozen=True)
class ParticleRun:
    """Where particles came to lie, and how.

    Attributes:
        points: The particles as rows.
        start: The rows they started from, or the modes that guided them.
        coordinates: The particles in the subspace; in the space of the rows if there is none.
        steps: Moves made.
        converged: Whether the last move was below the tolerance.
        history: Records from the start to the end.

    Shape:
        points: (n, dim); start: (n, dim); coordinates: (n, size), all float32.
    """

    points: np.ndarray
    start: np.ndarray
    coordinates: np.ndarray
    steps: int
    converged: bool
    history: tuple[StepRecord, ...]


@dataclass(frozen=True)
class SteinParticles:
    r"""Particles of Stein variational gradient descent, the placement of PInR (Section 4.1, Eq. 2).

    Each particle moves by the direction of `stein_direction`, to where the score model puts rows and away from the
    others, with steps as AdaGrad takes them (Duchi et al. 2011). Liu and Wang (2016) forget old directions
    exponentially; then moves never end, and there is nothing to stop on. Discrepancies compare only at one bandwidth,
    so the history keeps that of the start.

    With few particles in many dimensions SVGD collapses. For m particles at equal distances, a Gaussian target in
    d > m dimensions, and :math:`u = \text{squared distance} / h`, setting Eq. 2 to zero gives the variance as a share
    of the target's:

    .. math:: \frac{m}{d} \cdot \frac{u}{e^u - 1}

    With the bandwidth of Liu and Wang, :math:`u = \log(m + 1)`, so the share is :math:`\log(m + 1) / d`; with u = 1
    it is :math:`0.58\, m / d`, and no bandwidth goes beyond m / d. So particles move in as many principal axes as they
    can fill, scaled to equal variance, and h is the median squared distance, u = 1.

    Attributes:
        score: The score model; a copy is fitted for every set of rows.
        subspace: Share of the variance that the principal axes hold (above 0, below 1), with no more of them than
            `particles_per_axis` allows; or their number; or None for the paper's literal form, the space of the rows.
        particles_per_axis: Particles for each axis at least, where `subspace` is a share.
        complement: What a particle is outside the subspace: what the row it started from is there, which keeps the
            spread of rows there; or their mean.
        bandwidth: See `median_bandwidth`.
        step_size: First move of each coordinate, in units of its deviation in a subspace.
        max_steps: Moves at most.
        tol: Stop when the root mean square of a coordinate's move is below this.
        record_every: Moves from one record of the history to the next.
        normalize: Scale particles to length 1; None does so if the rows have length 1.
        seed: Seed of the rows to start from.
        device: Where particles move, as torch names it.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
        >>> SteinParticles().place(x, 5).shape
        (5, 8)
    """

    score: ScoreModel = field(default_factory=GaussianMixtureScore)
    subspace: float | None = 0.9
    particles_per_axis: float = 4.0
    complement: Complement = "start"
    bandwidth: Bandwidth = "median"
    step_size: float = 0.3
    max_steps: int = 500
    tol: float = 1e-3
    record_every: int = 10
    normalize: bool | None = None
    seed: int = 0
    device: str = "cpu"

    @property
    def fits_once(self) -> bool:
        """Whether one fit serves any number of particles; of a network on as many axes as they fill it does not."""
        return self.subspace is None or self.subspace >= 1 or hasattr(self.score, "marginal")

    def place(self, x: Matrix, n: int) -> np.ndarray:
        """Places `n` particles; see `run`.

        Shape:
            x: (n_rows, dim), float32.
            returns: (n, dim), float32.
        """
        return self.run(x, n).points

    def fit(self, x: Matrix, n: int | None = None) -> ParticleTarget:
        """Learns what particles are drawn to, for `run` to use at any budget.

        Args:
            x: Rows of one class.
            n: Fit on no more axes than so many particles fill. A network needs that; the other score models are read
                on fewer axes without another fit.

        Shape:
            x: (n_rows, dim), float32.

        Raises:
            SettingError: if a setting is out of its range.
            RowError: if `x` holds numbers that are not finite, or rows that are all the same.
        """
        self._check_settings()
        check_finite(x)
        if self.subspace is None:
            return ParticleTarget.of(x, None, deepcopy(self.score))
        subspace = Subspace.of(x, self.subspace)
        if n is not None:
            subspace = subspace.first(self._n_axes(subspace, n))
        return ParticleTarget.of(x, subspace, deepcopy(self.score))

    def run(self, x: Matrix, n: int, target: ParticleTarget | None = None) -> ParticleRun:
        """Places `n` particles and says how they came there.

        Of rows that are all the same, every particle is that row.

        Args:
            x: Rows of one class; the particles start from some of them.
            n: How many particles.
            target: What `fit` gave; None fits.

        Shape:
            x: (n_rows, dim), float32.

        Raises:
            BudgetError: if `n` is below 1 or above n_rows.
            SettingError: if a setting is out of its range.
            RowError: if `x` holds numbers that are not finite, or the scores become so.
        """
        n_rows = x.shape[0]
        if not 1 <= n <= n_rows:
            raise BudgetError(
                f"particles start from rows of their own, so {n_rows} rows allow 1 to {n_rows} of them; got {n}."
            )
        self._check_settings()
        rng = np.random.default_rng(self.seed)
        start = np.array(x[np.sort(rng.choice(n_rows, size=n, replace=False))], dtype=np.float32)
        if target is None:
            check_finite(x)
            if all_same(x):
                return ParticleRun(start, start, start, 0, True, ())
            target = self.fit(x, None if self.fits_once else n)
        if target.subspace is not None:
            target = target.first(self._n_axes(target.subspace, n))
        coordinates = start if target.subspace is None else target.subspace.project(start)
        moved, steps, converged, history = self._descend(coordinates, target.model)
        points = moved
        if target.subspace is not None:
            lifted = target.subspace.lift(moved)
            points = lifted if self.complement == "mean" else start + (lifted - target.subspace.lift(coordinates))
        if self.normalize if self.normalize is not None else has_unit_rows(start):
            points = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
        return ParticleRun(points.astype(np.float32), start, moved, steps, converged, history)

    def _descend(self, start: np.ndarray, model: ScoreModel) -> tuple[np.ndarray, int, bool, tuple[StepRecord, ...]]:
        import torch  # noqa: PLC0415  (takes seconds to import)

        x = torch.from_numpy(start.copy()).to(self.device)
        h_start = median_bandwidth(x, self.bandwidth)
        squares = torch.zeros_like(x)
        history: list[StepRecord] = []
        steps, converged = 0, False
        while not converged:
            scores = _scores(model, x)
            direction = stein_direction(x, scores, median_bandwidth(x, self.bandwidth))
            squares += direction.square()
            move = direction.mul_(self.step_size).div_(squares.sqrt().clamp_(min=1e-30))
            update = float(move.square().mean()) ** 0.5
            if not np.isfinite(update):
                raise RowError(
                    f"the scores of {type(model).__name__} are no longer finite after {steps} steps; lower "
                    f"`step_size`, or fit it with more smoothing."
                )
            converged = update < self.tol
            if steps % self.record_every == 0 or converged or steps == self.max_steps:
                history.append(StepRecord(steps, stein_discrepancy(x, scores, h_start), update))
            if converged or steps == self.max_steps:
                break
            x += move
            steps += 1
        return x.cpu().numpy(), steps, converged, tuple(history)

    def _n_axes(self, subspace: Subspace, n: int) -> int:
        """As many axes as `n` particles fill, unless their number was given."""
        if self.subspace is None or self.subspace >= 1:
            return subspace.size
        return max(1, min(subspace.size, int(n / self.particles_per_axis)))

    def _check_settings(self) -> None:
        if self.subspace is not None:
            check_size(self.subspace)
        if self.complement not in get_args(Complement):
            raise SettingError(f"`complement` must be 'start' or 'mean'; got {self.complement!r}.")
        if isinstance(self.bandwidth, str) and self.bandwidth not in ("median", "liu_wang"):
            raise SettingError(
                f"`bandwidth` must be 'median', 'liu_wang' or a number above 0; got {self.bandwidth!r}."
            )
        above = ["step_size", "particles_per_axis", *([] if isinstance(self.bandwidth, str) else ["bandwidth"])]
        for name in above:
            check_above(name, getattr(self, name), 0, strict=True)
        for name, least in (("max_steps", 0), ("tol", 0), ("record_every", 1)):
            check_above(name, getattr(self, name), least)


def has_unit_rows(rows: np.ndarray) -> bool:
    """Whether rows have length 1, as those of an `Embedder` have; shape (n, dim)."""
    return bool(np.abs(np.linalg.norm(rows, axis=1) - 1.0).max() < 1e-3)


def _scores(model: ScoreModel, x: "torch.Tensor") -> "torch.Tensor":
    """Scores by a model of the library on the device, and by a user's own in NumPy."""
    import torch  # noqa: PLC0415  (takes seconds to import)

    if isinstance(model, LearnedScore):
        return model.score(x)
    return torch.as_tensor(np.asarray(model.score(x.cpu().numpy()), dtype=np.float32)).to(x.device)
