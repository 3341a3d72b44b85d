"""Which progress bars are shown."""

from collections.abc import Iterator
from contextlib import contextmanager

import datasets


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
