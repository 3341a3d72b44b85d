"""What became of the texts of a run, counted and with examples."""

from collections import Counter
from typing import Any

_N_EXAMPLES = 3
_LONGEST = 300


class Tally:
    """Counts texts that were written, and those that were dropped by reason.

    Reasons are ``empty``, ``cut_off``, ``separator`` (a part is missing), ``copies_source``, ``contaminated`` (it
    shares words in a row with the test rows), ``repeats`` and ``unanswered``.

    Attributes:
        n_written: Texts written.
        n_left_over: Texts that were of use, but more than were wanted.
        dropped: How many were dropped, by reason.
    """

    def __init__(self) -> None:
        self.n_written = self.n_left_over = 0
        self.dropped: Counter[str] = Counter()
        self._examples: dict[str, list[dict[str, str]]] = {}

    def drop(self, reason: str, text: str, why: str) -> None:
        """Counts a text that is dropped."""
        self.dropped[reason] += 1
        examples = self._examples.setdefault(reason, [])
        if len(examples) < _N_EXAMPLES:
            examples.append({"text": text[:_LONGEST], "why": why})

    def to_dict(self) -> dict[str, Any]:
        """The counts as JSON, and a few examples of each reason."""
        return {
            "written": self.n_written,
            "left_over": self.n_left_over,
            "dropped": dict(sorted(self.dropped.items())),
            "examples": dict(sorted(self._examples.items())),
        }

    def __str__(self) -> str:
        return ", ".join(f"{reason} {n:,}" for reason, n in sorted(self.dropped.items())) or "none was dropped"
