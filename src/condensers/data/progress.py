"""Progress bars: which are shown, and how often where they end up in a log."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import datasets
from tqdm.auto import tqdm

_IN_NOTEBOOK = any(kind.__name__ == "tqdm_notebook" for kind in tqdm.__mro__)
# Seconds. A log gets a line of what takes long, and few of it.
LOG_DELAY, LOG_INTERVAL = 15.0, 60.0


def progress_bar(rows: Iterable | None = None, *, shown: bool = True, **settings: Any) -> Any:  # noqa: ANN401
    """A bar on the standard error stream, as every long work of the library shows one.

    On a terminal and in a notebook it moves as it will. Elsewhere, as in the log of a cluster's job, what ends within
    15 seconds leaves no trace, and the rest a line a minute.

    Args:
        rows: What to go through; None for a bar that is told by `update`.
        shown: False hides it.
        **settings: Of tqdm: `total`, `initial`, `desc`, `unit`.
    """
    if not (_IN_NOTEBOOK or sys.stderr.isatty()):
        settings |= {"file": _Lines(), "delay": LOG_DELAY, "mininterval": LOG_INTERVAL, "maxinterval": LOG_INTERVAL}
    return tqdm(rows, disable=not shown, **settings)


class _Lines:
    """The standard error stream, on which a bar that is drawn anew becomes a new line."""

    def write(self, text: str) -> None:
        if line := text.strip():
            sys.stderr.write(f"{line}\n")

    def flush(self) -> None:
        sys.stderr.flush()


@contextmanager
def hidden_progress_bars() -> Iterator[None]:
    """Silences the bars of `datasets` for the length of a block: ours count what a user waits for."""
    hidden = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if not hidden:
            datasets.enable_progress_bars()
