"""Reward matching: which rows are worth condensing, and which written rows are worth keeping."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from datasets import Dataset

from condensers.data import alone
from condensers.methods.components import seeded
from condensers.methods.guided_rounds import Guide, Kept
from condensers.methods.reward_models import (
    RewardModel,
    class_probabilities,
    own_probabilities,
    source_reward_rows,
    written_reward_rows,
)
from condensers.methods.source import PreparedSource
from condensers.methods.writing import Events, Subset, Written
from condensers.placement import KMeansCentroids
from condensers.selection import KCenter, nearest_rows

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rewards:
    """Rewards of some rows (Section 2.4); None for one that an ablation leaves out.

    Shape:
        representability: (n_rows,), in [0, 1]: Eq. 1.
        coverage: (n_rows,), in [-1, 1]: Eq. 2.
    """

    representability: np.ndarray | None
    coverage: np.ndarray | None
    n_rows: int

    def passing(self, min_representability: float, min_coverage: float) -> np.ndarray:
        """Which rows have high rewards (Eq. 3); shape (n_rows,), bool."""
        passing = np.ones(self.n_rows, dtype=bool)
        if self.representability is not None:
            passing &= self.representability >= min_representability
        if self.coverage is not None:
            passing &= self.coverage >= min_coverage
        return passing

    def score(self, weight: float) -> np.ndarray:
        r"""The weighted reward :math:`R_{rep} + w R_{cov}` (Eq. 4); shape (n_rows,)."""
        score = np.zeros(self.n_rows)
        if self.representability is not None:
            score += self.representability
        if self.coverage is not None:
            score += weight * self.coverage
        return score


def rewards_of(p_representability: np.ndarray | None, p_coverage: np.ndarray | float | None, n_rows: int) -> Rewards:
    r"""Rewards from the confidence of both models in each row's label.

    .. math:: R_{rep} = M_{rep}(x)_y, \qquad R_{cov} = M_{rep}(x)_y - M_{cov}(x)_y

    Without a representability model, which the paper does not spell out, the label itself stands in for it:
    :math:`R_{cov} = 1 - M_{cov}(x)_y`.

    Shape:
        p_representability: (n_rows,), or None without that model.
        p_coverage: (n_rows,), one number for all rows (the prior of round 1), or None without that model.
    """
    coverage = None
    if p_coverage is not None:
        best = np.ones(n_rows) if p_representability is None else p_representability
        coverage = best - p_coverage
    return Rewards(p_representability, coverage, n_rows)


class RewardMatching(Guide):
    """Guides rounds by representability and coverage (Algorithm 1).

    Args:
        prepared: The source rows.
        representability: Fitted on the source; None leaves it out.
        fit_coverage: Fits the coverage model on what is condensed so far; None leaves it out. In round 1 there is
            nothing to fit it on, and the uniform prior over the classes stands in for it.
        min_representability: Threshold of Eq. 3.
        min_coverage: Threshold of Eq. 3.
        weight: w of Eq. 4.
        seed: Of k-means.
        events: Where relaxed thresholds are counted.
    """

    def __init__(
        self,
        prepared: PreparedSource,
        *,
        representability: RewardModel | None,
        fit_coverage: Callable[[Dataset], RewardModel] | None,
        min_representability: float,
        min_coverage: float,
        weight: float,
        seed: int,
        events: Events,
    ) -> None:
        self.prepared = prepared
        self.representability = representability
        self.fit_coverage = fit_coverage
        self.min_representability = min_representability
        self.min_coverage = min_coverage
        self.weight = weight
        self.seed = seed
        self.events = events
        self._source = source_reward_rows(prepared.rows)
        self._p_representability = self._confidence(representability, self._source, progress=True)
        self._coverage: tuple[int, RewardModel] | None = None
        self._centroids: dict[tuple[int, int], np.ndarray] = {}
        self._taken: dict[int, set[int]] = {}

    def retrieve(self, size: int, kept: Sequence[Kept]) -> Subset:
        """Rows of high reward, spread over what such rows there are; see `Guide.retrieve`.

        K-Center within the rows that pass both thresholds; where fewer than `size` pass, the rows of the highest
        weighted reward, with a warning. Without coverage, k-means is run once and each round takes the rows nearest to
        its centroids that no round has taken (Section 3.3.1).
        """
        p_coverage = self._source_coverage(kept)
        rewards = rewards_of(self._p_representability, p_coverage, len(self.prepared.rows))
        passing = rewards.passing(self.min_representability, self.min_coverage)
        score = rewards.score(self.weight)
        subset, relaxed = {}, []
        for code, positions in self.prepared.rows.by_class():
            n = min(size, len(positions))
            good = positions[passing[positions]]
            if len(good) < n:
                relaxed.append(f"{len(good)} of {len(positions)} rows of {self.prepared.rows.class_name(code)!r}")
                subset[code] = positions[np.argsort(-score[positions], kind="stable")[:n]]
            elif self.fit_coverage is None:
                subset[code] = self._next_of_clusters(code, good, n)
            else:
                chosen = seeded(KCenter(), self.seed, code).select(self.prepared.vectors.rows(good), n)
                subset[code] = good[chosen]
        if relaxed:
            self.events.steps["thresholds_relaxed"] += len(relaxed)
            _logger.warning(
                "The thresholds (representability %g, coverage %g) leave %s; the %d of the highest reward are taken.",
                self.min_representability,
                self.min_coverage,
                ", ".join(relaxed),
                size,
            )
        return subset

    def rewards(self, rows: Sequence[Written], kept: Sequence[Kept]) -> np.ndarray:
        """The weighted reward of each row (Eq. 4)."""
        dataset = self._written(rows)
        p_coverage: np.ndarray | float | None = None
        if self.fit_coverage is not None:
            model = self._coverage_model(kept)
            p_coverage = self._prior if model is None else self._confidence(model, dataset)
        return rewards_of(self._confidence(self.representability, dataset), p_coverage, len(rows)).score(self.weight)

    @property
    def _prior(self) -> float:
        return 1.0 / len(self.prepared.rows.class_counts)

    def _source_coverage(self, kept: Sequence[Kept]) -> np.ndarray | float | None:
        if self.fit_coverage is None:
            return None
        model = self._coverage_model(kept)
        return self._prior if model is None else self._confidence(model, self._source)

    def _coverage_model(self, kept: Sequence[Kept]) -> RewardModel | None:
        if not kept or self.fit_coverage is None:
            return None
        if self._coverage is None or self._coverage[0] != len(kept):
            self._coverage = (len(kept), self.fit_coverage(self._written([each.row for each in kept])))
        return self._coverage[1]

    def _written(self, rows: Sequence[Written]) -> Dataset:
        source = self.prepared.rows
        return written_reward_rows(
            [row.text for row in rows], [row.code for row in rows], source.columns, source.class_names
        )

    def _confidence(self, model: RewardModel | None, rows: Dataset, *, progress: bool = False) -> np.ndarray | None:
        return None if model is None else own_probabilities(class_probabilities(model, rows, progress=progress), rows)

    def _next_of_clusters(self, code: int, good: np.ndarray, n: int) -> np.ndarray:
        vectors = self.prepared.vectors.rows(good)
        if (code, n) not in self._centroids:
            with alone():  # what a language model replied may differ between processes
                self._centroids[code, n] = seeded(KMeansCentroids(), self.seed, code).place(vectors, n)
        taken = self._taken.setdefault(code, set())
        free = np.asarray([i for i in good.tolist() if i not in taken], dtype=np.int64)
        if len(free) < n:
            taken.clear()
            free = good
        chosen = free[nearest_rows(self._centroids[code, n], self.prepared.vectors.rows(free))]
        taken.update(chosen.tolist())
        return chosen
