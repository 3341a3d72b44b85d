"""The few directions in which the rows of a class vary most."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from condensers.embedding import Matrix, iter_blocks
from condensers.errors import SettingError, SourceNotFoundError

_WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Subspace:
    """Principal axes of rows, scaled so that every coordinate has variance 1.

    Shape:
        mean: (dim,); axes: (dim, size), orthonormal, by falling variance; deviations: (size,), above 0.
    """

    mean: np.ndarray
    axes: np.ndarray
    deviations: np.ndarray

    @classmethod
    def of(cls, x: Matrix, size: float) -> Self:
        """Finds the axes, in one pass over blocks of rows.

        Directions without variance are left out, so rows that are all equal have a subspace of size 0.

        Args:
            x: Rows.
            size: Below 1, the share of the variance to hold at least; a whole number from 1, how many axes at most.

        Shape:
            x: (n_rows, dim), float32.

        Raises:
            SettingError: if `size` is neither.
        """
        check_size(size)
        n_rows, dim = x.shape
        # Of rows around one of them, whose squares cancel least.
        origin = np.asarray(x[:1], dtype=np.float32)[0]
        total, products = np.zeros(dim), np.zeros((dim, dim))
        for _, block in iter_blocks(x):
            gaps = block - origin
            total += gaps.sum(axis=0, dtype=np.float64)
            products += gaps.T @ gaps
        shift = total / n_rows
        values, vectors = np.linalg.eigh(products / n_rows - np.outer(shift, shift))
        values, vectors = values[::-1], vectors[:, ::-1]
        scale = float(np.mean(origin.astype(np.float64) ** 2)) + float(values[0])
        n_alive = int(np.count_nonzero(values > 1e-7 * scale))
        if size < 1:
            held = np.cumsum(values[:n_alive]) / max(values[:n_alive].sum(), 1e-300)
            n_axes = min(int(np.searchsorted(held, size)) + 1, n_alive)
        else:
            n_axes = min(int(size), n_alive)
        axes = np.ascontiguousarray(vectors[:, :n_axes], dtype=np.float32)
        # Eigenvectors have no sign of their own.
        axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(n_axes)])
        return cls((origin + shift).astype(np.float32), axes, np.sqrt(values[:n_axes]).astype(np.float32))

    @property
    def size(self) -> int:
        """How many axes there are."""
        return len(self.deviations)

    def first(self, size: int) -> "Subspace":
        """The subspace of the first axes."""
        return Subspace(self.mean, np.ascontiguousarray(self.axes[:, :size]), self.deviations[:size])

    def project(self, x: np.ndarray) -> np.ndarray:
        """Coordinates of rows; shape (n, dim) in, (n, size) out."""
        return ((x - self.mean) @ self.axes) / self.deviations

    def lift(self, z: np.ndarray) -> np.ndarray:
        """The points of the subspace at some coordinates; shape (n, size) in, (n, dim) out."""
        return (z * self.deviations) @ self.axes.T + self.mean

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:
        """Writes it as safetensors."""
        from safetensors.numpy import save_file  # noqa: PLC0415  (only for those who save)

        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {"mean": self.mean, "axes": self.axes, "deviations": self.deviations}
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / _WEIGHTS)

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str]) -> Self:
        """Reads what `save_pretrained` wrote.

        Raises:
            SourceNotFoundError: if it is not there.
        """
        from safetensors.numpy import load_file  # noqa: PLC0415  (only for those who load)

        path = Path(folder) / _WEIGHTS
        if not path.is_file():
            raise SourceNotFoundError(f"{str(folder)!r} holds no subspace ({_WEIGHTS} is missing).")
        return cls(**load_file(path))


def moments(x: Matrix) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variances of the coordinates of rows, in one pass over blocks.

    Shape:
        x: (n_rows, dim), float32; returns: (dim,) and (dim,), float32.
    """
    origin = np.asarray(x[:1], dtype=np.float32)[0]
    total, squares = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for _, block in iter_blocks(x):
        gaps = block - origin
        total += gaps.sum(axis=0, dtype=np.float64)
        squares += np.einsum("ij,ij->j", gaps, gaps, dtype=np.float64)
    shift = total / x.shape[0]
    variances = np.maximum(squares / x.shape[0] - shift**2, 0.0)
    return (origin + shift).astype(np.float32), variances.astype(np.float32)


def all_same(x: Matrix) -> bool:
    """Whether all rows are the same point, up to rounding; shape (n_rows, dim)."""
    first = np.asarray(x[:1], dtype=np.float32)
    largest = max(float(np.abs(block - first).max()) for _, block in iter_blocks(x))
    return largest <= 1e-6 * float(np.abs(first).max())


class ProjectedRows:
    """Coordinates of rows in a subspace, a `Matrix` computed block by block when it is read."""

    def __init__(self, x: Matrix, subspace: Subspace) -> None:
        self._x, self._subspace = x, subspace

    @property
    def shape(self) -> tuple[int, int]:
        """(n_rows, size)."""
        return self._x.shape[0], self._subspace.size

    def __getitem__(self, key: slice | np.ndarray, /) -> np.ndarray:
        return self._subspace.project(np.asarray(self._x[key], dtype=np.float32))


def check_size(size: float) -> None:
    """Raises unless `size` is a share of the variance or a number of axes.

    Raises:
        SettingError: if it is neither.
    """
    if isinstance(size, bool) or not (0 < size < 1 or (size >= 1 and float(size).is_integer())):
        raise SettingError(
            f"`subspace` must be a share of the variance between 0 and 1, a whole number of axes from 1, or None; "
            f"got {size!r}."
        )
