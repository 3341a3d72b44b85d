"""Texts out of replies: lines and sections, read leniently."""

import re
from collections.abc import Sequence

_FENCE = re.compile(r"^\s*```.*$", re.MULTILINE)
_TAGS = re.compile(r"</?\s*(?:text|label)\s*>", re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*\u2022\u2013]\s+|[(#]?\d{1,3}[.):]+\s+)+")
_QUOTES = ('""', "''", "\u201c\u201d", "\u2018\u2019", "``")


def lines_of(text: str) -> list[str]:
    """The lines of a reply without what models put around them: numbers, bullets, quotes, fences, a first remark."""
    lines = [bare(line) for line in _FENCE.sub("", text).splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].endswith(":"):
        lines = lines[1:]
    return [line for line in lines if line]


def single_of(text: str) -> str:
    """A reply that is one text: its lines joined, without an opening remark."""
    return bare(" ".join(lines_of(text)))


def bare(text: str) -> str:
    """A text without tags, bullet or number in front, and quotes around it."""
    text = re.sub(r"\s+", " ", _BULLET.sub("", untagged(text)))
    while len(text) > 1 and any(text[0] == pair[0] and text[-1] == pair[1] for pair in _QUOTES):
        text = text[1:-1].strip()
    return text


def untagged(text: str) -> str:
    """A text without the tags that delimit data in prompts, which models like to repeat."""
    return _TAGS.sub(" ", text).strip()


def sections_of(text: str, names: Sequence[str]) -> tuple[str, ...]:
    """The texts of a reply that puts a name and a colon before each, as far as they are there and in order.

    Names are found at the beginning of lines, whatever their case, bold or not. Lines within a text are kept, since
    the steps of a solution stand in lines of their own. Of a reply that goes on with further samples of the same form,
    as small models like to, the first is taken.

    Args:
        text: The reply.
        names: What stands before the colons, in order.
    """
    text = _FENCE.sub("", text)
    marks = list(_marks(names).finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    parts: list[str] = []
    for name, mark, end in zip(names, marks, ends, strict=False):
        part = untagged(text[mark.end() : end])
        if mark[1].casefold() != name.casefold() or not part:
            break
        parts.append(part)
    return tuple(parts)


def begins_with_name(text: str, names: Sequence[str]) -> bool:
    """Whether a reply begins with a section; see `sections_of`."""
    return _marks(names).match(_FENCE.sub("", text).lstrip()) is not None


def _marks(names: Sequence[str]) -> re.Pattern[str]:
    names_before = "|".join(re.escape(name) for name in names)
    return re.compile(rf"^[\s>*_#-]*({names_before})[*_]*\s*:[*_]*", re.IGNORECASE | re.MULTILINE)
