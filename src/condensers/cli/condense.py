"""``condensers condense``."""

from typing import Annotated, Any

import typer

from condensers.cli import options
from condensers.cli.language_model import check_known
from condensers.cli.method_options import CONDENSING, DryRun, takes
from condensers.cli.running import check_place, run
from condensers.cli.settings import auto_size, row_settings


@takes(CONDENSING, before="dry_run")
def condense(
    source: options.Source,
    asked: dict[str, Any],
    output: options.Output = None,
    method: Annotated[
        str,
        typer.Option(
            help="random, herding, k_center, greedy_k_center, facility_location, moderate, el2n, g_dig, e2sc_is, "
            "krr_exchange, inducing_points keep rows; condenselm, krr_rewrite, few_shot, error_extrapolation, "
            "aug_pe have a language model write them; pinr, dallme, mgd3 write a text for each of a few points; "
            "discretization, dilm match gradients."
        ),
    ] = "k_center",
    per_class: options.AutoPerClass = None,
    total: options.Total = None,
    fraction: options.Fraction = None,
    allow_fewer: options.AllowFewer = False,
    weight: options.Weight = None,
    seed: options.Seed = 0,
    split: options.Split = None,
    name: options.Config = None,
    revision: options.Revision = None,
    text: options.Text = None,
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
    """Condense a dataset into a few rows and write them as a dataset folder.

    A killed run goes on where it stopped when the same command is given again.

    Example: condensers condense stanfordnlp/sst2 --method k_center --per-class 10 --output runs/sst2

    With a language model: condensers condense stanfordnlp/sst2 --method condenselm --per-class 10 --output runs/clm
    --llm Qwen/Qwen3-8B@http://localhost:8000/v1; with --dry-run in place of --output it says what that will need.
    """
    from condensers.methods import AutoCondenser

    if output is not None:
        check_place(output, overwrite)
    settings = row_settings(
        text=text,
        label=label,
        embedder=embedder,
        dedup=dedup,
        drop_empty=drop_empty,
        allow_fewer=allow_fewer,
        per_class=auto_size(per_class, "--per-class"),
        total=total,
        fraction=fraction,
    )
    check_known([method], asked, dry_run=dry_run)
    condenser = AutoCondenser.from_method(
        method, seed=seed, prompt=prompt, provenance=provenance, weight=weight, **settings, **asked
    )
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
