"""Numbers and texts as the report prints them."""

import math

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


def whole(value: int) -> str:
    """A count: ``12,345``."""
    return f"{value:,}"


def percent(share: float, digits: int = 1) -> str:
    """A share in [0, 1]: ``25.0%``; shares that would round to nothing are ``<0.1%``."""
    smallest = 10.0**-digits
    if 0 < share * 100 < smallest / 2:
        return f"<{smallest:.{digits}f}%"
    return f"{share * 100:.{digits}f}%"


def fixed(value: float | None, digits: int = 3) -> str:
    """A number with that many decimals; a dash for None and what is not finite."""
    if value is None or not math.isfinite(value):
        return DASH
    return f"{value:.{digits}f}".replace("-", MINUS)


def duration(seconds: float) -> str:
    """A time: ``0.31 s``, ``12.4 s``, ``3 min 05 s``, ``2 h 10 min``."""
    if not math.isfinite(seconds):
        return DASH
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def count(n: int, noun: str) -> str:
    """A count with its noun: ``1 row``, ``1,200 rows``, ``2 classes``."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{n:,} {noun if n == 1 else plural}"


def shorten(text: str, length: int) -> str:
    """One line of at most `length` characters, cut between words where it can be."""
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    return split_long(line, length - 1)[0].rstrip() + "…"


def split_long(text: str, length: int) -> tuple[str, str]:
    """Cuts a text in two, the first at most `length` characters and ending at a space where one is near."""
    if len(text) <= length:
        return text, ""
    space = text.rfind(" ", length * 2 // 3, length)
    cut = space + 1 if space >= 0 else length
    return text[:cut], text[cut:]
