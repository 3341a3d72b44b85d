"""What particles are drawn to: a score model in the subspace of a class, kept for any number of particles."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from condensers.data import read_json, write_json
from condensers.embedding import Matrix
from condensers.errors import RowError, SettingError
from condensers.placement.denoising import DenoisingScoreNetwork
from condensers.placement.gaussian_mixture import GaussianMixtureScore
from condensers.placement.kernel_density import KernelDensityScore
from condensers.placement.learned_score import LearnedScore, read_config
from condensers.placement.protocol import ScoreModel
from condensers.placement.subspace import ProjectedRows, Subspace

SCORE_MODELS: dict[str, type[LearnedScore]] = {
    cls.model_type: cls for cls in (GaussianMixtureScore, KernelDensityScore, DenoisingScoreNetwork)
}
_CONFIG = "target.json"
# Coordinates that are kept in memory while a model is fitted, where it would otherwise project in every pass.
_CELLS = 2**26


def load_score_model(folder: str | os.PathLike[str]) -> LearnedScore:
    """Reads any score model of the library that `save_pretrained` wrote.

    Raises:
        SourceNotFoundError: if there is none in the folder.
        SettingError: if it is of a type that is not known.
    """
    found = read_config(folder).get("model_type")
    if found not in SCORE_MODELS:
        raise SettingError(f"unknown score model {found!r} in {str(folder)!r}; there is {', '.join(SCORE_MODELS)}.")
    return SCORE_MODELS[found].from_pretrained(folder)


@dataclass(frozen=True)
class ParticleTarget:
    """A density of the rows of one class, which a `Savable` part of a condenser can hold.

    Attributes:
        subspace: Where the density lives; None if it is one of the rows as they are.
        model: The density, of coordinates in the subspace.
    """

    subspace: Subspace | None
    model: ScoreModel

    @classmethod
    def of(cls, x: Matrix, subspace: Subspace | None, model: ScoreModel) -> Self:
        """Fits a score model on rows in a subspace.

        Shape:
            x: (n_rows, dim), float32.

        Raises:
            RowError: if all rows are the same.
        """
        if subspace is None:
            return cls(None, model.fit(x))
        if subspace.size == 0:
            raise RowError(f"all {x.shape[0]} row(s) are the same point, which has no density to learn.")
        rows: Matrix = ProjectedRows(x, subspace)
        if x.shape[0] * subspace.size <= _CELLS:
            rows = rows[:]
        return cls(subspace, model.fit(rows))

    def first(self, size: int) -> "ParticleTarget":
        """The target on the first axes of its subspace, without another fit.

        Raises:
            SettingError: if the score model has no marginals, as a network has none.
        """
        if self.subspace is None or size >= self.subspace.size:
            return self
        if not isinstance(self.model, (GaussianMixtureScore, KernelDensityScore)):
            raise SettingError(
                f"{type(self.model).__name__} was fitted on {self.subspace.size} axes and cannot be read on the first "
                f"{size}; fit it with `subspace={size}`, or ask for more particles."
            )
        return ParticleTarget(self.subspace.first(size), self.model.marginal(size))

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:
        """Writes subspace and score model into subfolders.

        Raises:
            SettingError: if the score model is not one of the library's.
            NotFittedError: if it has not been fitted.
        """
        if not isinstance(self.model, LearnedScore):
            raise SettingError(f"a target with the score model {type(self.model).__name__} cannot be saved.")
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save_pretrained(folder / "score_model")
        if self.subspace is not None:
            self.subspace.save_pretrained(folder / "subspace")
        write_json(folder / _CONFIG, {"subspace": self.subspace is not None})

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str]) -> Self:
        """Reads what `save_pretrained` wrote.

        Raises:
            SourceNotFoundError: if it is not there.
        """
        path = Path(folder)
        config = read_json(path / _CONFIG, what="target of particles")
        subspace = Subspace.from_pretrained(path / "subspace") if config["subspace"] else None
        return cls(subspace, load_score_model(path / "score_model"))
