"""Rows out of plain replies: one text, or several with their names before them."""

from condensers.data import Columns
from condensers.errors import RowError
from condensers.llm.asking import Unusable
from condensers.llm.text_reply import sections_of, single_of, untagged


def part_names(columns: Columns | None) -> tuple[str, ...]:
    """What prompts call the texts of a row: Q and A of a question and its answer, else the columns' own names.

    Args:
        columns: Which text columns a row has; None is one.

    Returns:
        One name a text column; none if there is only one.
    """
    if columns is None or len(columns.text) < 2:
        return ()
    return ("Q", "A") if columns.kind == "qa" and len(columns.text) == 2 else columns.text


def parts_of(text: str, columns: Columns | None) -> tuple[str, ...]:
    """The texts of a row; the whole as one if its separators are lost."""
    if not part_names(columns) or columns is None:
        return (text,)
    try:
        return columns.split(text)
    except RowError:
        return (text,)


def row_of(reply: str, columns: Columns | None) -> str:
    """The row in a reply, its texts joined by the separator.

    A row of several texts is asked for as sections (`sections_of`); a reply that puts the separator itself between
    them is as good.

    Raises:
        Unusable: if there is no text in it, or not one for each column.
    """
    names = part_names(columns)
    if not names or columns is None:
        text = single_of(reply)
        if not text:
            raise Unusable("empty", "it holds no text")
        return text
    parts = sections_of(reply, names) or tuple(part.strip() for part in parts_of(untagged(reply), columns))
    mark = columns.separator.strip()
    if len(parts) != len(names) or not all(parts) or (mark and any(mark in part for part in parts)):
        form = ", ".join(f"a line that begins with {name}:" for name in names)
        raise Unusable("separator", f"it must hold {form}, each once and in this order, with text behind each")
    return columns.join(parts)
