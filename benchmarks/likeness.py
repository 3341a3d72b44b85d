"""How like a reference set a written set is, as benchmarks keep and print it."""

from collections.abc import Sequence
from typing import Any

from condensers.metrics import Score, TextSet, measure


def likeness(texts: TextSet, references: TextSet, metrics: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Scores by name, each with where true samples of the same size fall."""
    found = measure(texts, references, metrics, progress=False)
    return {name: _plain(score) for name, score in found.items()}


def bracketed(score: dict[str, Any], value: str | None = None) -> str:
    """A score, or what is said in its place, and where 90 % of true samples fall."""
    low, high = score["null_low"], score["null_high"]
    said = f"{score['value']:.3f}" if value is None else value
    return said if low is None else f"{said} [{low:.3f}, {high:.3f}]"


def _plain(score: Score) -> dict[str, Any]:
    names = ("value", "null_low", "null_high", "informative")
    return {name: getattr(score, name) for name in names}
