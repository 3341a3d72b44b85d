"""Options that several commands share, each with its help written once."""

from pathlib import Path
from typing import Annotated, Any

import typer

from condensers.errors import SettingError

_DATA = "What to read"
_BUDGET = "How much to keep"

Source = Annotated[
    str,
    typer.Argument(help="Hub id, folder, csv, jsonl or parquet file, or 'sample:shop_messages'.", show_default=False),
]
Split = Annotated[
    str | None, typer.Option(help="Split to read; the training split if not given.", rich_help_panel=_DATA)
]
Config = Annotated[str | None, typer.Option("--name", help="Configuration of a Hub dataset.", rich_help_panel=_DATA)]
Revision = Annotated[str | None, typer.Option(help="Revision of a Hub dataset.", rich_help_panel=_DATA)]
Text = Annotated[
    str | None,
    typer.Option(help="Text column, or several with commas; guessed if there is one answer.", rich_help_panel=_DATA),
]
Label = Annotated[str, typer.Option(help="Label column; 'auto' guesses, 'none' has none.", rich_help_panel=_DATA)]
Dedup = Annotated[
    str, typer.Option(help="Repeated rows of a class: drop 'exact' ones, 'near' ones, 'none'.", rich_help_panel=_DATA)
]
DropEmpty = Annotated[bool, typer.Option("--drop-empty", help="Leave out rows without text.", rich_help_panel=_DATA)]
EmbedderName = Annotated[
    str | None,
    typer.Option(
        "--embedder",
        help="sentence-transformers model, MODEL@BASE_URL, or 'offline' for the bundled MiniLM.",
        rich_help_panel=_DATA,
    ),
]
PerClass = Annotated[int | None, typer.Option(help="Rows to keep of each class.", rich_help_panel=_BUDGET)]
Total = Annotated[
    int | None, typer.Option(help="Rows to keep in all, shared out by class size.", rich_help_panel=_BUDGET)
]
Fraction = Annotated[float | None, typer.Option(help="Share of the rows to keep.", rich_help_panel=_BUDGET)]
AllowFewer = Annotated[
    bool, typer.Option("--allow-fewer", help="Take a whole class that is too small.", rich_help_panel=_BUDGET)
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder to write; must be new or empty.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")]
Learners = Annotated[str, typer.Option(help="Classifiers to train, with commas: linear_probe, text_rnn, fine_tuned.")]
Seeds = Annotated[int, typer.Option(min=1, help="Runs of each, with seeds 0, 1, 2, ...")]


def split_names(value: str, option: str) -> list[str]:
    """Splits a comma-separated option.

    Raises:
        SettingError: if a name is empty or occurs twice.
    """
    names = [name.strip() for name in value.split(",")]
    if not all(names) or len(set(names)) != len(names):
        raise SettingError(f"`{option}` must be different names with commas between them; got {value!r}.")
    return names


def row_settings(
    *,
    text: str | None,
    label: str,
    embedder: str | None,
    dedup: str,
    drop_empty: bool,
    allow_fewer: bool,
    per_class: int | None,
    total: int | None,
    fraction: float | None,
) -> dict[str, Any]:
    """The settings of a condenser that these options stand for."""
    settings: dict[str, Any] = {
        "text": None if text is None else tuple(split_names(text, "--text")),
        "label": None if label == "none" else label,
        "dedup": dedup,
        "drop_empty": drop_empty,
        "allow_fewer": allow_fewer,
        "per_class": per_class,
        "total": total,
        "fraction": fraction,
    }
    return settings if embedder is None else {**settings, "embedder": embedder}
