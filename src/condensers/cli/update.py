"""``condensers update``."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from condensers.cli import options
from condensers.cli.screen import note, print_json, print_table
from condensers.cli.typed import TYPED

_COLUMNS = ("class", "gave way", "came", "", "cosine", "of the former")


def update(
    rows: Annotated[Path, typer.Argument(help="Folder that `condensers condense` wrote.", show_default=False)],
    new: Annotated[
        str, typer.Argument(help="New source rows: Hub id, folder, csv, jsonl or parquet file.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write; new or empty.", show_default=False)],
    source: Annotated[
        str | None, typer.Option(help="The source of then, if it is not where it was: Hub id, folder or file.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split of the new rows; the training split if not given.")] = None,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
) -> None:
    """Bring condensed rows up to date with a source that has grown: what must change, changes.

    Only the new rows are embedded. Rows that are still right stay in their places. It is for methods that keep rows.

    Example: condensers update runs/sst2 new.csv --output runs/sst2-june
    """
    from condensers.data import check_output, new_folder
    from condensers.hub import update_condensed, write_condensed

    check_output(output, overwrite=overwrite)
    found, run = update_condensed(rows, new, source=source, split=split)
    with new_folder(output, overwrite=overwrite) as folder:
        write_condensed(found.dataset, folder, replace(run, command=TYPED.get()))
    if json:
        print_json({"output": str(output), **found.to_json()})
        return
    table = [
        [
            change.class_name,
            "" if change.dropped is None else str(change.dropped),
            "" if change.added is None else str(change.added),
            "new" if change.is_new else "",
            "" if change.similarity is None else f"{change.similarity:.3f}",
            "" if change.former is None else f"{change.former:.3f}",
        ]
        for change in found.changes
    ]
    title = f"{run.method}: {found.n_kept} rows stay, {found.n_changed} came with {found.n_new:,} new source rows"
    print_table(title, _COLUMNS, table, right=("gave way", "came", "cosine", "of the former"))
    note(
        "Numbers are those of source rows, the new ones behind the others; cosines are to the point that a row is for."
    )
    note(f"{found.n_embedded:,} texts embedded. Rows and card in {output}.")
