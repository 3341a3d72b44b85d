"""What the score models of the library share: checks, NumPy or torch, and how they are kept on disk."""

import os
from copy import copy
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from condensers.data import read_json, write_json
from condensers.embedding import Matrix, check_finite
from condensers.errors import NotFittedError, RowError, SettingError
from condensers.placement.protocol import Array

if TYPE_CHECKING:
    import torch

_CONFIG, _WEIGHTS = "config.json", "model.safetensors"


class LearnedScore:
    """A score model with settings as dataclass fields and what it learned as named arrays.

    A subclass has `_fit`, `_log_density` and `_score`, all on tensors.
    """

    model_type: ClassVar[str]
    _arrays: "dict[str, torch.Tensor] | None" = None

    def fit(self, x: Matrix) -> Self:
        """Learns the density of rows; the same rows give the same model.

        Shape:
            x: (n_rows, dim), float32.

        Raises:
            RowError: if there are no rows, rows that are all equal, or numbers that are not finite.
            SettingError: if a setting is out of its range.
        """
        self._check_settings()
        if x.shape[0] == 0:
            raise RowError("a density needs at least 1 row; got 0.")
        check_finite(x)
        self._arrays = {name: array.contiguous() for name, array in self._fit(x).items()}
        return self

    def score(self, x: Array, noise: float = 0.0) -> Array:
        """See `ScoreModel.score`.

        Shape:
            x: (m, dim), float32; returns: (m, dim), float32.

        Raises:
            NotFittedError: before `fit`.
            RowError: if the dimension is not that of the rows it was fitted on.
        """
        tensor = self._checked(x)
        found = self._score(self._on(tensor.device), tensor, float(noise))
        return found.numpy() if isinstance(x, np.ndarray) else found

    def log_density(self, x: Array, noise: float = 0.0) -> Array:
        """See `ScoreModel.log_density`.

        Shape:
            x: (m, dim), float32; returns: (m,), float32.

        Raises:
            NotFittedError: before `fit`.
            RowError: if the dimension is not that of the rows it was fitted on.
        """
        tensor = self._checked(x)
        found = self._log_density(self._on(tensor.device), tensor, float(noise))
        return found.numpy() if isinstance(x, np.ndarray) else found

    @property
    def dim(self) -> int:
        """Dimension of the rows it was fitted on.

        Raises:
            NotFittedError: before `fit`.
        """
        return self._dim(self._fitted())

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:
        """Writes settings as JSON and what was learned as safetensors.

        Raises:
            NotFittedError: before `fit`.
        """
        from safetensors.torch import save_file  # noqa: PLC0415  (imports torch)

        arrays, folder = self._fitted(), Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        save_file({name: array.cpu().clone() for name, array in arrays.items()}, folder / _WEIGHTS)
        settings = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        write_json(folder / _CONFIG, {"model_type": self.model_type, **settings})

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str]) -> Self:
        """Reads what `save_pretrained` wrote.

        Raises:
            SourceNotFoundError: if there is no score model in the folder.
            SettingError: if the one there is of another type.
        """
        from safetensors.torch import load_file  # noqa: PLC0415  (imports torch)

        config = read_config(folder)
        found = config.pop("model_type", None)
        if found != cls.model_type:
            raise SettingError(f"{str(folder)!r} holds a {found!r}, not a {cls.model_type!r}; use `load_score_model`.")
        model = cls(**config)
        model._arrays = load_file(Path(folder) / _WEIGHTS)
        return model

    def _check_settings(self) -> None:
        pass

    def _dim(self, arrays: "dict[str, torch.Tensor]") -> int:
        raise NotImplementedError

    def _fit(self, x: Matrix) -> "dict[str, torch.Tensor]":
        raise NotImplementedError

    def _score(self, arrays: "dict[str, torch.Tensor]", x: "torch.Tensor", noise: float) -> "torch.Tensor":
        raise NotImplementedError

    def _log_density(self, arrays: "dict[str, torch.Tensor]", x: "torch.Tensor", noise: float) -> "torch.Tensor":
        raise NotImplementedError

    def _check_marginal(self, n_dims: int) -> None:
        if not 1 <= n_dims <= self.dim:
            raise SettingError(f"`n_dims` must be 1 to {self.dim}, the dimension of the model; got {n_dims}.")

    def _with(self, arrays: "dict[str, torch.Tensor]") -> Self:
        other = copy(self)
        other._arrays = arrays
        return other

    def _fitted(self) -> "dict[str, torch.Tensor]":
        if self._arrays is None:
            raise NotFittedError(f"{type(self).__name__} has not been fitted; call `fit` first.")
        return self._arrays

    def _on(self, device: "torch.device") -> "dict[str, torch.Tensor]":
        arrays = self._fitted()
        if next(iter(arrays.values())).device != device:
            arrays = self._arrays = {name: array.to(device) for name, array in arrays.items()}
        return arrays

    def _checked(self, x: Array) -> "torch.Tensor":
        import torch  # noqa: PLC0415  (takes seconds to import)

        if x.ndim != 2 or x.shape[1] != self.dim:
            raise RowError(
                f"points of shape {tuple(x.shape)} cannot be scored by a model of {self.dim} dimensions; give it "
                f"(m, {self.dim})."
            )
        if isinstance(x, np.ndarray):
            return torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32))
        return x.float()


def read_config(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads the settings that lie beside a saved score model.

    Raises:
        SourceNotFoundError: if there are none.
    """
    return read_json(Path(folder) / _CONFIG, what="score model")


def check_above(name: str, value: float, least: float, *, strict: bool = False) -> None:
    """Raises unless a setting is at least `least`, or above it.

    Raises:
        SettingError: if it is not.
    """
    if not (value > least if strict else value >= least):
        raise SettingError(f"`{name}` must be {'above' if strict else 'at least'} {least:g}; got {value!r}.")
