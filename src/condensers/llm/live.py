"""What a language model costs, on screen while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

from condensers.data import LOG_DELAY, LOG_INTERVAL
from condensers.llm.spending import Usage

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


@contextmanager
def live_usage(usage: Usage, *, progress: bool = True, console: "Console | None" = None) -> Iterator[None]:
    """Shows a table of `usage` for the length of a block, renewed four times a second.

    Where the output is no terminal, as in a notebook or the log of a cluster's job, it is a line a minute, the first
    after 15 seconds.

    Args:
        usage: What to show.
        progress: False shows nothing.
        console: Where; None takes the standard error stream, so that piped results stay clean.
    """
    from rich.console import Console
    from rich.live import Live

    console = console or Console(stderr=True)
    if not progress:
        yield
    elif console.is_terminal:
        with Live(get_renderable=lambda: usage_table(usage), console=console, refresh_per_second=4):
            yield
    else:
        with _lines(usage, console):
            yield


@contextmanager
def _lines(usage: Usage, console: "Console") -> Iterator[None]:
    over = Event()

    def write() -> None:
        pause = LOG_DELAY
        while not over.wait(pause):
            said = "; ".join(f"{name} {value}" for name, value in usage_lines(usage))
            print(f"Language model: {said}", file=console.file, flush=True)
            pause = LOG_INTERVAL

    writer = Thread(target=write, name="live usage", daemon=True)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def usage_table(usage: Usage) -> "Table":
    """The figures as a table of one or two columns' width of text."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, show_header=False)
    table.add_column(style="dim")
    table.add_column()
    for name, value in usage_lines(usage):
        # As plain text: rich would read square brackets as markup.
        table.add_row(name, Text(value))
    return table


def usage_lines(usage: Usage) -> list[tuple[str, str]]:
    """What the table says: pairs of a name and a value, those that are nothing left out."""
    figures = usage.to_dict()
    lines = [
        ("replies", f"{usage.n_done:,} of {usage.n_planned:,}"),
        ("requests", _of(figures["requests"], usage.limits.max_requests)),
        ("tokens in, out", f"{figures['input_tokens']:,}, {figures['output_tokens']:,}"),
    ]
    if usage.limits.max_tokens is not None:
        total = figures["input_tokens"] + figures["output_tokens"]
        lines.append(("tokens in all", _of(total, usage.limits.max_tokens)))
    if figures["cost"] is not None:
        limit = usage.limits.max_cost
        lines.append(("cost", f"{figures['cost']:.4f}" + (f" of at most {limit:g}" if limit is not None else "")))
    for name in ("cache_hits", "retries"):
        if figures[name]:
            lines.append((name.replace("_", " "), f"{figures[name]:,}"))
    for name in ("problems", "dropped"):
        if figures[name]:
            lines.append((name, ", ".join(f"{kind} {count:,}" for kind, count in figures[name].items())))
    left = usage.seconds_left
    lines.append(("time", _clock(usage.seconds) + (f", {_clock(left)} left" if left else "")))
    return lines


def _of(value: int, limit: int | None) -> str:
    return f"{value:,}" + (f" of at most {limit:,}" if limit is not None else "")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
