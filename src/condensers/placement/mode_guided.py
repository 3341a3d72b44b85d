"""Points that a denoising process leads near the modes of k-means."""

from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np

from condensers.embedding import Matrix, check_finite
from condensers.errors import SettingError
from condensers.placement.gaussian_mixture import GaussianMixtureScore
from condensers.placement.kmeans import KMeansCentroids
from condensers.placement.learned_score import check_above
from condensers.placement.particle_target import ParticleTarget
from condensers.placement.protocol import ScoreModel
from condensers.placement.stein_particles import ParticleRun, has_unit_rows
from condensers.placement.subspace import Subspace, all_same, check_size, moments


@dataclass(frozen=True)
class ModeGuided:
    r"""Samples of a diffusion that are guided to a mode each, the placement of MGD3 (Chan-Santiago et al. 2025).

    PInR (Section 5.1, Baselines) adapts it from images: clusters in the space of embeddings give the modes, as many as
    points are wanted, and regularise what is generated. Here the generator is the probability flow of the score model.
    From noise of the largest level, each step denoises and keeps as much of the noise as the next level has,

    .. math:: \hat x = x + \sigma^2 s(x, \sigma), \quad \hat x \leftarrow \hat x + \lambda (c - \hat x), \quad
       x \leftarrow \hat x + \frac{\sigma'}{\sigma} (x - \hat x)

    and the guidance :math:`\lambda` to the mode c ends part of the way, so that the last steps lead to where rows are.

    Attributes:
        score: The score model; a copy is fitted for every set of rows.
        subspace: Share of the variance that the principal axes hold, or their number, or None for the space of the
            rows. Outside the subspace a point is its mode.
        guidance: Strength of the pull to the mode, :math:`\lambda`, from 0, none, to 1, the mode itself.
        guided_share: Share of the steps that are guided, the first ones.
        steps: Steps from the largest level of noise to none.
        most_noise: Largest level, in units of the root mean variance of a coordinate.
        least_noise: The last level before none; levels fall by equal factors.
        normalize: Scale points to length 1; None does so if the rows have length 1.
        seed: Seed of k-means and of the noise.
    """

    score: ScoreModel = field(default_factory=GaussianMixtureScore)
    subspace: float | None = 0.9
    guidance: float = 0.1
    guided_share: float = 0.5
    steps: int = 50
    most_noise: float = 3.0
    least_noise: float = 0.05
    normalize: bool | None = None
    seed: int = 0

    @property
    def fits_once(self) -> bool:
        """Whether one fit serves any number of points, as it does."""
        return True

    def place(self, x: Matrix, n: int) -> np.ndarray:
        """Places `n` points; see `run`.

        Shape:
            x: (n_rows, dim), float32.
            returns: (n, dim), float32.
        """
        return self.run(x, n).points

    def run(self, x: Matrix, n: int, target: ParticleTarget | None = None) -> ParticleRun:
        """Places `n` points, one near each mode. Of rows that are all the same, every point is that row.

        Args:
            x: Rows of one class.
            n: How many points.
            target: What `fit` gave; None fits.

        Shape:
            x: (n_rows, dim), float32.

        Returns:
            The points, with the modes as where they started.

        Raises:
            BudgetError: if `n` is below 1 or above n_rows.
            SettingError: if a setting is out of its range.
            RowError: if `x` holds numbers that are not finite.
        """
        self._check_settings()
        modes = KMeansCentroids(seed=self.seed).place(x, n)
        if target is None:
            if all_same(x):
                return ParticleRun(modes, modes, modes, 0, True, ())
            target = self.fit(x)
        subspace = target.subspace
        # In the subspace every coordinate has variance 1.
        deviation = 1.0 if subspace is not None else float(moments(x)[1].mean()) ** 0.5
        aims = modes if subspace is None else subspace.project(modes)
        found = self._denoise(aims, target.model, deviation)
        points = found if subspace is None else modes + subspace.lift(found) - subspace.lift(aims)
        if self.normalize if self.normalize is not None else has_unit_rows(np.asarray(x[:100], dtype=np.float32)):
            points = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
        return ParticleRun(points.astype(np.float32), modes, found, self.steps, True, ())

    def fit(self, x: Matrix, n: int | None = None) -> ParticleTarget:
        """Learns the density that the noise is led to, the same for any number of points.

        Shape:
            x: (n_rows, dim), float32.

        Raises:
            SettingError: if a setting is out of its range.
            RowError: if `x` holds numbers that are not finite, or rows that are all the same.
        """
        self._check_settings()
        check_finite(x)
        subspace = None if self.subspace is None else Subspace.of(x, self.subspace)
        return ParticleTarget.of(x, subspace, deepcopy(self.score))

    def _denoise(self, aims: np.ndarray, model: ScoreModel, deviation: float) -> np.ndarray:
        levels = deviation * np.geomspace(self.most_noise, self.least_noise, self.steps)
        rng = np.random.default_rng(self.seed)
        x = (levels[0] * rng.normal(size=aims.shape)).astype(np.float32) + aims.mean(axis=0)
        for step, (level, following) in enumerate(zip(levels, [*levels[1:], 0.0], strict=True)):
            clean = x + np.float32(level**2) * model.score(x, float(level))
            if step < self.guided_share * self.steps:
                clean += np.float32(self.guidance) * (aims - clean)
            x = clean + np.float32(following / level) * (x - clean)
        return x

    def _check_settings(self) -> None:
        if self.subspace is not None:
            check_size(self.subspace)
        for name in ("guidance", "guided_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise SettingError(f"`{name}` must be 0 to 1; got {getattr(self, name)!r}.")
        check_above("steps", self.steps, 1)
        check_above("least_noise", self.least_noise, 0, strict=True)
        check_above("most_noise", self.most_noise, self.least_noise)
