"""The error of a model of whose rows too few can be used."""

from collections.abc import Mapping

from condensers.errors import BudgetError
from condensers.llm import Events
from condensers.methods.writing.task import Task


def too_few_rows(
    model: str,
    task: Task,
    found: Mapping[int, int],
    wanted: Mapping[int, int],
    events: Events,
    *,
    tried: str,
    advice: str,
) -> BudgetError:
    """Says how many rows there are of each class, what was wrong with the others, and what to do.

    Args:
        model: Who wrote.
        task: What was to be written.
        found: Rows of each class that can be used.
        wanted: Rows of each class that were wanted.
        events: What came back.
        tried: How it was tried, to stand behind a comma.
        advice: What to change, without a full stop.
    """
    short = ", ".join(
        f"{found[code]} of {n} of class {task.label(code)!r}" for code, n in wanted.items() if found[code] < n
    )
    faults = ", ".join(f"{reason} {n}" for reason, n in events.unusable.most_common(4)) or "none"
    return BudgetError(
        f"{model} wrote too few rows that can be used: {short}, {tried}. What was wrong with its replies: "
        f"{faults}. {advice}; what was replied is in the cache and costs nothing again."
    )
