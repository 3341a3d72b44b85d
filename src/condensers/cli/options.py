"""Options that several commands share, each with its help written once."""

from pathlib import Path
from typing import Annotated

import typer

_DATA = "What to read"
_BUDGET = "How much to keep"
_HUB = "Where and how"
_GUARD = "What is looked for first"

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
    str | None,
    typer.Option(
        help="Repeated rows of a class: drop 'exact' ones (of aug_pe: 'none'), 'near' ones, 'none'.",
        rich_help_panel=_DATA,
    ),
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
AutoPerClass = Annotated[
    str | None,
    typer.Option(
        "--per-class",
        help="Rows to keep of each class; auto measures at which size more rows stop paying.",
        rich_help_panel=_BUDGET,
    ),
]
Budgets = Annotated[
    str | None,
    typer.Option(
        "--per-class", help="Rows to keep of each class; several with commas draw a curve.", rich_help_panel=_BUDGET
    ),
]
Total = Annotated[
    int | None, typer.Option(help="Rows to keep in all, shared out by class size.", rich_help_panel=_BUDGET)
]
Fraction = Annotated[float | None, typer.Option(help="Share of the rows to keep.", rich_help_panel=_BUDGET)]
AllowFewer = Annotated[
    bool, typer.Option("--allow-fewer", help="Take a whole class that is too small.", rich_help_panel=_BUDGET)
]
Weight = Annotated[
    str | None,
    typer.Option(
        help="Give each row an importance_weight: cluster_size, the source rows that it stands for, or the sum or "
        "mean of their own weights.",
        rich_help_panel=_BUDGET,
    ),
]
Answer = Annotated[
    str,
    typer.Option(
        help="Column of the answers, which --llm writes; 'auto' finds it by its name, 'none' writes questions alone.",
        rich_help_panel=_DATA,
    ),
]
Seed = Annotated[int, typer.Option(help="Fixes every random choice.")]
EmbedderPrompt = Annotated[
    str | None, typer.Option("--prompt", help="Task instruction put before each text it embeds.")
]
Provenance = Annotated[bool, typer.Option(help="Add columns that say where each row comes from.")]
Report = Annotated[bool, typer.Option(help="Write report.html into the output folder.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Folder to write; must be new or empty. --dry-run needs none.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")]
Public = Annotated[
    bool, typer.Option("--public", help="Let everybody see it; private if not given.", rich_help_panel=_HUB)
]
Push = Annotated[
    str | None,
    typer.Option(
        "--push",
        help="Publish the rows as this dataset repository, user/name, which is made before any work is spent; see "
        "`condensers push`.",
    ),
]
PushPublic = Annotated[bool, typer.Option("--public", help="With --push: let everybody see it.")]
Branch = Annotated[str | None, typer.Option("--branch", help="Branch to write to; main.", rich_help_panel=_HUB)]
Licence = Annotated[
    str | None,
    typer.Option(
        "--licence",
        "--license",
        help="As the Hub calls it: cc-by-4.0; that of the source's card.",
        rich_help_panel=_HUB,
    ),
]
Language = Annotated[
    str | None,
    typer.Option(help="Of the texts, ISO 639, with commas: en; that of the source's card.", rich_help_panel=_HUB),
]
AllowCopies = Annotated[
    bool, typer.Option("--allow-copies", help="Publish rows that repeat source rows.", rich_help_panel=_GUARD)
]
AllowPersonalData = Annotated[
    bool,
    typer.Option(
        "--allow-personal-data", help="Publish what looks like personal data or keys.", rich_help_panel=_GUARD
    ),
]
PhoneRegions = Annotated[
    str,
    typer.Option(
        help="Countries, with commas, whose phone numbers count without a +; others only with it.",
        rich_help_panel=_GUARD,
    ),
]
LEARNERS = "linear_probe, tfidf_linear, text_rnn, fine_tuned; fine_tuned=MODEL starts from another encoder."
Learners = Annotated[str, typer.Option(help=f"Classifiers to train, with commas: {LEARNERS}")]
Seeds = Annotated[int, typer.Option(min=1, help="Runs of each, with seeds 0, 1, 2, ...")]
