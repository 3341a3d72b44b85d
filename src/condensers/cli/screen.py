"""What commands print: tables for people, JSON for programs."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import typer


def print_json(value: Any) -> None:  # noqa: ANN401  (any JSON value)
    """Prints a JSON value on standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()
) -> None:
    """Prints a table; the columns named in `right` are aligned to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console() if sys.stdout.isatty() else Console(width=140)
    console.print(Text(title, style="bold"))
    table = Table(box=SIMPLE_HEAD)
    for column in columns:
        first = column == columns[0]
        table.add_column(column, justify="right" if column in right else "left", overflow="fold", no_wrap=first)
    for row in rows:
        # As plain text: rich would read square brackets in data as markup.
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def note(message: str, *, quiet: bool = False) -> None:
    """Prints a line for people on standard error."""
    if not quiet:
        typer.echo(message, err=True)
