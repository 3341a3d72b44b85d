"""What a placement is, and what a score model is."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, Self, TypeVar, runtime_checkable

import numpy as np

from condensers.embedding import EmbeddedRows, Matrix

if TYPE_CHECKING:
    import torch

    from condensers.placement.particle_target import ParticleTarget
    from condensers.placement.stein_particles import ParticleRun

Array = TypeVar("Array", np.ndarray, "torch.Tensor")


@runtime_checkable
class Placement(Protocol):
    """Says where a few points should sit among many."""

    def place(self, x: Matrix, n: int) -> np.ndarray:
        """Places `n` points.

        Shape:
            x: (n_rows, dim), float32.
            returns: (n, dim), float32.
        """
        ...


@runtime_checkable
class SupervisedPlacement(Protocol):
    """Says where a few points of every class should sit, by what the rows of all classes and their labels say."""

    def place_by_class(
        self, rows: EmbeddedRows, codes: np.ndarray, counts: Mapping[int, int]
    ) -> dict[int, np.ndarray]:
        """Places `counts[code]` points for each class.

        Shape:
            rows: vectors (n_rows, dim), float32.
            codes: (n_rows,), int64, the class of each row.
            returns: by class code, (counts[code], dim), float32.

        Args:
            rows: Rows of all classes.
            codes: Their classes, of which there are at least two.
            counts: Points to place, by class code, for every class that occurs.
        """
        ...


@runtime_checkable
class RenewablePlacement(Placement, Protocol):
    """A placement whose points can move on when rows are added, so that few of them change."""

    def renew(self, x: Matrix, points: np.ndarray) -> np.ndarray:
        """Moves points that were placed among some of the rows to where they belong among all.

        Shape:
            x: (n_rows, dim), float32; points: (n, dim), float32.
            returns: (n, dim), float32, in the order of `points`.
        """
        ...


@runtime_checkable
class LearningPlacement(Placement, Protocol):
    """A placement that learns the density of the rows first, and can be told what it learned before."""

    @property
    def fits_once(self) -> bool:
        """Whether one fit serves any number of points."""
        ...

    def fit(self, x: Matrix, n: int | None = None) -> "ParticleTarget":
        """Learns the density of rows that are not all the same.

        Shape:
            x: (n_rows, dim), float32.

        Args:
            x: Rows of one class.
            n: How many points it is for, where `fits_once` is false.
        """
        ...

    def run(self, x: Matrix, n: int, target: "ParticleTarget | None" = None) -> "ParticleRun":
        """Places `n` points and says how they came there.

        Shape:
            x: (n_rows, dim), float32.

        Args:
            x: Rows of one class.
            n: How many points.
            target: What `fit` gave; None fits.
        """
        ...


@runtime_checkable
class ScoreModel(Protocol):
    r"""A density of rows and its score, :math:`\nabla_x \log p(x)`.

    Arrays of NumPy give arrays of NumPy, tensors give tensors on the same device.
    """

    def fit(self, x: Matrix) -> Self:
        """Learns the density of rows.

        Shape:
            x: (n_rows, dim), float32.
        """
        ...

    def score(self, x: Array, noise: float = 0.0) -> Array:
        """Gradient of the log density.

        Args:
            x: Points.
            noise: Standard deviation of Gaussian noise by which the density is smoothed.

        Shape:
            x: (m, dim), float32; returns: (m, dim), float32.
        """
        ...

    def log_density(self, x: Array, noise: float = 0.0) -> Array:
        """Log density, up to a constant that depends on `noise` alone.

        Shape:
            x: (m, dim), float32; returns: (m,), float32.
        """
        ...
