"""What became of the weights: numbers to log, files to keep."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from condensers.data import new_folder, write_json
from condensers.errors import SourceNotFoundError

FOLDER = "importance_weights"
QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)


@dataclass(frozen=True)
class RowWeights:
    """The weight of each training row, and what it is made of.

    IMP-Loss has one pass, DIMP-Loss one an epoch: what the live model said when the row was last seen. Rows that a
    pass did not see (a resumed epoch, a dropped last batch) are NaN there.

    Attributes:
        weights: Weights after clipping and before any normalisation.
        quality: log P'(y | x) of the quality checker; None when weights came ready-made.
        diversity: log-probability under the diversity checker; None when there is none.
        groups: The group of each row, such as its source; None when rows are not grouped.

    Shape:
        weights: (n_passes, n_rows), float32.
        quality: (n_rows,), float32.
        diversity: (n_passes, n_rows), float32.
    """

    weights: np.ndarray
    quality: np.ndarray | None = None
    diversity: np.ndarray | None = None
    groups: tuple[str, ...] | None = None


@dataclass(frozen=True)
class WeightDiagnostics:
    """A summary of the weights of one pass.

    Attributes:
        n_rows: Rows that the pass saw.
        mean: Mean weight.
        quantiles: Weight by quantile, from the least to the largest.
        effective_sample_size: (sum w)^2 / sum w^2, the number of equally weighted rows that tell as much.
        share_clipped: Share of rows whose weight is the largest allowed.
        groups: Mean weight, and mean probability of the label under each checker, by group of rows.
    """

    n_rows: int
    mean: float
    quantiles: dict[str, float]
    effective_sample_size: float
    share_clipped: float
    groups: dict[str, dict[str, float]]

    def logs(self) -> dict[str, float]:
        """The few numbers that go to the training log."""
        return {
            "weight_mean": self.mean,
            "weight_median": self.quantiles["0.5"],
            "weight_max": self.quantiles["1.0"],
            "weight_effective_share": self.effective_sample_size / self.n_rows,
            "weight_clipped_share": self.share_clipped,
            **{f"weight_mean_{group}": means["weight"] for group, means in self.groups.items()},
        }


def diagnose_weights(rows: RowWeights, *, number: int = -1, max_weight: float | None = None) -> WeightDiagnostics:
    """Summarises one pass.

    Args:
        rows: The weights.
        number: Which pass.
        max_weight: The largest weight allowed.
    """
    weights = rows.weights[number].astype(np.float64)
    weights = weights[~np.isnan(weights)]
    squares = float(np.square(weights).sum())
    # Weights are float32, the limit is not.
    clipped = weights >= max_weight * (1 - 1e-6) if max_weight is not None else np.zeros(1)
    return WeightDiagnostics(
        n_rows=len(weights),
        mean=float(weights.mean()),
        quantiles={str(q): float(value) for q, value in zip(QUANTILES, np.quantile(weights, QUANTILES), strict=True)},
        effective_sample_size=float(weights.sum()) ** 2 / squares if squares else 0.0,
        share_clipped=float(clipped.mean()),
        groups=group_means(rows, rows.groups, number=number),
    )


def group_means(rows: RowWeights, groups: Sequence[str] | None, *, number: int = -1) -> dict[str, dict[str, float]]:
    """Means of weight, P'(y | x) and the diversity checker's probability by group (Figures 4 to 7).

    Groups come in the order in which they first occur; there are none if `groups` is None.
    """
    values = {"weight": rows.weights[number]}
    if rows.quality is not None:
        values["quality"] = np.exp(rows.quality)
    if rows.diversity is not None:
        values["diversity"] = np.exp(rows.diversity[number])
    names = np.asarray(groups if groups is not None else [], dtype=object)
    return {
        str(group): {what: _mean(value[names == group]) for what, value in values.items()}
        for group in dict.fromkeys(names.tolist())
    }


def save_weights(folder: str | os.PathLike[str], rows: RowWeights, record: Mapping[str, Any]) -> None:
    """Writes ``importance_weights.parquet``, one line a row, and ``importance_weights.json``, both or neither.

    Raises:
        StorageError: if the folder cannot be written.
    """
    columns: dict[str, Any] = {"row": np.arange(rows.weights.shape[1])}
    if rows.groups is not None:
        columns["group"] = list(rows.groups)
    if rows.quality is not None:
        columns["quality_log_prob"] = rows.quality
    for number in range(len(rows.weights)):
        if rows.diversity is not None:
            columns[f"diversity_log_prob_{number}"] = rows.diversity[number]
        columns[f"weight_{number}"] = rows.weights[number]
    with new_folder(folder, overwrite=True) as scratch:
        pq.write_table(pa.table(columns), scratch / "importance_weights.parquet")
        write_json(scratch / "importance_weights.json", _plain(dict(record)))


def load_weights(folder: str | os.PathLike[str]) -> tuple[RowWeights, dict[str, Any]]:
    """Reads what `save_weights` wrote.

    Raises:
        SourceNotFoundError: if there are no weights in `folder`.
    """
    table_path, json_path = (Path(folder) / f"importance_weights.{ending}" for ending in ("parquet", "json"))
    if not (table_path.is_file() and json_path.is_file()):
        raise SourceNotFoundError(f"{str(folder)!r} holds no importance weights.")
    table = pq.read_table(table_path)
    record = json.loads(json_path.read_text(encoding="utf-8"))

    def column(name: str) -> np.ndarray:
        # What pyarrow hands out may be read-only.
        return table[name].to_numpy().copy()

    def passes(prefix: str) -> np.ndarray | None:
        names = [f"{prefix}_{k}" for k in range(table.num_columns) if f"{prefix}_{k}" in table.column_names]
        return np.stack([column(name) for name in names]) if names else None

    weights, diversity = passes("weight"), passes("diversity_log_prob")
    if weights is None:
        # Only a run of DIMP-Loss whose first epoch is not over has no weights yet.
        weights = diversity = np.empty((0, len(table)), dtype=np.float32)
    return RowWeights(
        weights=weights,
        quality=column("quality_log_prob") if "quality_log_prob" in table.column_names else None,
        diversity=diversity,
        groups=tuple(table["group"].to_pylist()) if "group" in table.column_names else None,
    ), record


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean(dtype=np.float64)) if len(known) else float("nan")


def _plain(value: Any) -> Any:  # noqa: ANN401  (any JSON value)
    """JSON has no NaN, and knows no dataclasses."""
    if hasattr(value, "__dataclass_fields__"):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
