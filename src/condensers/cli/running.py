"""What commands that make rows have in common: run the method, write the rows, say what came of it."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from condensers.cli.language_model import show_estimate, spent
from condensers.cli.push import published
from condensers.cli.screen import note, print_json, print_table
from condensers.cli.typed import TYPED

if TYPE_CHECKING:
    from datasets import Dataset

    from condensers.methods import Condenser, RunRecord


def check_place(output: Path, overwrite: bool) -> None:
    """Checks, before any work is spent, that rows can be written; see `check_output` for the errors."""
    from condensers.data import check_output

    check_output(output, overwrite=overwrite)


def run(
    condenser: "Condenser",
    source: str,
    place: dict[str, str | None],
    output: Path | None,
    *,
    overwrite: bool,
    report: bool,
    dry_run: bool,
    json: bool,
    push: str | None = None,
    public: bool = False,
) -> None:
    """Has a condenser make rows and writes them, or with `dry_run` says what that will need.

    Args:
        condenser: The method, with its settings.
        source: The dataset.
        place: Its split, name and revision.
        output: The folder to write.
        overwrite: Replace it.
        report: Write the report.
        dry_run: Do no more than an estimate.
        json: Print JSON.
        push: Repository on the Hub to publish the rows in, made before any work is spent.
        public: Let everybody see it.

    Raises:
        SettingError: if there is no place for the rows.
        CondensersError: as `Condenser.condense`.
    """
    from condensers.errors import SettingError
    from condensers.methods.llm_condenser import LLMCondenser

    if dry_run and isinstance(condenser, LLMCondenser):
        show_estimate(condenser, source, place, json)
        return
    if output is None:
        raise SettingError("the rows need a place: give --output a folder that is new or empty.")
    if push is None or not _is_first():
        _make(condenser, source, place, output, overwrite=overwrite, report=report, json=json)
        return
    from condensers.hub import publish, released_on_failure, reserve

    reserved = reserve(push, private=not public)
    with released_on_failure(reserved):
        _make(condenser, source, place, output, overwrite=overwrite, report=report, json=json)
        done = publish(output, push, private=not public, reservation=reserved)
    note(published(done), quiet=json)


def _is_first() -> bool:
    """Under `accelerate launch` all processes embed and the first one writes."""
    return int(os.environ.get("RANK", "0")) == 0


def _make(
    condenser: "Condenser",
    source: str,
    place: dict[str, str | None],
    output: Path,
    *,
    overwrite: bool,
    report: bool,
    json: bool,
) -> None:
    """Makes the rows, writes them and says so; see `run`."""
    from condensers.data import alone, new_folder
    from condensers.hub import write_condensed

    rows = condenser.condense(source, **place)
    record = replace(condenser.run_, command=TYPED.get())
    withheld = bool(record.privacy and record.privacy["withheld"])
    if not _is_first():
        return
    with alone(), new_folder(output, overwrite=overwrite) as folder:
        write_condensed(rows, folder, record)
        if report and not withheld:
            note("Drawing the report ...", quiet=json)
            _write_report(condenser, rows, folder / "report.html")
    if json:
        print_json({"output": str(output), **record.to_json()})
        return
    _say(record, output)
    if report and withheld:
        note("There is no report: its charts and its map would show the private rows.")
    elif report:
        note(f"Open {output / 'report.html'} in a browser.")


def _say(run: "RunRecord", output: Path) -> None:
    """Prints what was made of how much."""
    counts = [(class_name, str(count)) for class_name, count in run.class_counts.items()]
    print_table(f"{run.method}: {_of_rows(run)}", ("class", "rows"), counts, right=("rows",))
    if run.sizing is not None:
        note(f"The size was chosen: {run.sizing['reason']}.")
    if run.seconds:
        embedded = f"{run.n_embedded:,} texts embedded" if run.n_embedded else "embeddings from the cache"
        done = "generated" if run.generation else "condensed"
        note(f"{embedded} in {run.seconds['embedding']:.1f} s, {done} in {run.seconds['condensing']:.1f} s.")
    for line in _written(run.generation or {}):
        note(line)
    if run.llm is not None:
        for line in spent(run.llm):
            note(line)
    if run.privacy is not None:
        note(str(run.privacy["statement"]))
    note(f"Rows and card in {output}; load them with load_dataset({str(output)!r}).")


def _of_rows(run: "RunRecord") -> str:
    if run.n_source_rows is None:
        return f"{run.n_rows} rows"
    return f"{run.n_rows} {'rows like' if run.generation else 'of'} {run.n_source_rows:,} rows"


def _written(generation: "Mapping[str, Any]") -> list[str]:
    """How an adapter was trained, and what became of the texts that were written, in lines for people."""
    lines = []
    if losses := generation.get("losses"):
        lines.append(
            f"The adapter's loss fell from {losses[0][1]:.2f} at step {losses[0][0]} to {losses[-1][1]:.2f} at step "
            f"{losses[-1][0]}; it is kept."
        )
    if generation:
        faults = ", ".join(f"{reason} {n:,}" for reason, n in generation["dropped"].items()) or "none"
        lines.append(
            f"Of {generation['written']:,} texts that were written were dropped: {faults}; "
            f"{generation['left_over']:,} were left over."
        )
    return lines


def _write_report(condenser: "Condenser", rows: "Dataset", path: Path) -> None:
    from condensers.data import read_rows
    from condensers.embedding import embed_texts
    from condensers.evaluation import MethodResult, coverage_similarity
    from condensers.methods import placed_points
    from condensers.report import write_report

    prepared, run = condenser.prepared_, condenser.run_
    rows = condenser.in_source_columns(rows)
    read = read_rows(rows, prepared.columns, class_names=prepared.rows.class_names or None)
    vectors = embed_texts(read.texts, condenser.embedder, progress=False).vectors[:]
    similarity = coverage_similarity(prepared.vectors, vectors, prepared.rows.codes, read.codes)
    seconds, points = run.seconds["condensing"], placed_points(condenser)
    result = MethodResult(run.method, rows, vectors, run, (), similarity, seconds, points)
    title = f"{_of_rows(run)} by {run.method}"
    write_report(path, title=title, source=prepared.rows, vectors=prepared.vectors, results=[result])
