"""How far a score can be trusted: where true samples of the same size fall, and how much the score itself varies."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from condensers.errors import SettingError

# Percentiles of both the null distribution and the bootstrap.
LOW, HIGH = 5.0, 95.0

Values = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Score:
    """A score and what it is worth.

    Attributes:
        value: The score.
        low: Lower end of the 90% bootstrap interval.
        high: Upper end.
        null_mean: Mean score of true samples: fresh rows of the references' law, as many as there are predictions.
        null_low: 5th percentile of their scores.
        null_high: 95th percentile.
        informative: Whether a set that is wrong by design, of the same size, scores outside the null distribution. If
            not, the score says nothing at this size.
    """

    value: float
    low: float
    high: float
    null_mean: float
    null_low: float
    null_high: float
    informative: bool

    @property
    def like_a_sample(self) -> bool:
        """Whether the score lies where 90% of the true samples do."""
        return self.null_low <= self.value <= self.null_high

    def verdict(self, better: int) -> str:
        """The comparison with true samples, in a few words.

        Args:
            better: 1 if a higher score is better, -1 if a lower one is.
        """
        if not self.informative:
            return "says nothing at this size"
        if self.like_a_sample:
            return "like a true sample"
        return f"{'better' if better * (self.value - self.null_mean) > 0 else 'worse'} than true samples"


class Comparison(Protocol):
    """Scores sets of rows against one reference set; what metrics implement.

    Each method returns several numbers by name, so that scores that share their work, such as precision and recall,
    come from one pass.
    """

    n_references: int

    def value(self) -> Mapping[str, float]:
        """Scores of the predictions."""
        ...

    def bootstrap(self, n: int, rng: np.random.Generator) -> Values:
        """Scores of resamples of both sets with replacement; shape (n,) each."""
        ...

    def null(self, n: int, rng: np.random.Generator) -> Values:
        """Scores of fresh rows of the references' law, as many as are judged; shape (n,) each."""
        ...

    def foil(self, rng: np.random.Generator) -> Mapping[str, float]:
        """Scores of a set of the same size that is wrong by design."""
        ...


def assess(comparison: Comparison, *, n_resamples: int = 100, seed: int = 0) -> dict[str, Score]:
    """Scores predictions, and puts beside each score its bootstrap interval and the null distribution.

    The interval is that of the bootstrap's percentiles, moved so that its mean is the score: a resample repeats rows
    and so has less variety than the set it is drawn from, which in a small set shifts every score by more than its
    spread.

    Args:
        comparison: What is compared and how.
        n_resamples: Resamples for the interval, and as many true samples for the null distribution.
        seed: Fixes both.

    Raises:
        SettingError: if `n_resamples` is below 20, too few for a 5th percentile.
    """
    if n_resamples < 20:
        raise SettingError(f"`n_resamples` must be at least 20, or a 5th percentile means nothing; got {n_resamples}.")
    streams = [np.random.default_rng([seed, number]) for number in range(3)]
    values = comparison.value()
    boot = comparison.bootstrap(n_resamples, streams[0])
    null = comparison.null(n_resamples, streams[1])
    foil = comparison.foil(streams[2])
    found = {}
    for name, value in values.items():
        low, high = value + np.percentile(boot[name], [LOW, HIGH]) - boot[name].mean()
        null_low, null_high = np.percentile(null[name], [LOW, HIGH])
        found[name] = Score(
            value=float(value),
            low=float(low),
            high=float(high),
            null_mean=float(null[name].mean()),
            null_low=float(null_low),
            null_high=float(null_high),
            informative=not bool(null_low <= foil[name] <= null_high),
        )
    return found


def flat(scores: Mapping[str, Score]) -> dict[str, Any]:
    """One level of names, as results of `evaluate` are: ``mauve``, ``mauve_low``, ``mauve_null_mean``, ..."""
    return {
        name if field == "value" else f"{name}_{field}": number
        for name, score in scores.items()
        for field, number in asdict(score).items()
    }


def resample_counts(shares: np.ndarray, n_rows: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Shares of buckets in bootstrap resamples of `n_rows` rows.

    Shape:
        shares: (n_buckets,), 1 in sum; returns: (n, n_buckets).
    """
    return rng.multinomial(n_rows, shares / shares.sum(), size=n) / n_rows
