"""How much noise keeps real rows private, where it is drawn, and how no vote is released twice."""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any

import datasets
import numpy as np

from condensers.data import cache_folder, write_json
from condensers.errors import MissingDependencyError, SettingError

VOTES_FILE = "votes.json"
_OUTSIDE = (
    "What the language model and the embedder learned before, what a remote embedder is sent, what other runs on the "
    "same rows release, and the choice of the settings are outside of this guarantee."
)
# Beyond the tolerance to which the accountant finds the noise.
_MARGIN = 1 + 1e-9


def noise_multiplier(epsilon: float, delta: float, releases: int) -> float:
    r"""Standard deviation of the noise for votes of sensitivity 1, in votes.

    One release is a Gaussian mechanism; T of them with the same noise are exactly one with a deviation smaller by
    :math:`\sqrt T` (Dong et al. 2022, Corollary 3.3), for which Balle and Wang (2018, Theorem 8) give the least noise:

    .. math:: \delta = \Phi\left(\frac{\sqrt T}{2 \sigma} - \frac{\epsilon \sigma}{\sqrt T}\right)
              - e^\epsilon \Phi\left(-\frac{\sqrt T}{2 \sigma} - \frac{\epsilon \sigma}{\sqrt T}\right)

    Args:
        epsilon: Above 0.
        delta: Between 0 and 1.
        releases: How often votes are released, T.

    Raises:
        MissingDependencyError: if dp-accounting is not installed.
    """
    try:
        from dp_accounting import get_sigma_gaussian
    except ImportError as error:
        raise MissingDependencyError(
            "noise for a private run is measured out by dp-accounting, which is not installed; run "
            "`pip install 'condensers[dp]'`."
        ) from error
    return float(get_sigma_gaussian(epsilon, delta)) * math.sqrt(releases) * _MARGIN


@dataclass(frozen=True)
class Guarantee:
    """What a run promises to the people in the real rows.

    Attributes:
        epsilon: Privacy budget; None where real rows vote without noise.
        delta: Chance that the budget does not hold.
        releases: Releases of votes that the budget is shared by.
        noise_multiplier: Standard deviation of the noise, in votes.
        noise_seed: A seed of the noise, for tests; whoever knows it can take the noise away.
    """

    epsilon: float | None
    delta: float | None
    releases: int
    noise_multiplier: float
    noise_seed: int | None = None

    @classmethod
    def of(cls, epsilon: float | None, delta: float | None, releases: int, noise_seed: int | None) -> "Guarantee":
        """The guarantee of these settings.

        Raises:
            SettingError: if epsilon and delta do not stand together, or are out of range.
            MissingDependencyError: as `noise_multiplier`.
        """
        check_budget(epsilon, delta)
        if epsilon is None or delta is None:
            return cls(None, None, releases, 0.0)
        return cls(epsilon, delta, releases, noise_multiplier(epsilon, delta, releases), noise_seed)

    @property
    def statement(self) -> str:
        """What may be said of it on a card."""
        if self.epsilon is None:
            return "No privacy guarantee: real rows voted without noise."
        if self.noise_seed is not None:
            return "No privacy guarantee: the noise was drawn with a fixed seed, which undoes it."
        return (
            f"(epsilon, delta) = ({self.epsilon:g}, {self.delta:g}) for adding or removing one row of the source, by "
            f"{self.releases} release(s) of votes with Gaussian noise of standard deviation "
            f"{self.noise_multiplier:.4g}. {_OUTSIDE}"
        )

    def to_dict(self) -> dict[str, Any]:
        """The facts for the record of a run: ``epsilon`` stands there only if it holds."""
        holds = self.epsilon is not None and self.noise_seed is None
        return {
            "epsilon": self.epsilon if holds else None,
            "delta": self.delta if holds else None,
            "releases": self.releases,
            "noise_multiplier": self.noise_multiplier,
            "withheld": self.epsilon is not None,
            "statement": self.statement,
        }


def check_budget(epsilon: float | None, delta: float | None) -> None:
    """Raises unless both are given, and in range, or neither is.

    Raises:
        SettingError: if not.
    """
    if epsilon is None and delta is None:
        return
    if epsilon is None or delta is None:
        raise SettingError(
            f"`epsilon` and `delta` go together; got epsilon={epsilon}, delta={delta}. Delta should be well below one "
            f"in the number of rows. It is not taken from the rows, since their number is private too."
        )
    if not (math.isfinite(epsilon) and epsilon > 0):
        raise SettingError(f"`epsilon` must be a number above 0; got {epsilon}. Leave it out for a run without noise.")
    if not 0 < delta < 1:
        raise SettingError(f"`delta` must lie between 0 and 1; got {delta}.")


class VoteRelease:
    """Adds noise to votes, once.

    To draw noise again for the same votes would spend the budget again: the mean of two draws says more than one.
    So noisy votes are kept on disk under all that led to them, before anyone sees them, and a run that is killed and
    started again reads them there. Votes without noise are never written.

    Noise comes from the operating system, not from the run's seed: a public seed would let anybody subtract it. It is
    added in floating point and the sum is rounded to whole votes, so that the last bits of a number give nothing away.

    Args:
        guarantee: How much noise.
        key: Hash of the real rows and of all settings that decide the votes. It is private: it must not leave the
            machine.
    """

    def __init__(self, guarantee: Guarantee, key: str) -> None:
        self.guarantee = guarantee
        self.key = key

    def release(
        self, iteration: int, populations: Sequence[Sequence[str]], count: Callable[[], list[np.ndarray]]
    ) -> list[np.ndarray]:
        """Votes that may be seen.

        Args:
            iteration: Which release it is, from 1.
            populations: Texts that are voted on, class by class.
            count: Counts the votes, class by class; asked only if there is no release yet.

        Shape:
            returns: for each class (n_texts,), float64.

        Raises:
            SettingError: if the budget allows no further release.
            StorageError: if the cache cannot be written.
        """
        if self.guarantee.epsilon is None:
            return [np.asarray(votes, dtype=np.float64) for votes in count()]
        if not 1 <= iteration <= self.guarantee.releases:
            raise SettingError(f"release {iteration} is beyond the {self.guarantee.releases} that the budget is for.")
        folder = self._folder(iteration, populations)
        if not (folder / VOTES_FILE).is_file():
            votes = count()
            with cache_folder(folder) as scratch:
                write_json(scratch / VOTES_FILE, [self._noisy(v, iteration, i).tolist() for i, v in enumerate(votes)])
        # Read back even when just written: of two processes the first one's release is everybody's.
        kept = json.loads((folder / VOTES_FILE).read_text(encoding="utf-8"))
        return [np.asarray(votes, dtype=np.float64) for votes in kept]

    def _noisy(self, votes: np.ndarray, iteration: int, number: int) -> np.ndarray:
        sigma, seed = self.guarantee.noise_multiplier, self.guarantee.noise_seed
        if seed is not None:
            noise = np.random.default_rng([seed, iteration, number]).normal(0.0, sigma, len(votes))
        else:
            draw = SystemRandom()
            noise = np.asarray([draw.gauss(0.0, sigma) for _ in votes], dtype=np.float64)
        return np.rint(votes + noise)

    def _folder(self, iteration: int, populations: Sequence[Sequence[str]]) -> Path:
        facts = [self.key, iteration, [list(texts) for texts in populations]]
        facts += [self.guarantee.noise_multiplier, self.guarantee.noise_seed]
        digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
        return Path(datasets.config.HF_DATASETS_CACHE) / "condensers" / "votes" / digest
