"""All metrics by name: what each reads, and how its comparison is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any, Literal

from condensers.embedding import Matrix
from condensers.errors import SettingError
from condensers.metrics.buckets import BucketComparison, quantise
from condensers.metrics.contamination import Contamination
from condensers.metrics.divergences import kl_divergence, mauve, total_variation
from condensers.metrics.gaussians import GaussianComparison
from condensers.metrics.gradients import GradientSimilarity
from condensers.metrics.inputs import TextSet
from condensers.metrics.memorisation import NgramOverlap
from condensers.metrics.neighbours import DensityCoverage, PrecisionRecall
from condensers.metrics.resampling import Comparison
from condensers.metrics.variety import Diversity
from condensers.metrics.wasserstein import bucket_wasserstein

# Of a pseudo-row in each bucket of the references, so that no divergence is infinite.
_PSEUDO_COUNT = 0.5


@dataclass(frozen=True)
class MetricKind:
    """One entry of the catalogue.

    Attributes:
        reads: Whether it compares vectors, texts, or both; or texts with their classes, which go in as settings.
        scores: The numbers it returns, and which way each is better: 1 up, -1 down.
        compare: Makes the comparison from what it reads of both sets; takes the metric's own settings.
    """

    reads: Literal["vectors", "texts", "both", "labelled"]
    scores: Mapping[str, int]
    compare: Callable[..., Comparison]

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of the metric's own settings."""
        given = ("predictions", "references", "prediction_vectors", "reference_vectors", "seed")
        return tuple(name for name in signature(self.compare).parameters if name not in given)

    def on(
        self,
        predictions: TextSet,
        references: TextSet,
        *,
        seed: int = 0,
        **settings: Any,  # noqa: ANN401
    ) -> Comparison:
        """Makes the comparison of two sets.

        Args:
            predictions: The set to be judged.
            references: The set to compare with.
            seed: Fixes what is drawn.
            **settings: The metric's own.

        Raises:
            SettingError: if the metric has no setting of that name.
            BudgetError: if a set is too small for it.
        """
        unknown = [name for name in settings if name not in self.settings]
        if unknown:
            raise SettingError(f"there is no setting {unknown[0]!r}; there are {', '.join(self.settings) or 'none'}.")
        if "seed" in signature(self.compare).parameters:
            settings["seed"] = seed
        if self.reads == "vectors" and (predictions.vectors is None or references.vectors is None):
            raise SettingError("this metric compares vectors, and the texts come without; embed them first.")
        if self.reads == "vectors":
            return self.compare(predictions.vectors, references.vectors, **settings)
        if self.reads in ("both", "labelled") and predictions.vectors is not None:
            settings |= {"prediction_vectors": predictions.vectors, "reference_vectors": references.vectors}
        return self.compare(predictions.texts, references.texts, **settings)


def _mauve(
    predictions: Matrix,
    references: Matrix,
    *,
    n_buckets: int | None = None,
    scaling: float = 5.0,
    together: bool = False,
    seed: int = 0,
) -> Comparison:
    if not scaling > 0:
        raise SettingError(f"`scaling` must be above 0; got {scaling!r}.")
    buckets = quantise(predictions, references, n_buckets=n_buckets, together=together, seed=seed)
    return BucketComparison(buckets, lambda p, q, _: {"mauve": mauve(p, q, scaling=scaling)})


def _kl(
    predictions: Matrix, references: Matrix, *, n_buckets: int | None = None, together: bool = False, seed: int = 0
) -> Comparison:
    buckets = quantise(predictions, references, n_buckets=n_buckets, together=together, seed=seed)
    pseudo = _PSEUDO_COUNT * buckets.n_buckets
    smoothing = pseudo / (pseudo + references.shape[0])
    return BucketComparison(buckets, lambda p, q, _: {"kl": kl_divergence(p, q, smoothing=smoothing)})


def _total_variation(
    predictions: Matrix, references: Matrix, *, n_buckets: int | None = None, together: bool = False, seed: int = 0
) -> Comparison:
    buckets = quantise(predictions, references, n_buckets=n_buckets, together=together, seed=seed)
    return BucketComparison(buckets, lambda p, q, _: {"total_variation": total_variation(p, q)})


def _wasserstein(
    predictions: Matrix,
    references: Matrix,
    *,
    n_buckets: int | None = None,
    regularization: float | None = None,
    together: bool = False,
    seed: int = 0,
) -> Comparison:
    if regularization is not None and not regularization > 0:
        raise SettingError(f"`regularization` must be above 0, or None; got {regularization!r}.")
    buckets = quantise(predictions, references, n_buckets=n_buckets, together=together, seed=seed)
    return BucketComparison(buckets, bucket_wasserstein(predictions.shape[0], buckets.n_buckets, regularization))


METRICS: dict[str, MetricKind] = {
    "mauve": MetricKind("vectors", {"mauve": 1}, _mauve),
    "kl": MetricKind("vectors", {"kl": -1}, _kl),
    "total_variation": MetricKind("vectors", {"total_variation": -1}, _total_variation),
    "wasserstein": MetricKind("vectors", {"wasserstein": -1}, _wasserstein),
    "fid": MetricKind("vectors", {"fid": -1}, GaussianComparison),
    "precision_recall": MetricKind("vectors", {"precision": 1, "recall": 1, "f1": 1}, PrecisionRecall),
    "density_coverage": MetricKind("vectors", {"density": 1, "coverage": 1}, DensityCoverage),
    "ngram_overlap": MetricKind(
        "both", {"unigram_overlap": -1, "bigram_overlap": -1, "verbatim_copies": -1, "near_copies": -1}, NgramOverlap
    ),
    "decontamination": MetricKind(
        "texts", {"ngram_contaminated": -1, "word_overlap": -1, "word_overlap_above_40": -1}, Contamination
    ),
    "diversity": MetricKind(
        "both",
        {
            "distinct_1": 1,
            "distinct_2": 1,
            "distinct_3": 1,
            "self_bleu": -1,
            "vendi_score": 1,
            "vendi_share": 1,
        },
        Diversity,
    ),
    "gradient_similarity": MetricKind("labelled", {"gradient_similarity": 1}, GradientSimilarity),
}
