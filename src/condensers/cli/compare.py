"""``condensers compare``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from condensers.cli import options
from condensers.cli.screen import note, print_json, print_table

if TYPE_CHECKING:
    from condensers.embedding import Embedder
    from condensers.evaluation import Learner, MethodResult


def compare(
    source: options.Source,
    methods: Annotated[
        str, typer.Option(help="Methods, with commas; the first is what the others are tested against.")
    ] = "random,herding,k_center,greedy_k_center,facility_location",
    per_class: options.Budgets = None,
    total: options.Total = None,
    fraction: options.Fraction = None,
    allow_fewer: options.AllowFewer = False,
    learners: options.Learners = "linear_probe",
    seeds: options.Seeds = 5,
    fine_tuned_seeds: Annotated[
        int | None, typer.Option(min=1, help="Runs of fine_tuned, the slow learner, if not --seeds.")
    ] = None,
    fine_tuned_steps: Annotated[int, typer.Option(min=1, help="Steps of fine_tuned; CondenseLM's are 200.")] = 200,
    split: options.Split = None,
    test_split: Annotated[str | None, typer.Option(help="Split to test on; test, else validation.")] = None,
    name: options.Config = None,
    revision: options.Revision = None,
    text: options.Text = None,
    label: options.Label = "auto",
    dedup: options.Dedup = "exact",
    drop_empty: options.DropEmpty = False,
    embedder: options.EmbedderName = None,
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
    temperature: options.Temperature = None,
    reply_tokens: options.ReplyTokens = None,
    concurrency: options.Concurrency = None,
    max_requests: options.MaxRequests = None,
    max_tokens: options.MaxTokens = None,
    max_cost: options.MaxCost = None,
    input_price: options.InputPrice = None,
    output_price: options.OutputPrice = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for rows, table and report.")] = None,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
) -> None:
    """Condense with several methods at the same budget and train the same classifiers on each result.

    A method that asks a language model runs once for each seed, and the limits hold for each run. With several
    budgets, --per-class 5,10,20, all of this is done at each, and the report draws accuracy over them.

    Example: condensers compare stanfordnlp/sst2 --methods random,k_center --per-class 10 --output runs/compare
    """
    from condensers.data import check_output, load_splits, load_test_split, read_rows
    from condensers.embedding import load_embedder
    from condensers.evaluation import compare_methods
    from condensers.methods import AutoCondenser, settings_for

    names = options.split_names(methods, "--methods")
    budgets: list[int | None] = [None] if per_class is None else [*options.split_sizes(per_class, "--per-class")]
    if output is not None:
        check_output(output, overwrite=overwrite)
    settings = options.row_settings(
        text=text,
        label=label,
        embedder=None,
        dedup=dedup,
        drop_empty=drop_empty,
        allow_fewer=allow_fewer,
        per_class=budgets[-1],  # the largest, which is the one that rows may not suffice for
        total=total,
        fraction=fraction,
    ) | options.llm_settings(
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
        temperature=temperature,
        reply_tokens=reply_tokens,
        concurrency=concurrency,
        max_requests=max_requests,
        max_tokens=max_tokens,
        max_cost=max_cost,
        input_price=input_price,
        output_price=output_price,
    )
    model = load_embedder() if embedder is None else load_embedder(embedder)
    condensers = [
        AutoCondenser.from_method(method, embedder=model, **settings_for(method, settings)) for method in names
    ]
    for condenser in condensers:
        condenser.check_settings()  # what is missing is said before any work
    splits = load_splits(source, name=name, revision=revision)
    test_rows = load_test_split(splits, split=test_split)
    prepared = condensers[0].fit(source, split=split, name=name, revision=revision).prepared_
    sizes = {prepared.rows.class_name(code): n for code, n in prepared.rows.class_counts.items()}
    for condenser in condensers:
        condenser.config.budget.allocate(sizes, allow_fewer=allow_fewer, unbounded=condenser.may_exceed_source)
    test = read_rows(test_rows, prepared.columns, drop_empty=drop_empty, class_names=prepared.rows.class_names)
    trained = _learners(options.split_names(learners, "--learners"), model, seeds, fine_tuned_seeds, fine_tuned_steps)
    results = []
    for budget in budgets:
        if len(budgets) > 1:
            note(f"Budget: {budget} a class.", quiet=json)
        results += compare_methods(
            prepared,
            test,
            names,
            trained,
            embedder=model,
            settings={**settings, "per_class": budget},
            on_progress=lambda message: note(message, quiet=json),
        )
    columns, table = _table(results, len(names))
    if output is not None:
        _write(output, overwrite, source, results, names, prepared, columns, table)
    if json:
        print_json({"source": source, "methods": [_summary(result) for result in results]})
        return
    print_table(f"{source}: {len(prepared.rows):,} rows, tested on {len(test):,}", columns, table, right=columns[1:])
    note(
        "accuracy: mean and standard deviation over seeds; vs: difference to the first method at the same budget, "
        "p of a paired t-test."
    )
    note("A deviation of 0.0 over several seeds: neither the method nor the learner draws anything at random.")
    if output is not None:
        note(f"Open {output / 'report.html'} in a browser; the rows of each method are in {output}.")


def _learners(
    names: Sequence[str], embedder: "Embedder", seeds: int, fine_tuned_seeds: int | None, steps: int
) -> "dict[str, tuple[Learner, list[int]]]":
    from condensers.evaluation import load_learner

    learners = {}
    for name in names:
        slow = name == "fine_tuned"
        learner = load_learner(name, embedder=embedder, **({"max_steps": steps} if slow else {}))
        learners[name] = (learner, list(range(fine_tuned_seeds or seeds if slow else seeds)))
    return learners


def _table(results: "Sequence[MethodResult]", n_methods: int) -> tuple[list[str], list[list[str]]]:
    """One line a result; those of a budget are together, and the first of them is what they are tested against."""
    from condensers.evaluation import paired_t_test

    columns = ["method", "rows", "seconds"]
    for scores in results[0].scores:
        columns += [f"{scores.learner} (n={scores.n})", *([f"vs {results[0].method}"] if scores.n > 1 else [])]
    table = []
    for i, result in enumerate(results):
        first = results[i - i % n_methods]
        row = [result.method, str(result.run.n_rows), f"{result.seconds:.2f}"]
        for scores, base in zip(result.scores, first.scores, strict=True):
            spread = f" ± {100 * scores.std:.1f}" if scores.n > 1 else ""
            row.append(f"{100 * scores.mean:.1f}{spread}")
            if scores.n > 1:
                test = paired_t_test(scores.accuracy, base.accuracy)
                row.append("" if result is first else f"{100 * test.difference:+.1f} (p={test.p_value:.2g})")
        table.append([*row, f"{result.similarity:.3f}"])
    return [*columns, "similarity"], table


def _summary(result: "MethodResult") -> dict[str, Any]:
    return {
        "method": result.method,
        "rows": result.run.n_rows,
        "per_class": result.run.settings["per_class"],
        "seconds": result.seconds,
        "similarity": result.similarity,
        "scores": {
            scores.learner: {"accuracy": list(scores.accuracy), "macro_f1": list(scores.macro_f1), "mean": scores.mean}
            for scores in result.scores
        },
    }


def _write(
    output: Path,
    overwrite: bool,
    source: str,
    results: "Sequence[MethodResult]",
    names: Sequence[str],
    prepared: Any,  # noqa: ANN401  (PreparedSource, whose import would slow --help)
    columns: Sequence[str],
    table: Sequence[Sequence[str]],
) -> None:
    from condensers.data import new_folder, write_json, write_text
    from condensers.hub import write_condensed
    from condensers.report import write_report

    lines = [columns, ["---"] * len(columns), *table]
    with new_folder(output, overwrite=overwrite) as folder:
        for result in results:
            budget = f"_{result.run.settings['per_class']}" if len(results) > len(names) else ""
            write_condensed(result.rows, folder / f"{result.method}{budget}", result.run)
        write_json(folder / "comparison.json", {"source": source, "methods": [_summary(r) for r in results]})
        write_text(folder / "comparison.md", "".join(f"| {' | '.join(line)} |\n" for line in lines))
        write_report(
            folder / "report.html",
            title=f"{source}: {len(names)} methods",
            source=prepared.rows,
            vectors=prepared.vectors,
            results=results,
        )
