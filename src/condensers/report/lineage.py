"""Who stands for whom: the source rows behind each condensed row, the condensed row before each source row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from condensers.data import Rows
from condensers.embedding import Matrix
from condensers.methods import assign
from condensers.methods.lineage import parent_positions
from condensers.report.classes import ClassStyle
from condensers.report.formatting import shorten
from condensers.report.result import LabelledResult

# What bounds the page: of each kind so many source rows a condensed row, so many in all, and so much of each text.
MAX_KIN = 8
MAX_KIN_IN_ALL = 6000
MAX_KIN_TEXT = 240


@dataclass(frozen=True)
class Kin:
    """A source row that is shown with a condensed row.

    Attributes:
        position: Where it stands in the source.
        similarity: Its cosine to the condensed row.
        parent: The condensed row was made from it.
    """

    position: int
    similarity: float
    parent: bool


@dataclass(frozen=True)
class Lineage:
    """Source rows and the condensed rows of one method, each way.

    Attributes:
        owners: For each source row, the nearest condensed row of its class; shape (n_source_rows,), int64; -1 where
            there is none.
        similarity: Cosine of each source row to that; shape (n_source_rows,), float32; NaN where there is none.
        sizes: Source rows that each condensed row stands for; shape (n,), int64.
        n_parents: Source rows that each condensed row was made from; length n.
        kin: For each condensed row, the first of the rows that it was made from and the nearest of those that it
            stands for, the nearest first.
    """

    owners: np.ndarray
    similarity: np.ndarray
    sizes: np.ndarray
    n_parents: list[int]
    kin: list[list[Kin]]


def trace_lineage(results: Sequence[LabelledResult], source: Rows, vectors: Matrix) -> list[Lineage]:
    """Traces the rows of each method back to the source, and the source rows to them.

    A condensed row is shown with at most eight source rows that it was made from and eight that it stands for; where
    there are many condensed rows, with fewer, so that there are not more than 6,000 of each kind, or one a row.

    Shape:
        vectors: (n_source_rows, dim), unit vectors.
    """
    n_rows = sum(len(entry.codes) for entry in results)
    n_shown = max(1, min(MAX_KIN, MAX_KIN_IN_ALL // n_rows))
    return [_trace(entry, source, vectors, n_shown) for entry in results]


def lineage_data(
    lineages: Sequence[Lineage], source: Rows, styles: dict[int, ClassStyle], positions: np.ndarray
) -> dict[str, Any]:
    """What the page's script needs to show lineages; every text is there once, however often it is referred to.

    Shape:
        positions: (n_marks,), int64, the source rows on the map.

    Returns:
        JSON values. ``classes``: name, style and shape by code, none for unlabelled rows; ``texts``: number, class and
        text of each source row that is shown; ``numbers``: those of the source rows on the map; for each method
        ``sizes``, ``parents`` (how many), ``kin`` (for each condensed row, lists of a place in ``texts``, cosine,
        whether the row was made from it, and the condensed row that stands for it, from 1), and for each source row
        on the map its ``owners``, from 1, and ``similarity``.
    """
    shown = sorted({kin.position for lineage in lineages for found in lineage.kin for kin in found})
    place = {position: i for i, position in enumerate(shown)}
    numbers, codes, texts = source.source_index.tolist(), source.codes.tolist(), source.texts
    labelled = source.columns.label is not None
    named = [styles.get(code) for code in range(max(styles) + 1)] if labelled else []
    return {
        "classes": [style and [style.name, style.css, style.shape] for style in named],
        "texts": [[numbers[i], codes[i], shorten(texts[i], MAX_KIN_TEXT)] for i in shown],
        "numbers": source.source_index[positions].tolist(),
        "methods": [_method_data(lineage, place, positions) for lineage in lineages],
    }


def _method_data(lineage: Lineage, place: dict[int, int], positions: np.ndarray) -> dict[str, Any]:
    owners = (lineage.owners + 1).tolist()
    return {
        "sizes": lineage.sizes.tolist(),
        "parents": lineage.n_parents,
        "kin": [
            [[place[k.position], round(k.similarity, 3), int(k.parent), owners[k.position]] for k in found]
            for found in lineage.kin
        ],
        "owners": [owners[i] for i in positions.tolist()],
        "similarity": [round(value, 3) for value in np.nan_to_num(lineage.similarity[positions]).tolist()],
    }


def _trace(entry: LabelledResult, source: Rows, vectors: Matrix, n_shown: int) -> Lineage:
    condensed = entry.result.vectors
    found = assign(vectors, source.codes, condensed, entry.codes)
    parents = parent_positions(entry.result.rows, source)
    kin = []
    for row, (made_from, stands_for) in enumerate(zip(parents, found.nearest(n_shown), strict=True)):
        both = np.unique(np.asarray([*made_from[:n_shown], *stands_for], dtype=np.int64))
        cosine = vectors[both] @ condensed[row]
        order = np.argsort(-cosine, kind="stable").tolist()
        kin.append([Kin(int(both[i]), float(cosine[i]), int(both[i]) in made_from) for i in order])
    return Lineage(found.owners, found.similarity, found.sizes, [len(numbers) for numbers in parents], kin)
