"""``condensers why``."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from condensers.cli import options
from condensers.cli.screen import note, print_json, print_table

if TYPE_CHECKING:
    from condensers.methods import Neighbour, StandsFor, StoodFor

# Characters of a text that are shown.
_TEXT = 70


def why(
    rows: Annotated[Path, typer.Argument(help="Folder that `condensers condense` wrote.", show_default=False)],
    row: Annotated[
        str | None,
        typer.Argument(help="Number of a source row, from 0, or a text: which condensed row stands for it?"),
    ] = None,
    condensed: Annotated[
        int | None, typer.Option(help="Number of a condensed row, from 0: which source rows are behind it?")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="The source rows, if they are not where they were: Hub id, folder or file.")
    ] = None,
    embedder: options.EmbedderName = None,
    shown: Annotated[int | None, typer.Option(min=1, help="Rows to name; 3 condensed rows, 8 of the source.")] = None,
    json: options.Json = False,
) -> None:
    """Say which condensed row stands for a source row, or which source rows are behind a condensed one.

    Numbers are those of the datasets: row 3 is rows[3]. For a text that is no source row it says which condensed row
    would stand for it.

    Example: condensers why runs/sst2 17, or condensers why runs/sst2 --condensed 3
    """
    from condensers.embedding import load_embedder
    from condensers.errors import SettingError
    from condensers.hub import load_condensed, load_lineage

    if (row is None) == (condensed is None):
        raise SettingError("name one row: a source row by its number or text, or a condensed one with --condensed.")
    prompt = load_condensed(rows)[1].settings.get("prompt")
    model = None if embedder is None else load_embedder(embedder, prompt=prompt)
    lineage = load_lineage(rows, source=source, embedder=model)
    if condensed is not None:
        behind = lineage.condensed_row(condensed, n_shown=shown or 8)
        if json:
            print_json(asdict(behind))
        else:
            _print_condensed(behind)
        return
    asked = str(row)
    found = (
        lineage.source_row(int(asked), n_shown=shown or 3)
        if asked.isdecimal()
        else lineage.text(asked, n_shown=shown or 3)
    )
    if json:
        print_json(asdict(found))
    else:
        _print_source(found)


def _print_source(found: "StoodFor") -> None:
    named = "a text that is no source row" if found.source_row is None else f"source row {found.source_row}"
    of_class = "" if found.class_name is None else f", {found.class_name}"
    print_table(
        f"{named}{of_class}: {_short(found.text)}",
        ("condensed row", "cosine", "class", "text"),
        [_cells(each) for each in found.condensed],
        right=("condensed row", "cosine"),
    )
    place = "would be" if found.source_row is None else "is"
    note(
        f"Condensed row {found.condensed[0].row} stands for {found.n_stood_for:,} source rows; by cosine this {place} "
        f"number {found.rank:,} of them."
    )


def _print_condensed(found: "StandsFor") -> None:
    print_table(
        f"condensed row {found.condensed_row}, {found.class_name}: {_short(found.text)}",
        ("source row", "cosine", "made from it", "class", "text"),
        [[*_cells(each)[:2], "yes" if each.parent else "", *_cells(each)[2:]] for each in found.source],
        right=("source row", "cosine"),
    )
    mean = "" if found.similarity is None else f", with a mean cosine of {found.similarity:.3f}"
    note(f"It stands for {found.n_source_rows:,} of {found.n_class:,} source rows of its class{mean}.")
    said = ", ".join(f"{name} {_value(value)}" for name, value in found.provenance.items())
    if said:
        note(f"Its provenance: {said}.")


def _cells(row: "Neighbour") -> list[str]:
    return [str(row.row), f"{row.similarity:.3f}", row.class_name, _short(row.text)]


def _value(value: Any) -> str:  # noqa: ANN401  (a JSON value)
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _TEXT else f"{line[: _TEXT - 1].rstrip()}…"
