"""Rows out of plain replies: one text, or several with their names before them."""

import re
from collections.abc import Sequence

from condensers.data import Columns
from condensers.errors import RowError
from condensers.llm.asking import Unfinished, Unusable
from condensers.llm.text_reply import begins_with_name, sections_of, single_of, untagged


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
        Unusable: if there is no text in it, or not one for each column; an `Unfinished` if only the last are missing.
    """
    names = part_names(columns)
    if not names or columns is None:
        text = single_of(reply)
        if not text:
            raise Unusable("empty", "it holds no text")
        return text
    mark = columns.separator.strip()
    first = sections_of(reply, names)
    parts = first if len(first) == len(names) else tuple(p.strip() for p in parts_of(untagged(reply), columns))
    if len(parts) == len(names) and all(parts) and not (mark and any(mark in part for part in parts)):
        return columns.join(parts)
    if 0 < len(first) < len(names) and not _run_together(first, names, mark):
        raise _unfinished(first, names)
    form = ", ".join(f"a line that begins with {name}:" for name in names)
    raise Unusable("separator", f"it must hold {form}, each once and in this order, with text behind each")


def _run_together(texts: Sequence[str], names: Sequence[str], mark: str) -> bool:
    """Whether a text holds what should stand between two, or before another."""
    marks = [rf"\b{re.escape(name)}\s*:" for name in names] + ([re.escape(mark)] if mark else [])
    return any(re.search("|".join(marks), text, re.IGNORECASE) for text in texts)


def _unfinished(first: Sequence[str], names: Sequence[str]) -> Unfinished:
    so_far = "\n".join(f"{name}: {part}" for name, part in zip(names, first, strict=False))
    missing = names[len(first) :]

    def joined(rest: str) -> str:
        # Of one text the name is easily left out; what begins with another name is another text.
        is_named = len(missing) > 1 or begins_with_name(rest, names)
        return f"{so_far}\n{rest if is_named else f'{missing[0]}: {rest}'}"

    return Unfinished(so_far, missing, joined)
