"""Figures 4 to 7 of the paper, of one's own run."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from condensers.errors import MissingDependencyError, RowError
from condensers.trainers.weight_diagnostics import RowWeights, group_means, load_weights

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TITLES = {
    "quality": "Quality checker $P'(y|x)$",
    "diversity": "Diversity checker",
    "weight": "Weight",
}


def plot_weights(weights: RowWeights | str | os.PathLike[str], groups: Sequence[str] | None = None) -> "Figure":
    """Draws mean checker scores and weights by group of rows (IMP-Loss, Appendix G.3).

    One pass (IMP-Loss) gives bars, as in Figures 4 and 5; several (DIMP-Loss, one an epoch) give lines over epochs, as
    in Figures 6 and 7.

    Args:
        weights: The weights, or the folder ``importance_weights`` of a run.
        groups: The group of each row, such as the column ``part`` of the training rows; None takes those that are kept
            with the weights, or one group of all rows.

    Raises:
        RowError: if `groups` has another length than the weights, or no weights were recorded yet.
        SourceNotFoundError: if the folder holds no weights.
        MissingDependencyError: if matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  (optional)
    except ImportError as error:
        raise MissingDependencyError("plots need matplotlib; run `pip install matplotlib`.") from error
    rows = weights if isinstance(weights, RowWeights) else load_weights(weights)[0]
    n_passes, n_rows = rows.weights.shape
    if n_passes == 0:
        raise RowError("no weights were recorded yet; plot them after an epoch of training.")
    if groups is None:
        groups = rows.groups or ["all rows"] * n_rows
    if len(groups) != n_rows:
        raise RowError(f"`groups` must name the group of each of {n_rows} rows; got {len(groups)}.")
    passes = [group_means(rows, groups, number=number) for number in range(n_passes)]
    whats = [what for what in _TITLES if what in next(iter(passes[0].values()))]
    if n_passes == 1:
        figure = Figure(figsize=(6, 4), layout="constrained")
        _draw_bars(figure.subplots(), passes[0], whats)
        figure.legend(loc="outside upper center", ncols=len(whats))
    else:
        whats = [what for what in whats if what != "quality"]
        figure = Figure(figsize=(5 * len(whats), 4), layout="constrained")
        for axes, what in zip(np.atleast_1d(figure.subplots(1, len(whats))), whats, strict=True):
            _draw_lines(axes, passes, what)
    return figure


def _draw_bars(axes: Any, means: dict[str, dict[str, float]], whats: list[str]) -> None:  # noqa: ANN401
    places = np.arange(len(means))
    width = 0.8 / len(whats)
    for number, what in enumerate(whats):
        heights = [group[what] for group in means.values()]
        bars = axes.bar(places + (number - (len(whats) - 1) / 2) * width, heights, width, label=_TITLES[what])
        axes.bar_label(bars, fmt="%.2f", padding=2)
    axes.set_xticks(places, list(means))
    axes.set_ylabel("mean over rows")
    axes.margins(y=0.1)


def _draw_lines(axes: Any, passes: list[dict[str, dict[str, float]]], what: str) -> None:  # noqa: ANN401
    for group in passes[0]:
        axes.plot(range(1, len(passes) + 1), [means[group][what] for means in passes], marker="o", label=group)
    axes.set_xticks(range(1, len(passes) + 1))
    axes.set_xlabel("epoch")
    axes.set_ylabel("mean over rows")
    axes.set_title(_TITLES[what])
    axes.legend()
