"""Metrics: how like a reference set a small set of texts is, and what such a number is worth at that size."""

from condensers.metrics.buckets import sample_positions
from condensers.metrics.catalogue import METRICS, MetricKind
from condensers.metrics.inputs import TextSet, as_texts, as_vectors
from condensers.metrics.location import metric
from condensers.metrics.measuring import STANDARD, measure
from condensers.metrics.resampling import Comparison, Score, assess, flat

__all__ = [
    "METRICS",
    "STANDARD",
    "Comparison",
    "MetricKind",
    "Score",
    "TextSet",
    "as_texts",
    "as_vectors",
    "assess",
    "flat",
    "measure",
    "metric",
    "sample_positions",
]
