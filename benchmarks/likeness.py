"""How like a reference set a written set is, as benchmarks keep and print it."""

from collections.abc import Sequence
from typing import Any

from condensers.metrics import Score, TextSet, measure


def likeness(texts: TextSet, references: TextSet, metrics: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Scores by name, each with where true samples of the same size fall."""
    found = measure(texts, references, metrics, progress=False)
    return {name: _plain(score) for name, score in found.items()}


def _plain(score: Score) -> dict[str, Any]:
    names = ("value", "null_low", "null_high", "informative")
    return {name: getattr(score, name) for name in names}
