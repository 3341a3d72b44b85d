"""``condensers condense``."""

from typing import Annotated

import typer

from condensers.cli import options
from condensers.cli.language_model import check_known
from condensers.cli.running import check_place, run
from condensers.cli.settings import auto_size, llm_settings, row_settings


def condense(
    source: options.Source,
    output: options.Output = None,
    method: Annotated[
        str,
        typer.Option(
            help="random, herding, k_center, greedy_k_center, facility_location, moderate, el2n, g_dig, e2sc_is, "
            "krr_exchange, inducing_points keep rows; condenselm, few_shot, error_extrapolation, aug_pe have a "
            "language model write them; pinr, dallme, mgd3 write a text for each of a few points; discretization, "
            "dilm match gradients."
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
    classifier: options.Classifier = None,
    matching_steps: options.MatchingSteps = None,
    matching_rate: options.MatchingRate = None,
    generator: options.RowWriter = None,
    training_steps: options.TrainingSteps = None,
    training_rate: options.TrainingRate = None,
    oversampling: options.Oversampling = None,
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
    asked = llm_settings(
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
        classifier=classifier,
        matching_steps=matching_steps,
        matching_rate=matching_rate,
        generator=generator,
        training_steps=training_steps,
        training_rate=training_rate,
        oversampling=oversampling,
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
