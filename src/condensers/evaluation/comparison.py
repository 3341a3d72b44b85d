"""Several methods at the same budget, judged by the same learners with the same seeds."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import Dataset

from condensers.data import Rows, read_rows
from condensers.embedding import Embedder, embed_texts
from condensers.errors import SettingError
from condensers.evaluation.learners import Learner
from condensers.evaluation.protocol import Scores, evaluate_rows
from condensers.evaluation.similarity import coverage_similarity
from condensers.methods import AutoCondenser, PreparedSource, RunRecord, placed_points, settings_for


@dataclass(frozen=True)
class MethodResult:
    """What one method made of a dataset, and what classifiers learned from it.

    Attributes:
        method: Name of the method.
        rows: The condensed rows of the first seed, with their provenance.
        vectors: Their vectors; shape (n, dim), float32.
        run: Record of the run with the first seed.
        scores: One a learner.
        similarity: Mean cosine of each source row to its nearest condensed row of its class, averaged over seeds.
        seconds: Mean wall time of condensing, the embedding pass left out, since all methods share it.
        points: Where each row should sit, for methods that write texts for points (`placed_points`); shape (n, dim).
    """

    method: str
    rows: Dataset
    vectors: np.ndarray
    run: RunRecord
    scores: tuple[Scores, ...]
    similarity: float | None
    seconds: float
    points: np.ndarray | None = None


def compare_methods(
    prepared: PreparedSource,
    test: Rows,
    methods: Sequence[str],
    learners: Mapping[str, tuple[Learner, Sequence[int]]],
    *,
    embedder: Embedder,
    settings: Mapping[str, Any],
    on_progress: Callable[[str], None] = lambda message: None,
) -> list[MethodResult]:
    """Condenses with each method and trains each learner on the result.

    Seed s is the seed of the condenser and of the learner, so run s of two methods is a pair; a method without
    randomness condenses once. No test row is seen before the learners are trained.

    Args:
        prepared: Source rows, read and embedded once for all methods.
        test: Test rows, coded by the classes of `prepared`.
        methods: Names of the methods.
        learners: Each learner with its seeds, by name.
        embedder: What `prepared` was embedded with.
        settings: Settings of the condensers, the budget among them; each method takes those that it has. With `weight`
            among them, learners weight the rows.
        on_progress: Called with a line before each step that takes time.

    Raises:
        SettingError: if a method does not exist, or no method has a setting.
        BudgetError: if the budget cannot be met.
    """
    unknown = [name for name in settings if not any(settings_for(method, {name: None}) for method in methods)]
    if unknown:
        raise SettingError(f"none of the methods {', '.join(methods)} has the setting(s) {', '.join(unknown)}.")
    results = []
    for method in methods:
        weighted = "weight" in settings_for(method, settings) and settings["weight"] is not None
        all_seeds = sorted({seed for _, seeds in learners.values() for seed in seeds} or {0})
        on_progress(f"{method}: condensing")
        condensed = _condense_all(method, prepared, all_seeds, embedder, settings)
        first = condensed[all_seeds[0]]
        by_seed = {seed: _as_rows(entry.rows, prepared) for seed, entry in condensed.items()}
        scores = []
        for name, (learner, seeds) in learners.items():
            on_progress(f"{method}: training {name} {len(seeds)} times")
            scores.append(
                evaluate_rows([by_seed[seed] for seed in seeds], test, learner, seeds=seeds, weighted=weighted)
            )
        results.append(
            MethodResult(
                method=method,
                rows=first.rows,
                vectors=first.vectors,
                run=first.run,
                scores=tuple(scores),
                similarity=float(np.mean([entry.similarity for entry in condensed.values()])),
                seconds=float(np.mean([entry.seconds for entry in condensed.values()])),
                points=first.points,
            )
        )
    return results


def train_on_all_rows(
    prepared: PreparedSource,
    test: Rows,
    learners: Mapping[str, tuple[Learner, Sequence[int]]],
    *,
    on_progress: Callable[[str], None] = lambda message: None,
) -> tuple[Scores, ...]:
    """What each learner reaches with the whole source, which condensed rows are to come near.

    Each is trained once, with the first of its seeds: all rows leave less to chance than few, and cost more.

    Args:
        prepared: Source rows.
        test: Test rows, coded by the classes of `prepared`.
        learners: Each learner with its seeds, by name.
        on_progress: Called with a line before each training.
    """
    found = []
    for name, (learner, seeds) in learners.items():
        on_progress(f"all {len(prepared.rows):,} rows: training {name}")
        found.append(evaluate_rows(prepared.rows, test, learner, seeds=seeds[:1]))
    return tuple(found)


@dataclass(frozen=True)
class _Entry:
    rows: Dataset
    vectors: np.ndarray
    run: RunRecord
    similarity: float
    seconds: float
    points: np.ndarray | None


def _condense_all(
    method: str, prepared: PreparedSource, seeds: Sequence[int], embedder: Embedder, settings: Mapping[str, Any]
) -> dict[int, _Entry]:
    entries: dict[int, _Entry] = {}
    for seed in seeds:
        condenser = AutoCondenser.from_method(
            method, embedder=embedder, **settings_for(method, {**settings, "seed": seed})
        )
        if entries and condenser.deterministic:
            entries[seed] = entries[seeds[0]]
            continue
        began = time.perf_counter()
        rows = condenser.condense(prepared)
        seconds = time.perf_counter() - began
        read = _as_rows(rows, prepared)
        vectors = embed_texts(read.texts, embedder, progress=False).vectors[:]
        similarity = coverage_similarity(prepared.vectors, vectors, prepared.rows.codes, read.codes)
        entries[seed] = _Entry(rows, vectors, condenser.run_, similarity, seconds, placed_points(condenser))
    return entries


def _as_rows(dataset: Dataset, prepared: PreparedSource) -> Rows:
    return read_rows(dataset, prepared.columns, class_names=prepared.rows.class_names or None)
