"""``condensers compare``."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from condensers.cli import options
from condensers.cli.language_model import check_known
from condensers.cli.method_options import CONDENSING, takes
from condensers.cli.screen import note, print_json, print_table
from condensers.cli.settings import row_settings, split_amounts, split_names, split_sizes

if TYPE_CHECKING:
    from condensers.embedding import Embedder
    from condensers.evaluation import EqualBudget, Learner, MethodResult, Resource, Scores
    from condensers.methods import PreparedSource


@takes(CONDENSING, before="output")
def compare(
    source: options.Source,
    asked: dict[str, Any],
    methods: Annotated[
        str, typer.Option(help="Methods, with commas; the first is what the others are tested against.")
    ] = "random,herding,k_center,greedy_k_center,facility_location",
    per_class: options.Budgets = None,
    total: options.Total = None,
    fraction: options.Fraction = None,
    allow_fewer: options.AllowFewer = False,
    weight: options.Weight = None,
    equal: Annotated[
        str | None,
        typer.Option(
            help="With several sizes: what is equal in one more table each, with commas: tokens, seconds, llm_tokens, "
            "cost; tokens=2000 says how much, else it is the most that every method can spend."
        ),
    ] = None,
    learners: options.Learners = "linear_probe",
    seeds: options.Seeds = 5,
    fine_tuned_seeds: Annotated[
        int | None, typer.Option(min=1, help="Runs of fine_tuned, the slow learner, if not --seeds.")
    ] = None,
    all_rows: Annotated[
        bool,
        typer.Option("--all-rows", help="Train each learner once on all source rows too: what there is to reach."),
    ] = False,
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
    from condensers.evaluation import compare_methods, train_on_all_rows
    from condensers.methods import AutoCondenser, settings_for

    names = split_names(methods, "--methods")
    check_known(names, asked)
    equals = _equals(equal)
    budgets: list[int | None] = [None] if per_class is None else [*split_sizes(per_class, "--per-class")]
    if output is not None:
        check_output(output, overwrite=overwrite)
    settings = row_settings(
        text=text,
        label=label,
        embedder=None,
        dedup=dedup,
        drop_empty=drop_empty,
        allow_fewer=allow_fewer,
        per_class=budgets[-1],  # the largest, which is the one that rows may not suffice for
        total=total,
        fraction=fraction,
    )
    settings |= {**asked, "weight": weight}
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
    tell = partial(note, quiet=json)
    trained = _learners(split_names(learners, "--learners"), model, seeds, fine_tuned_seeds, fine_tuned_steps)
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
            on_progress=tell,
        )
    ceilings = train_on_all_rows(prepared, test, trained, on_progress=tell) if all_rows else ()
    found = _Found(source, names, prepared, len(test), results, ceilings, equals)
    if output is not None:
        found.write(output, overwrite=overwrite)
    if json:
        print_json(found.document())
        return
    found.show()
    if output is not None:
        note(f"Open {output / 'report.html'} in a browser; the rows of each method are in {output}.")


@dataclass(frozen=True)
class _Found:
    """What a comparison found, for the screen, for programs and for its folder."""

    source: str
    names: Sequence[str]
    prepared: "PreparedSource"
    n_test_rows: int
    results: "Sequence[MethodResult]"
    ceilings: "Sequence[Scores]"
    equals: "Sequence[tuple[Resource, float | None]]"

    def table(self) -> tuple[list[str], list[list[str]]]:
        """One line a result, and one of all rows."""
        columns, table = _table(self.results, len(self.names))
        if self.ceilings:
            means = {scores.learner: f"{100 * scores.mean:.1f}" for scores in self.ceilings}
            known = {"method": "all rows", "rows": str(len(self.prepared.rows))}
            table.append([known.get(name) or means.get(name.partition(" (n=")[0], "") for name in columns])
        return columns, table

    @cached_property
    def at(self) -> "list[EqualBudget]":
        """The runs at equal budgets of other kinds."""
        from condensers.evaluation import at_equal

        return [at_equal(self.results, resource, amount) for resource, amount in self.equals]

    def document(self) -> dict[str, Any]:
        """All numbers, as JSON."""
        document: dict[str, Any] = {"source": self.source, "methods": [_summary(result) for result in self.results]}
        if self.ceilings:
            document["all_rows"] = {"rows": len(self.prepared.rows), "scores": _scores(self.ceilings)}
        return {**document, **({"equal": [_equal_json(each) for each in self.at]} if self.at else {})}

    def show(self) -> None:
        columns, table = self.table()
        title = f"{self.source}: {len(self.prepared.rows):,} rows, tested on {self.n_test_rows:,}"
        print_table(title, columns, table, right=columns[1:])
        for each in self.at:
            print_table(_equal_title(each), *_equal_table(each), right=columns[1:])
        note(
            "accuracy: mean and standard deviation over seeds; vs: difference to the first method at the same budget, "
            "p of a paired t-test."
        )
        note("A deviation of 0.0 over several seeds: neither the method nor the learner draws anything at random.")

    def write(self, output: Path, *, overwrite: bool) -> None:
        """Writes rows, table, numbers and report into a folder."""
        from condensers.data import new_folder, write_json, write_text
        from condensers.hub import write_condensed
        from condensers.report import write_report

        text = _markdown(*self.table())
        for each in self.at:
            text += f"\n{_equal_title(each)}\n\n{_markdown(*_equal_table(each))}"
        with new_folder(output, overwrite=overwrite) as folder:
            for result in self.results:
                budget = f"_{result.run.settings['per_class']}" if len(self.results) > len(self.names) else ""
                write_condensed(result.rows, folder / f"{result.method}{budget}", result.run)
            write_json(folder / "comparison.json", self.document())
            write_text(folder / "comparison.md", text)
            write_report(
                folder / "report.html",
                title=f"{self.source}: {len(self.names)} methods",
                source=self.prepared.rows,
                vectors=self.prepared.vectors,
                results=self.results,
                ceilings=self.ceilings,
            )


def _equals(equal: str | None) -> "list[tuple[Resource, float | None]]":
    """What runs are compared at, checked before any work."""
    from condensers.evaluation import check_equal

    equals = [] if equal is None else split_amounts(equal, "--equal")
    for resource, amount in equals:
        check_equal(resource, amount)
    return equals


def _learners(
    names: Sequence[str], embedder: "Embedder", seeds: int, fine_tuned_seeds: int | None, steps: int
) -> "dict[str, tuple[Learner, list[int]]]":
    from condensers.evaluation import load_learner

    learners = {}
    for name in names:
        slow = name.partition("=")[0] == "fine_tuned"
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


def _equal_table(equal: "EqualBudget") -> tuple[list[str], list[list[str]]]:
    """The table of those runs, with what they spent; a method without one has a line of its own."""
    from condensers.evaluation import spent

    found = [result for result in equal.results.values() if result is not None]
    if not found:
        return ["method"], [[f"{method}: too dear at every size"] for method in equal.results]
    columns, table = _table(found, len(found))
    lines = {row[0]: [*row, _amount(spent(r, equal.resource))] for row, r in zip(table, found, strict=True)}
    blank = [""] * (len(columns) - 1)
    rows = [lines.get(method, [method, *blank, "too dear"]) for method in equal.results]
    return [*columns, equal.resource], rows


def _equal_title(equal: "EqualBudget") -> str:
    return f"At most {_amount(equal.amount)} {equal.resource}: the largest run of each method within that"


def _equal_json(equal: "EqualBudget") -> dict[str, Any]:
    runs = {method: result and _summary(result) for method, result in equal.results.items()}
    return {"resource": equal.resource, "amount": equal.amount, "methods": runs}


def _amount(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}"


def _scores(found: "Sequence[Scores]") -> dict[str, Any]:
    return {
        scores.learner: {"accuracy": list(scores.accuracy), "macro_f1": list(scores.macro_f1), "mean": scores.mean}
        for scores in found
    }


def _summary(result: "MethodResult") -> dict[str, Any]:
    from condensers.evaluation import spent

    return {
        "method": result.method,
        "rows": result.run.n_rows,
        "per_class": result.run.settings["per_class"],
        "seconds": result.seconds,
        "similarity": result.similarity,
        "spent": {resource: spent(result, resource) for resource in ("tokens", "llm_tokens", "cost")},
        "scores": _scores(result.scores),
    }


def _markdown(columns: Sequence[str], table: Sequence[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(line)} |\n" for line in (columns, ["---"] * len(columns), *table))
