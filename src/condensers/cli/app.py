"""The commands. Heavy rooms are imported when a command runs, so that ``--help`` answers at once."""

from typing import Annotated

import typer

from condensers import __version__
from condensers.cli.budget import budget
from condensers.cli.compare import compare
from condensers.cli.condense import condense
from condensers.cli.doctor import doctor
from condensers.cli.evaluate import evaluate
from condensers.cli.generate import generate
from condensers.cli.push import push
from condensers.cli.typed import Commands
from condensers.cli.update import update
from condensers.cli.why import why

app = typer.Typer(
    name="condensers",
    cls=Commands,
    help="Condense text datasets: a few rows that train almost as well as all. Or write more rows like a few.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version, and nothing else."),
    ] = False,
) -> None:
    """Options of no command."""


app.command()(condense)
app.command()(generate)
app.command()(compare)
app.command()(budget)
app.command()(evaluate)
app.command()(update)
app.command()(why)
app.command()(push)
app.command()(doctor)
