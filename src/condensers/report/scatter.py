"""The map: source rows and condensed rows of all methods, laid out together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from condensers.data import Rows
from condensers.embedding import Matrix
from condensers.report.classes import ClassStyle
from condensers.report.formatting import shorten
from condensers.report.layout import lay_out, spread_sample
from condensers.report.result import LabelledResult

MAX_SOURCE_POINTS = 1500
MAX_CONDENSED_POINTS = 500
MAX_TEXT = 180
_MARGIN = 3.0  # per cent of each side, so that no mark is cut


@dataclass(frozen=True)
class Mark:
    """One row on the map.

    Attributes:
        x: Per cent of the width.
        y: Per cent of the height, downwards.
        style: How its class is drawn.
        number: Row number in the table of condensed rows, from 1; 0 for source rows.
        text: Its text, shortened.
    """

    x: float
    y: float
    style: ClassStyle
    number: int
    text: str


@dataclass(frozen=True)
class Map:
    """All marks of the map.

    Attributes:
        source: Marks of source rows.
        positions: Where each of them stands in the source; shape (n_marks,), int64.
        condensed: For each method, marks of its condensed rows.
        points: For each method, where its condensed rows should sit, if it says so; marks of the rows on the map.
        n_source: Source rows there are.
        n_condensed: For each method, condensed rows there are.
    """

    source: list[Mark]
    positions: np.ndarray
    condensed: list[list[Mark]]
    points: list[list[Mark]]
    n_source: int
    n_condensed: list[int]


def draw_map(
    source: Rows, vectors: Matrix, results: Sequence[LabelledResult], styles: dict[int, ClassStyle], seed: int
) -> Map:
    """Lays out a class-balanced sample of the source and the condensed rows of all methods.

    At most 1,500 source rows and 500 condensed rows, shared out evenly over methods and classes; with a condensed
    row goes the point that it should sit at, if its method says.

    Shape:
        vectors: (n_source_rows, dim).
    """
    taken = spread_sample(source.codes, MAX_SOURCE_POINTS, seed)
    owners = np.concatenate([np.full(len(entry.codes), i) for i, entry in enumerate(results)])
    numbers = np.concatenate([np.arange(len(entry.codes)) for entry in results])
    codes = np.concatenate([entry.codes for entry in results])
    _, groups = np.unique(np.stack([owners, codes]), axis=1, return_inverse=True)
    kept = np.sort(spread_sample(groups.ravel(), MAX_CONDENSED_POINTS, seed))
    condensed = np.concatenate([entry.result.vectors for entry in results])[kept]
    # Memory maps read faster in order.
    order = np.argsort(taken)
    sample = np.empty((len(taken), vectors.shape[1]), dtype=np.float32)
    sample[order] = vectors[taken[order]]
    aims, aimed = _points(results, owners[kept], numbers[kept])
    places = _percent(lay_out(np.concatenate([sample, condensed, aims]), seed))
    texts = [_joined(entry, source) for entry in results]
    marks: list[list[Mark]] = [[] for _ in results]
    ends = len(taken), len(taken) + len(kept)
    for (x, y), i in zip(places[ends[0] : ends[1]].tolist(), kept.tolist(), strict=True):
        owner, row = int(owners[i]), int(numbers[i])
        marks[owner].append(Mark(x, y, styles[int(codes[i])], row + 1, shorten(texts[owner][row], MAX_TEXT)))
    points: list[list[Mark]] = [[] for _ in results]
    for (x, y), i in zip(places[ends[1] :].tolist(), kept[aimed].tolist(), strict=True):
        points[int(owners[i])].append(Mark(x, y, styles[int(codes[i])], int(numbers[i]) + 1, ""))
    return Map(
        source=[
            Mark(x, y, styles[int(source.codes[i])], 0, shorten(source.texts[i], MAX_TEXT))
            for (x, y), i in zip(places[: len(taken)].tolist(), taken.tolist(), strict=True)
        ],
        positions=taken,
        condensed=marks,
        points=points,
        n_source=len(source),
        n_condensed=[len(entry.codes) for entry in results],
    )


def _points(
    results: Sequence[LabelledResult], owners: np.ndarray, numbers: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The points of those rows whose method says where they should sit, and which of the rows those are.

    Shape:
        owners, numbers: (n,), int64; returns: (n_points, dim), float32, of unit length; (n_points,), int64.
    """
    there = np.flatnonzero([results[owner].result.points is not None for owner in owners])
    found = [results[owners[i]].result.points[numbers[i]] for i in there]
    x = np.asarray(found, dtype=np.float32).reshape(len(there), results[0].result.vectors.shape[1])
    # Averages of rows are short; on the map only their direction can be compared.
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12), there


def _percent(places: np.ndarray) -> np.ndarray:
    across = _MARGIN + places * (100 - 2 * _MARGIN)
    return np.round(np.stack([across[:, 0], 100 - across[:, 1]], axis=1), 2)


def _joined(entry: LabelledResult, source: Rows) -> list[str]:
    columns = [entry.result.rows.with_format(None)[name][:] for name in source.columns.text]
    return [source.columns.join([part or "" for part in parts]) for parts in zip(*columns, strict=True)]
