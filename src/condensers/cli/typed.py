"""What was typed, for the record of a run."""

from contextvars import ContextVar
from typing import Any

from typer.core import TyperGroup

TYPED: ContextVar[tuple[str, ...] | None] = ContextVar("TYPED", default=None)
"""The words of the command line that is being run."""


class Commands(TyperGroup):
    """Notes the words, which parsing uses up."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> Any:  # noqa: ANN401
        """See click's `Command.make_context`."""
        TYPED.set(("condensers", *args))
        return super().make_context(info_name, args, *rest, **extra)
