"""``condensers budget``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from condensers.cli import options
from condensers.cli.language_model import check_known
from condensers.cli.method_options import CONDENSING, takes
from condensers.cli.screen import note, print_json, print_table
from condensers.cli.settings import row_settings, split_sizes

if TYPE_CHECKING:
    from condensers.evaluation import BudgetStudy

_COLUMNS = ("rows a class", "rows", "accuracy", "95% interval", "fitted", "twice as many gain")


@takes(CONDENSING, before="output")
def budget(
    source: options.Source,
    asked: dict[str, Any],
    method: Annotated[str, typer.Option(help="What condenses; a method that asks an LLM asks it at each size.")] = (
        "k_center"
    ),
    learner: Annotated[
        str, typer.Option(help="What is trained: linear_probe, tfidf_linear, text_rnn or fine_tuned.")
    ] = "linear_probe",
    per_class: Annotated[
        str | None,
        typer.Option(help="Rows of each class, three sizes at least with commas; up to 1,2,5,10,20,50,100."),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(help="Points of accuracy that twice as many rows must gain to be worth it.")
    ] = 1.0,
    seeds: options.Seeds = 5,
    split: options.Split = None,
    name: options.Config = None,
    revision: options.Revision = None,
    text: options.Text = None,
    label: options.Label = "auto",
    dedup: options.Dedup = None,
    drop_empty: options.DropEmpty = False,
    embedder: options.EmbedderName = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for table and report.")] = None,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
) -> None:
    """Find the size at which more rows stop paying.

    Parts of the training rows are held out, one a seed; the rest is condensed to several sizes, and classifiers are
    trained on each and tested on what was held out. The test split is not touched. The size is the smallest at which
    twice as many rows would gain no more than the tolerance, by a learning curve fitted to all sizes.

    Example: condensers budget stanfordnlp/sst2 --method k_center --output runs/budget
    """
    from condensers.data import check_output
    from condensers.evaluation import budget_curve

    check_known([method], asked)
    if output is not None:
        check_output(output, overwrite=overwrite)
    settings = row_settings(
        text=text,
        label=label,
        embedder=embedder,
        dedup=dedup,
        drop_empty=drop_empty,
        allow_fewer=False,
        per_class=None,
        total=None,
        fraction=None,
    )
    study = budget_curve(
        source,
        method=method,
        learner=learner,
        sizes=None if per_class is None else split_sizes(per_class, "--per-class"),
        n_seeds=seeds,
        tolerance=tolerance / 100,
        split=split,
        name=name,
        revision=revision,
        on_progress=lambda message: note(message, quiet=json),
        **settings,
        **asked,
    )
    table = _table(study)
    if output is not None:
        _write(output, overwrite, source, study, table)
    if json:
        print_json({"source": source, **study.curve.to_json()})
        return
    curve = study.curve
    title = (
        f"{source}: {curve.method} judged by {curve.judge}, {curve.n_train:,} rows and {curve.n_held_out:,} held out"
    )
    print_table(title, _COLUMNS, table, right=_COLUMNS)
    note(f"More rows stop paying at {curve.reason}." if curve.settled else f"{curve.reason}.")
    if output is not None:
        note(f"Open {output / 'report.html'} in a browser.")


def _table(study: "BudgetStudy") -> list[list[str]]:
    from condensers.evaluation import mean_interval

    law, rows = study.curve.law, []
    for point, result in zip(study.curve.points, study.results, strict=True):
        low, high = mean_interval(point.accuracy)
        rows.append(
            [
                f"{point.per_class}{' *' if point.per_class == study.chosen else ''}",
                f"{result.run.n_rows:,}",
                f"{100 * point.mean:.1f}",
                f"{100 * low:.1f} to {100 * high:.1f}" if len(point.accuracy) > 1 else "",
                f"{100 * law(point.per_class):.1f}",
                f"{100 * law.gain_of_doubling(point.per_class):+.1f}",
            ]
        )
    return rows


def _write(output: Path, overwrite: bool, source: str, study: "BudgetStudy", table: list[list[str]]) -> None:
    from condensers.data import new_folder, write_json, write_text
    from condensers.report import write_report

    lines = [list(_COLUMNS), ["---"] * len(_COLUMNS), *table]
    with new_folder(output, overwrite=overwrite) as folder:
        write_json(folder / "budget.json", {"source": source, **study.curve.to_json()})
        write_text(folder / "budget.md", "".join(f"| {' | '.join(line)} |\n" for line in lines))
        write_report(
            folder / "report.html",
            title=f"{source}: how many rows are enough",
            source=study.source.rows,
            vectors=study.source.vectors,
            results=study.results,
        )
