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
        condensed: For each method, marks of its condensed rows.
        n_source: Source rows there are.
        n_condensed: For each method, condensed rows there are.
    """

    source: list[Mark]
    condensed: list[list[Mark]]
    n_source: int
    n_condensed: list[int]


def draw_map(
    source: Rows, vectors: Matrix, results: Sequence[LabelledResult], styles: dict[int, ClassStyle], seed: int
) -> Map:
    """Lays out a class-balanced sample of the source and the condensed rows of all methods.

    At most 1,500 source rows and 500 condensed rows, shared out evenly over methods and classes.

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
    places = _percent(lay_out(np.concatenate([sample, condensed]), seed))
    texts = [_joined(entry, source) for entry in results]
    marks: list[list[Mark]] = [[] for _ in results]
    for (x, y), i in zip(places[len(taken) :].tolist(), kept.tolist(), strict=True):
        owner, row = int(owners[i]), int(numbers[i])
        marks[owner].append(Mark(x, y, styles[int(codes[i])], row + 1, shorten(texts[owner][row], MAX_TEXT)))
    return Map(
        source=[
            Mark(x, y, styles[int(source.codes[i])], 0, shorten(source.texts[i], MAX_TEXT))
            for (x, y), i in zip(places[: len(taken)].tolist(), taken.tolist(), strict=True)
        ],
        condensed=marks,
        n_source=len(source),
        n_condensed=[len(entry.codes) for entry in results],
    )


def _percent(places: np.ndarray) -> np.ndarray:
    across = _MARGIN + places * (100 - 2 * _MARGIN)
    return np.round(np.stack([across[:, 0], 100 - across[:, 1]], axis=1), 2)


def _joined(entry: LabelledResult, source: Rows) -> list[str]:
    columns = [entry.result.rows.with_format(None)[name][:] for name in source.columns.text]
    return [source.columns.join([part or "" for part in parts]) for parts in zip(*columns, strict=True)]
