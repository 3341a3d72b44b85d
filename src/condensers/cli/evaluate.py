"""``condensers evaluate``."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from condensers.cli import options
from condensers.cli.screen import print_json, print_table
from condensers.cli.settings import split_names

if TYPE_CHECKING:
    from condensers.data import Columns, Rows
    from condensers.embedding import Embedder, Matrix
    from condensers.evaluation import Learner, Scores
    from condensers.metrics import Score

_LEARNERS = "linear_probe,text_rnn"


def evaluate(
    rows: Annotated[
        Path, typer.Argument(help="Folder that `condensers condense` or `generate` wrote.", show_default=False)
    ],
    against: Annotated[str, typer.Option(help="The source dataset; classifiers are tested on its test split.")],
    learners: Annotated[
        str | None,
        typer.Option(
            help=f"Classifiers to train, with commas, or 'none'; {_LEARNERS} unless the rows have no labels. "
            f"There are {options.LEARNERS}"
        ),
    ] = None,
    seeds: options.Seeds = 5,
    weighted: Annotated[
        bool, typer.Option("--weighted", help="Weight the rows by their column importance_weight.")
    ] = False,
    test_split: Annotated[str | None, typer.Option(help="Split to test on; test, else validation.")] = None,
    name: options.Config = None,
    revision: options.Revision = None,
    embedder: options.EmbedderName = None,
    metrics: Annotated[
        str,
        typer.Option(
            help="Metrics of likeness to the source, with commas; 'all' is all but gradient_similarity, or 'none'."
        ),
    ] = "all",
    reference_rows: Annotated[
        int, typer.Option(min=2, help="Source rows that the metrics compare with; a sample if there are more.")
    ] = 5000,
    json: options.Json = False,
) -> None:
    """Train classifiers on condensed rows, test them on real ones, and say how like the source the rows are.

    Each metric stands beside what true samples of the same size score, so that a number for few rows can be read. All
    numbers are kept in the folder, and stand on the card that `condensers push` writes.

    Example: condensers evaluate runs/sst2 --against stanfordnlp/sst2
    """
    from condensers.data import load_source, load_splits, load_test_split, read_rows, write_json
    from condensers.embedding import embed_texts, load_embedder
    from condensers.evaluation import coverage_similarity, evaluate_rows
    from condensers.hub import EVALUATION_FILE, like_source, load_condensed

    dataset, run = load_condensed(rows)
    settings = run.settings
    model = load_embedder(embedder or settings["embedder"], prompt=settings["prompt"])
    splits = load_splits(against, name=name, revision=revision)
    source_rows = load_source(splits, split=run.source.get("split"))
    dataset, columns = like_source(dataset, run, source_rows)
    # Named wrongly, a learner is refused before the metrics are computed.
    trained = _learners(learners, columns, model)
    named = [] if metrics == "none" else split_names(metrics, "--metrics")
    source = read_rows(source_rows, columns, drop_empty=settings["drop_empty"])
    condensed = read_rows(dataset, columns, class_names=source.class_names or None)
    test = None
    if trained or {"all", "decontamination"} & set(named):
        test_rows = load_test_split(splits, split=test_split)
        test = read_rows(test_rows, columns, class_names=source.class_names or None)
    vectors = embed_texts(source.texts, model).vectors
    ours = embed_texts(condensed.texts, model).vectors
    similarity = coverage_similarity(vectors, ours[:], source.codes, condensed.codes)
    n_references = min(reference_rows, len(source))
    likeness = _likeness(named, condensed, ours, source, vectors, n_references, test)
    scores = []
    if test is not None:
        scores = [evaluate_rows(condensed, test, each, seeds=range(seeds), weighted=weighted) for each in trained]
    found = {
        "rows": len(condensed),
        "similarity": similarity,
        "scores": {s.learner: {"accuracy": list(s.accuracy), "macro_f1": list(s.macro_f1)} for s in scores},
        "metrics": {score: asdict(value) for score, value in likeness.items()},
    }
    beside = {
        "against": against,
        "n_test_rows": 0 if test is None else len(test),
        "n_reference_rows": n_references,
        "seeds": seeds,
        "weighted": weighted,
    }
    write_json(rows / EVALUATION_FILE, {**found, **beside})
    if json:
        print_json(found)
        return
    title = f"{len(condensed)} rows of {run.method}"
    if scores:
        _print_scores(f"{title}, tested on {beside['n_test_rows']:,} rows; similarity {similarity:.3f}", scores)
    else:
        typer.echo(f"{title}; similarity {similarity:.3f}; no classifier was trained")
    if likeness:
        _print_likeness(likeness, len(condensed), n_references)


def _learners(names: str | None, columns: "Columns", embedder: "Embedder") -> "list[Learner]":
    """The classifiers to train; none of unlabelled rows, unless somebody asks for them, which is a mistake."""
    from condensers.errors import ColumnError
    from condensers.evaluation import load_learner

    if names == "none" or (names is None and columns.label is None):
        return []
    if columns.label is None:
        raise ColumnError(
            f"these rows have no labels, so {names} cannot be trained on them. Leave `--learners` out; the metrics "
            f"need no labels."
        )
    return [load_learner(name, embedder=embedder) for name in split_names(names or _LEARNERS, "--learners")]


def _likeness(
    named: "Sequence[str]",
    condensed: "Rows",
    ours: "Matrix",
    source: "Rows",
    vectors: "Matrix",
    n_references: int,
    test: "Rows | None",
) -> "dict[str, Score]":
    """The metrics of those names: of the rows beside a sample of the source, and of what they share with test rows."""
    from condensers.embedding import VectorRows
    from condensers.metrics import STANDARD, TextSet, measure, sample_positions

    if not named:
        return {}
    chosen = sample_positions(len(source), n_references, 0)
    few = TextSet(condensed.texts, ours)
    references = TextSet([source.texts[i] for i in chosen.tolist()], VectorRows(vectors, chosen))
    labels = None if source.codes is None else source.codes[chosen]
    classes = {"prediction_labels": condensed.codes, "reference_labels": labels}
    standard = STANDARD if "all" in named else ()
    others = [name for name in named if name not in ("all", "decontamination", *standard)]
    likeness = measure(few, references) if standard else {}
    likeness |= measure(few, references, others, settings={"gradient_similarity": classes}, progress=not standard)
    if test is not None and {"all", "decontamination"} & set(named):
        # Of a test set, and not of the source, should nothing be found.
        likeness |= measure(few, TextSet(test.texts), ["decontamination"], progress=False)
    return likeness


def _print_scores(title: str, scores: "Sequence[Scores]") -> None:
    table = [
        (s.learner, f"{100 * s.mean:.1f}", f"{100 * s.std:.1f}", f"{100 * sum(s.macro_f1) / s.n:.1f}", str(s.n))
        for s in scores
    ]
    columns = ("learner", "accuracy", "sd", "macro F1", "n")
    print_table(title, columns, table, right=columns[1:])


def _print_likeness(likeness: "dict[str, Score]", n_rows: int, n_references: int) -> None:
    """Prints the metrics, each beside its null distribution."""
    from condensers.metrics import METRICS

    better = {name: way for kind in METRICS.values() for name, way in kind.scores.items()}
    title = f"{n_rows} rows beside {n_references:,} of the source; a true sample is {n_rows} fresh ones of that kind"
    columns = ("metric", "score", "90% interval", "true samples", "")
    rows = [
        (
            name,
            f"{score.value:.3f}",
            f"{score.low:.3f} to {score.high:.3f}",
            f"{score.null_low:.3f} to {score.null_high:.3f}",
            score.verdict(better[name]),
        )
        for name, score in likeness.items()
    ]
    print_table(title, columns, rows, right=columns[1:4])
