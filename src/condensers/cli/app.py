"""The commands. Heavy rooms are imported when a command runs, so that ``--help`` answers at once."""

import typer

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
app.command()(condense)
app.command()(generate)
app.command()(compare)
app.command()(budget)
app.command()(evaluate)
app.command()(update)
app.command()(why)
app.command()(push)
app.command()(doctor)
