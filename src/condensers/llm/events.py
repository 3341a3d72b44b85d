"""What became of an LLM's replies: counted, for the record of the run."""

from collections import Counter
from typing import Any


class Events:
    """Counts what happened to the replies of a run.

    Attributes:
        n_replies: Replies read, repairs and regenerations among them.
        unusable: Replies that could not be used, by reason: ``malformed``, ``truncated``, ``refusal``, ``failed``,
            ``too_long``, ``wrong_labels``, ``wrong_counts``, ``copies_source``, ``repeats``, ``empty``, ``separator``,
            ``repetition``, ``blanks``.
        steps: What was done about it: ``repair_asked``, ``repair_helped``, ``regenerated``, ``regeneration_helped``,
            ``dropped``, ``chunked``, ``surplus_cut``, ``thresholds_relaxed``. Of texts refined: how many came
            with which fault (``came_empty``, ``came_separator``, ``came_repetition``), ``separator_mended``,
            ``drawn_anew``, ``drawn_anew_helped``, ``left_incoherent``. Of texts written after their neighbours:
            ``put_simply``, ``nearest_row_taken``.
    """

    def __init__(self) -> None:
        self.n_replies = 0
        self.unusable: Counter[str] = Counter()
        self.steps: Counter[str] = Counter()

    def to_dict(self) -> dict[str, Any]:
        """The counts as JSON."""
        return {
            "replies": self.n_replies,
            "unusable": dict(sorted(self.unusable.items())),
            **dict(sorted(self.steps.items())),
        }
