"""``condensers generate``."""

from typing import Annotated, Any

import typer

from condensers.cli import options
from condensers.cli.language_model import check_known
from condensers.cli.method_options import GENERATING, DryRun, takes
from condensers.cli.running import check_place, run
from condensers.cli.settings import row_settings


@takes(GENERATING, before="dry_run")
def generate(
    source: options.Source,
    asked: dict[str, Any],
    output: options.Output = None,
    method: Annotated[
        str,
        typer.Option(
            help="softsrv trains an adapter that steers a frozen language model; prompt_template asks --llm for more "
            "rows after each row; self_refine has it criticise and rewrite them, too."
        ),
    ] = "softsrv",
    total: options.Total = None,
    per_class: options.PerClass = None,
    allow_fewer: options.AllowFewer = False,
    seed: options.Seed = 0,
    split: options.Split = None,
    name: options.Config = None,
    revision: options.Revision = None,
    text: options.Text = None,
    answer: options.Answer = "auto",
    label: options.Label = "auto",
    dedup: options.Dedup = None,
    drop_empty: options.DropEmpty = False,
    embedder: options.EmbedderName = None,
    prompt: options.EmbedderPrompt = None,
    dry_run: DryRun = False,
    provenance: options.Provenance = True,
    report: options.Report = True,
    overwrite: options.Overwrite = False,
    push: options.Push = None,
    public: options.PushPublic = False,
    json: options.Json = False,
) -> None:
    """Write more rows like those of a dataset, as many as you like, and answer them.

    SoftSRV: an adapter learns from the questions what they are like, with no prompt written by hand, and a frozen
    language model writes new ones with it. What repeats, copies a row, is cut off or holds parts of a test set is
    dropped; clusters of the rest give one text each in turn; --llm answers them. The rows come out as prompt and
    completion, ready for TRL's SFTTrainer. A killed run goes on where it stopped, training included, and another
    --total trains nothing anew.

    Example: condensers generate openai/gsm8k --name main --total 5000 --against test --output runs/more
    --generator google/gemma-2-2b --llm google/gemma-2-9b-it@http://localhost:8000/v1

    Questions alone, on a laptop: condensers generate questions.csv --answer none --total 100 --output runs/few
    --generator offline --embedder offline --num-virtual-tokens 16 --max-steps 300 --learning-rate 1e-3

    Rows without answers, classes among them, come out in the columns of the source; a row of a class is written after
    rows of that class. With --dry-run in place of --output it says what a run will need.
    """
    from condensers.errors import SettingError
    from condensers.methods import AutoCondenser, condenser_class, generating_methods

    if output is not None:
        check_place(output, overwrite)
    if not condenser_class(method).may_exceed_source:
        raise SettingError(
            f"`--method` must be one of {', '.join(generating_methods())}; got {method!r}. What keeps or writes a few "
            f"rows for many is a method of `condensers condense`."
        )
    settings = row_settings(
        text=text,
        label=label,
        embedder=embedder,
        dedup=dedup,
        drop_empty=drop_empty,
        allow_fewer=allow_fewer,
        per_class=per_class,
        total=total,
        fraction=None,
    )
    check_known([method], asked, dry_run=dry_run)
    settings |= {"answer": None if answer == "none" else answer, "prompt": prompt}
    condenser = AutoCondenser.from_method(method, seed=seed, provenance=provenance, **settings, **asked)
    place = {"split": split, "name": name, "revision": revision}
    run(
        condenser,
        source,
        place,
        output,
        overwrite=overwrite,
        report=report,
        dry_run=dry_run,
        json=json,
        push=push,
        public=public,
    )
