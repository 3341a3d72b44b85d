"""The tables: methods beside each other, and the condensed rows themselves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from condensers.data import Rows
from condensers.report.accuracy import accuracy_text, learners_of, scores_of
from condensers.report.budgets import has_several_budgets
from condensers.report.classes import ClassStyle
from condensers.report.formatting import DASH, duration, fixed, split_long, whole
from condensers.report.result import LabelledResult

MAX_OPEN_TEXT = 420  # characters shown before the rest folds away
MAX_PARENTS = 12


@dataclass(frozen=True)
class Cell:
    """A number of the comparison: what is printed, a note under it, and whether it is the column's best."""

    text: str
    note: str = ""
    best: bool = False


@dataclass(frozen=True)
class Column:
    """A column of the comparison."""

    title: str
    note: str
    cells: list[Cell]


def compare(results: Sequence[LabelledResult]) -> list[Column]:
    """Rows, seconds, accuracy with each learner, and similarity; one cell a result, the best at a budget marked."""
    columns = [Column("Rows", "", [Cell(whole(len(entry.codes))) for entry in results])]
    several = has_several_budgets(results)
    budgets = [entry.budget if several else () for entry in results]
    seconds = [entry.result.seconds for entry in results]
    columns.append(Column("Time", "", _mark([Cell(duration(value)) for value in seconds], seconds, budgets, min)))
    for learner in learners_of(results):
        found = [scores_of(entry, learner) for entry in results]
        cells = [Cell(accuracy_text(s), f"n = {s.n}") if s else Cell(DASH) for s in found]
        means = [round(s.mean * 100, 1) if s else None for s in found]
        columns.append(Column(f"Accuracy, {learner}", "%, mean ± std", _mark(cells, means, budgets, max)))
    similarity = [entry.result.similarity for entry in results]
    cells = [Cell(fixed(value)) for value in similarity]
    columns.append(Column("Similarity", "mean cosine", _mark(cells, similarity, budgets, max)))
    return columns


def _mark(
    cells: list[Cell], values: Sequence[float | None], budgets: Sequence[tuple], pick: Callable[..., float]
) -> list[Cell]:
    """Marks the best value of each budget, and with it all that print alike; none where all print alike."""
    marked = list(cells)
    for budget in set(budgets):
        known = [
            i for i, value in enumerate(values) if budgets[i] == budget and value is not None and np.isfinite(value)
        ]
        if len({cells[i].text for i in known}) > 1:
            best = cells[pick(known, key=lambda i: values[i])].text  # type: ignore[call-overload]
            for i in known:
                marked[i] = Cell(cells[i].text, cells[i].note, cells[i].text == best)
    return marked


@dataclass(frozen=True)
class Text:
    """A text of the table: what is shown, and the rest that unfolds."""

    shown: str
    folded: str


@dataclass(frozen=True)
class TableRow:
    """One condensed row.

    Attributes:
        number: Its place in the dataset, from 1.
        style: How its class is drawn; its name too.
        texts: One a text column.
        similarity: Cosine of the row to the point it was made for; None without provenance.
        cluster_size: Source rows it stands for; None without provenance.
        parents: The source rows it was made from, as many as fit.
        n_more_parents: The parents that do not fit.
    """

    number: int
    style: ClassStyle
    texts: list[Text]
    similarity: float | None
    cluster_size: int | None
    parents: list[int]
    n_more_parents: int


@dataclass(frozen=True)
class RowsTable:
    """The condensed rows of one method.

    Attributes:
        text_columns: Names of the text columns.
        rows: The rows, in their order.
        class_width: Characters that the column of classes is wide.
        has_similarity: There is a column of similarities.
        has_cluster_size: There is a column of cluster sizes.
        has_parents: There is a column of source rows.
    """

    text_columns: tuple[str, ...]
    rows: list[TableRow]
    class_width: int
    has_similarity: bool
    has_cluster_size: bool
    has_parents: bool


def tabulate(entry: LabelledResult, source: Rows, styles: dict[int, ClassStyle]) -> RowsTable:
    """Lists the rows of one method with what is known of where they come from."""
    dataset = entry.result.rows.with_format(None)
    n = len(dataset)

    def column(name: str) -> list:
        return dataset[name][:] if name in dataset.column_names else [None] * n

    texts = [column(name) for name in source.columns.text]
    similarity, sizes = column("condensed_similarity"), column("condensed_cluster_size")
    parents = [list(found or ()) for found in column("condensed_parents")]
    rows = [
        TableRow(
            number=i + 1,
            style=styles[code],
            texts=[Text(*split_long(part[i] or "", MAX_OPEN_TEXT)) for part in texts],
            similarity=similarity[i],
            cluster_size=sizes[i],
            parents=parents[i][:MAX_PARENTS],
            n_more_parents=max(0, len(parents[i]) - MAX_PARENTS),
        )
        for i, code in enumerate(entry.codes.tolist())
    ]
    return RowsTable(
        text_columns=source.columns.text,
        rows=rows,
        class_width=min(20, max(len(style.name) for style in styles.values())),
        has_similarity=any(value is not None for value in similarity),
        has_cluster_size=any(value is not None for value in sizes),
        has_parents=any(parents),
    )
