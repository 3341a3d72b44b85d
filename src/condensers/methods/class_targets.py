"""The densities that a placement learned, one a class: kept for any budget, saved with the condenser."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from condensers.data import read_json, write_json
from condensers.methods.components import describe
from condensers.methods.source import PreparedSource
from condensers.placement import LearningPlacement, ParticleTarget, all_same
from condensers.placement.learned_score import LearnedScore

_CONFIG = "classes.json"


@dataclass(frozen=True)
class ClassTargets:
    """What `LearningPlacement.fit` gave for each class; a class whose rows are all the same has none.

    Attributes:
        by_class: Targets by class code.
    """

    by_class: Mapping[int, ParticleTarget]

    @classmethod
    def fit(cls, placement: LearningPlacement, prepared: PreparedSource, shares: Mapping[int, int]) -> Self:
        """Fits one target a class.

        Args:
            placement: What learns.
            prepared: The rows.
            shares: Points of each class, for a placement that has to know.
        """
        found = {}
        for code, positions in prepared.rows.by_class():
            x = prepared.of_class(positions).vectors
            if not all_same(x):
                found[code] = placement.fit(x, None if placement.fits_once else shares[code])
        return cls(found)

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:
        """Writes each target into a subfolder.

        Raises:
            SettingError: if a score model is not one of the library's.
        """
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        for code, target in self.by_class.items():
            target.save_pretrained(folder / f"class_{code}")
        write_json(folder / _CONFIG, sorted(self.by_class))

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str]) -> Self:
        """Reads what `save_pretrained` wrote.

        Raises:
            SourceNotFoundError: if it is not there.
        """
        path = Path(folder)
        codes = read_json(path / _CONFIG, what="targets of classes")
        return cls({code: ParticleTarget.from_pretrained(path / f"class_{code}") for code in codes})


def is_kept(placement: LearningPlacement) -> bool:
    """Whether what a placement learns can be kept on disk: a score model of the user's own making need not be."""
    return isinstance(getattr(placement, "score", None), LearnedScore)


def fit_facts(placement: LearningPlacement, shares: Mapping[int, int], embedder_fingerprint: str) -> dict[str, Any]:
    """What a fit depends on besides the rows, as JSON: not the seed of the points, nor how they move."""
    facts = {
        "part": "targets",
        "score": describe(getattr(placement, "score", None)),
        "subspace": getattr(placement, "subspace", None),
        "embedder": embedder_fingerprint,
    }
    if not placement.fits_once:
        facts |= {
            "shares": {str(code): n for code, n in shares.items()},
            "placement": describe(placement) | {"seed": 0},
        }
    return facts
