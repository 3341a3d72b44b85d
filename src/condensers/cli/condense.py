"""``condensers condense``."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from condensers.cli import options
from condensers.cli.language_model import check_known, show_estimate, spent
from condensers.cli.screen import note, print_json, print_table

if TYPE_CHECKING:
    from datasets import Dataset

    from condensers.methods import Condenser, RunRecord


def condense(
    source: options.Source,
    output: options.Output = None,
    method: Annotated[
        str,
        typer.Option(
            help="random, herding, k_center, greedy_k_center, facility_location keep rows; condenselm, few_shot, "
            "error_extrapolation, aug_pe have a language model write them; pinr, dallme, mgd3 write a text for each "
            "of a few points."
        ),
    ] = "k_center",
    per_class: options.PerClass = None,
    total: options.Total = None,
    fraction: options.Fraction = None,
    allow_fewer: options.AllowFewer = False,
    seed: Annotated[int, typer.Option(help="Fixes every random choice.")] = 0,
    split: options.Split = None,
    name: options.Config = None,
    revision: options.Revision = None,
    text: options.Text = None,
    label: options.Label = "auto",
    dedup: options.Dedup = None,
    drop_empty: options.DropEmpty = False,
    embedder: options.EmbedderName = None,
    prompt: Annotated[str | None, typer.Option(help="Task instruction put before each text it embeds.")] = None,
    llm: options.LLMName = None,
    reward_model: options.RewardModel = None,
    reply_format: options.ReplyFormat = None,
    candidates: options.Candidates = None,
    inverter: options.Inverter = None,
    corrector: options.Corrector = None,
    num_neighbours: options.NumNeighbours = None,
    num_candidates: options.NumCandidates = None,
    score_model: options.ScoreModel = None,
    refinement_prompt: options.RefinementPrompt = None,
    num_variants: options.NumVariants = None,
    num_seeds: options.NumSeeds = None,
    num_rounds: options.NumRounds = None,
    topic: options.Topic = None,
    words: options.Words = None,
    iterations: options.Iterations = None,
    variations: options.Variations = None,
    initial: options.Initial = None,
    vary_by: options.VaryBy = None,
    epsilon: options.Epsilon = None,
    delta: options.Delta = None,
    temperature: options.Temperature = None,
    reply_tokens: options.ReplyTokens = None,
    concurrency: options.Concurrency = None,
    max_requests: options.MaxRequests = None,
    max_tokens: options.MaxTokens = None,
    max_cost: options.MaxCost = None,
    input_price: options.InputPrice = None,
    output_price: options.OutputPrice = None,
    dry_run: options.DryRun = False,
    provenance: Annotated[bool, typer.Option(help="Add columns that say where each row comes from.")] = True,
    report: Annotated[bool, typer.Option(help="Write report.html into the output folder.")] = True,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
) -> None:
    """Condense a dataset into a few rows and write them as a dataset folder.

    A killed run goes on where it stopped when the same command is given again.

    Example: condensers condense stanfordnlp/sst2 --method k_center --per-class 10 --output runs/sst2

    With a language model: condensers condense stanfordnlp/sst2 --method condenselm --per-class 10 --output runs/clm
    --llm Qwen/Qwen3-8B@http://localhost:8000/v1; with --dry-run in place of --output it says what that will need.
    """
    from condensers.data import check_output, new_folder
    from condensers.errors import SettingError
    from condensers.hub import write_condensed
    from condensers.methods import AutoCondenser
    from condensers.methods.llm_condenser import LLMCondenser

    if output is not None:
        check_output(output, overwrite=overwrite)
    settings = options.row_settings(
        text=text,
        label=label,
        embedder=embedder,
        dedup=dedup,
        drop_empty=drop_empty,
        allow_fewer=allow_fewer,
        per_class=per_class,
        total=total,
        fraction=fraction,
    )
    asked = options.llm_settings(
        llm=llm,
        reward_model=reward_model,
        reply_format=reply_format,
        candidates=candidates,
        inverter=inverter,
        corrector=corrector,
        num_neighbours=num_neighbours,
        num_candidates=num_candidates,
        score_model=score_model,
        refinement_prompt=refinement_prompt,
        num_variants=num_variants,
        num_seeds=num_seeds,
        num_rounds=num_rounds,
        topic=topic,
        words=words,
        iterations=iterations,
        variations=variations,
        initial=initial,
        vary_by=vary_by,
        epsilon=epsilon,
        delta=delta,
        temperature=temperature,
        reply_tokens=reply_tokens,
        concurrency=concurrency,
        max_requests=max_requests,
        max_tokens=max_tokens,
        max_cost=max_cost,
        input_price=input_price,
        output_price=output_price,
    )
    check_known(method, asked, dry_run)
    condenser = AutoCondenser.from_method(method, seed=seed, prompt=prompt, provenance=provenance, **settings, **asked)
    if dry_run and isinstance(condenser, LLMCondenser):
        show_estimate(condenser, source, {"split": split, "name": name, "revision": revision}, json)
        return
    if output is None:
        raise SettingError("the rows need a place: give --output a folder that is new or empty.")
    private = epsilon is not None
    rows = condenser.condense(source, split=split, name=name, revision=revision)
    run = condenser.run_
    if int(os.environ.get("RANK", "0")) > 0:  # under `accelerate launch` all processes embed and the first one writes
        return
    with new_folder(output, overwrite=overwrite) as folder:
        write_condensed(rows, folder, run)
        if report and not private:
            note("Drawing the report ...", quiet=json)
            _write_report(condenser, rows, folder / "report.html")
    if json:
        print_json({"output": str(output), **run.to_json()})
        return
    _say(run, output)
    if report and private:
        note("There is no report: its charts and its map would show the private rows.")
    elif report:
        note(f"Open {output / 'report.html'} in a browser.")


def _say(run: "RunRecord", output: Path) -> None:
    """Prints what was made of how much."""
    counts = [(class_name, str(count)) for class_name, count in run.class_counts.items()]
    of_rows = f"{run.n_rows} rows" if run.n_source_rows is None else f"{run.n_rows} of {run.n_source_rows:,} rows"
    print_table(f"{run.method}: {of_rows}", ("class", "rows"), counts, right=("rows",))
    if run.seconds:
        embedded = f"{run.n_embedded:,} texts embedded" if run.n_embedded else "embeddings from the cache"
        note(f"{embedded} in {run.seconds['embedding']:.1f} s, condensed in {run.seconds['condensing']:.1f} s.")
    if run.llm is not None:
        for line in spent(run.llm):
            note(line)
    if run.privacy is not None:
        note(str(run.privacy["statement"]))
    note(f"Rows and card in {output}; load them with load_dataset({str(output)!r}).")


def _write_report(condenser: "Condenser", rows: "Dataset", path: Path) -> None:
    from condensers.data import read_rows
    from condensers.embedding import embed_texts
    from condensers.evaluation import MethodResult, coverage_similarity
    from condensers.methods import placed_points
    from condensers.report import write_report

    prepared, run = condenser.prepared_, condenser.run_
    read = read_rows(rows, prepared.columns, class_names=prepared.rows.class_names or None)
    vectors = embed_texts(read.texts, condenser.embedder, progress=False).vectors[:]
    similarity = coverage_similarity(prepared.vectors, vectors, prepared.rows.codes, read.codes)
    seconds, points = run.seconds["condensing"], placed_points(condenser)
    result = MethodResult(run.method, rows, vectors, run, (), similarity, seconds, points)
    title = f"{run.n_rows} of {run.n_source_rows:,} rows by {run.method}"
    write_report(path, title=title, source=prepared.rows, vectors=prepared.vectors, results=[result])
