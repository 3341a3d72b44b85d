"""How many rows are enough, measured on a held-out part of the training rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from condensers.embedding import Embedded, Vectors
from condensers.errors import BudgetError, SettingError
from condensers.methods.budget_curve import BudgetCurve, BudgetPoint
from condensers.methods.logistic import fit_logistic
from condensers.methods.source import PreparedSource

SIZES = (1, 2, 5, 10, 20, 50, 100)
TOLERANCE = 0.01
N_SEEDS = 5
_SHARE = 0.2
# More than these would make the curve no smoother.
_MAX_HELD_OUT, _MAX_TRAIN = 2_000, 50_000

Score = Callable[[PreparedSource, PreparedSource, int, int], float]
"""Condenses the first rows to so many a class with a seed, trains on them, and gives the accuracy on the second."""


def measure_budgets(
    prepared: PreparedSource,
    score: Score,
    *,
    method: str,
    judge: str,
    sizes: Sequence[int] | None = None,
    n_seeds: int = N_SEEDS,
    tolerance: float = TOLERANCE,
) -> BudgetCurve:
    """Measures what condensed rows are worth at several sizes.

    Each seed holds out another fifth of the rows of each class (2,000 in all at most), condenses the rest (50,000 at
    most) at each size, and tests on what was held out. No test split is touched.

    Args:
        prepared: Labelled training rows.
        score: Condenses, trains and tests.
        method: What `score` condenses with.
        judge: What it trains.
        sizes: Rows a class, three different ones at least; None takes 1, 2, 5, 10, 20, 50 and 100 as far as the
            smallest class has so many.
        n_seeds: Splits, each with a seed of its own.
        tolerance: See `BudgetCurve`.

    Raises:
        BudgetError: if the rows have no labels, or a class has too few rows for three sizes or for those asked for.
        SettingError: if there are no seeds, or the tolerance is not within (0, 1).
    """
    if n_seeds < 1 or not 0 < tolerance < 1:
        raise SettingError(
            f"`n_seeds` must be at least 1 and `tolerance`, a share, within (0, 1); got {n_seeds} and {tolerance}."
        )
    room = _room(prepared)
    chosen = [n for n in SIZES if n <= room] if sizes is None else sorted(set(sizes))
    if len(chosen) < 3 or chosen[0] < 1 or chosen[-1] > room:
        raise BudgetError(
            f"a curve needs three sizes at least, of 1 to {room} rows a class, which is what the smallest class "
            f"leaves when some of it is held out; got {', '.join(map(str, chosen)) or 'none'}. Give a "
            f"number."
        )
    found: dict[int, list[float]] = {n: [] for n in chosen}
    for seed in range(n_seeds):
        train, held_out = split_rows(prepared, seed)
        for n in chosen:
            found[n].append(score(train, held_out, n, seed))
    return BudgetCurve(
        points=tuple(BudgetPoint(n, tuple(accuracy)) for n, accuracy in found.items()),
        tolerance=tolerance,
        method=method,
        judge=judge,
        n_train=len(train.rows),
        n_held_out=len(held_out.rows),
    )


def split_rows(prepared: PreparedSource, seed: int) -> tuple[PreparedSource, PreparedSource]:
    """Splits labelled rows, class by class, into those to condense and those held out."""
    rng = np.random.default_rng(seed)
    n_rows = len(prepared.rows)
    train, held_out = [], []
    for _, positions in prepared.rows.by_class():
        order = rng.permutation(positions)
        n_held = _n_held_out(len(order), n_rows)
        held_out.append(order[:n_held])
        train.append(order[n_held : n_held + _n_train(len(order), n_rows)])
    return _part(prepared, np.sort(np.concatenate(train))), _part(prepared, np.sort(np.concatenate(held_out)))


def probe_accuracy(train: PreparedSource, positions: np.ndarray, held_out: PreparedSource) -> float:
    """Accuracy on held-out rows of a logistic regression on the vectors of a few rows.

    Shape:
        positions: (n,), int64, places in `train`.
    """
    model = fit_logistic(train.vectors[positions], train.rows.codes[positions], None, 1.0)
    return float(np.mean(model.predict(held_out.vectors[:]) == held_out.rows.codes))


def _n_held_out(n: int, n_rows: int) -> int:
    return max(1, round(n * min(_SHARE, _MAX_HELD_OUT / n_rows)))


def _n_train(n: int, n_rows: int) -> int:
    return max(1, min(n - _n_held_out(n, n_rows), round(n * _MAX_TRAIN / n_rows)))


def _room(prepared: PreparedSource) -> int:
    """Rows of the smallest class that are not held out."""
    counts: Mapping[int, int] = prepared.rows.class_counts
    if len(counts) < 2:
        raise BudgetError(
            "the size is chosen by how well classes are told apart, and these rows have no labels. Give the budget as "
            "a number."
        )
    n_rows = len(prepared.rows)
    return min(min(n - _n_held_out(n, n_rows), _n_train(n, n_rows)) for n in counts.values())


def _part(prepared: PreparedSource, positions: np.ndarray) -> PreparedSource:
    vectors = Vectors([prepared.vectors[positions]])
    embedded = Embedded(vectors, n_computed=0, seconds=0.0)
    return replace(prepared, rows=prepared.rows.select(positions), embedded=embedded, n_duplicates=0)
