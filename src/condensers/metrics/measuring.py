"""Many metrics at once, on rows that are embedded once."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from condensers.data import progress_bar
from condensers.errors import BudgetError, SettingError
from condensers.metrics.catalogue import METRICS
from condensers.metrics.inputs import TextSet
from condensers.metrics.resampling import Score, assess

# The first takes classes, the second a test set.
_APART = ("gradient_similarity", "decontamination")

STANDARD = tuple(name for name in METRICS if name not in _APART)
"""The metrics that are measured if none is named: they need no classes and compare with a source, not a test set."""

_logger = logging.getLogger(__name__)


def measure(
    predictions: TextSet,
    references: TextSet,
    names: Sequence[str] | None = None,
    *,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    n_resamples: int = 100,
    seed: int = 0,
    progress: bool = True,
) -> dict[str, Score]:
    """Scores a set against a reference set by several metrics.

    Args:
        predictions: The set to be judged.
        references: The set to compare with.
        names: Names of metrics, as in `METRICS`; None takes those of `STANDARD`, and leaves out with a warning those
            that the sets are too small for.
        settings: Settings of single metrics, by name.
        n_resamples: See `assess`.
        seed: Fixes all that is drawn.
        progress: Show a bar.

    Returns:
        Each score by its name.

    Raises:
        SettingError: if a name is unknown.
        BudgetError: if a set is too small for a metric that is named.
    """
    fitting = names is None
    names = list(STANDARD if names is None else names)
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        raise SettingError(f"there is no metric {unknown[0]!r}; there are {', '.join(METRICS)}.")
    found: dict[str, Score] = {}
    for name in progress_bar(names, desc="Metrics", unit="metric", shown=progress):
        try:
            comparison = METRICS[name].on(predictions, references, seed=seed, **(settings or {}).get(name, {}))
        except BudgetError as error:
            if not fitting:
                raise
            _logger.warning("%s is left out: %s", name, error)
            continue
        found |= assess(comparison, n_resamples=n_resamples, seed=seed)
    return found
