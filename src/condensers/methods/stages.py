"""What the stages of a run did, point by point, small enough for its record."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from condensers.llm import Events
from condensers.methods.written_rows import WrittenRows
from condensers.placement import ParticleRun

# Records of a class's particles that are kept, the first and the last among them.
_N_RECORDS = 30


def placing_record(runs: Mapping[str, ParticleRun]) -> dict[str, Any]:
    """How the points of each class came to lie: moves, whether they had settled, and the Stein discrepancy on the way.

    Returns:
        For each class ``steps``, ``converged`` and ``discrepancy``, pairs of a step and the kernel Stein discrepancy;
        none for placements that are no descent.
    """
    return {
        name: {"steps": run.steps, "converged": run.converged, "discrepancy": _discrepancy(run)}
        for name, run in runs.items()
    }


def writing_record(written: WrittenRows, there: np.ndarray, events: Events) -> dict[str, Any]:
    """How the texts came about: the cosine of each to its point, stage by stage, and what was counted.

    Shape:
        there: (n_rows,), int64, the points whose text is in the condensed set.
    """
    history = written.history[:, there]
    return {
        "cosine": [[None if np.isnan(v) else round(float(v), 4) for v in stage] for stage in history],
        "source_rows": np.flatnonzero(written.from_source[there]).tolist(),
        "stopped": written.stopped,
        "events": events.to_dict(),
    }


def _discrepancy(run: ParticleRun) -> list[list[float]]:
    n = len(run.history)
    kept = np.unique(np.linspace(0, n - 1, min(n, _N_RECORDS)).round().astype(int)).tolist()
    return [[run.history[i].step, float(f"{run.history[i].discrepancy:.4g}")] for i in kept]
