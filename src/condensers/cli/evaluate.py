"""``condensers evaluate``."""

from pathlib import Path
from typing import Annotated

import typer

from condensers.cli import options
from condensers.cli.screen import print_json, print_table


def evaluate(
    rows: Annotated[Path, typer.Argument(help="Folder that `condensers condense` wrote.", show_default=False)],
    against: Annotated[str, typer.Option(help="The source dataset; classifiers are tested on its test split.")],
    learners: options.Learners = "linear_probe,text_rnn",
    seeds: options.Seeds = 5,
    test_split: Annotated[str | None, typer.Option(help="Split to test on; test, else validation.")] = None,
    name: options.Config = None,
    revision: options.Revision = None,
    embedder: options.EmbedderName = None,
    json: options.Json = False,
) -> None:
    """Train classifiers on condensed rows, test them on real ones, and say how well the rows cover the source.

    Example: condensers evaluate runs/sst2 --against stanfordnlp/sst2
    """
    from condensers.data import load_source, load_splits, load_test_split, read_rows, resolve_columns
    from condensers.embedding import embed_texts, load_embedder
    from condensers.evaluation import coverage_similarity, evaluate_rows, load_learner
    from condensers.hub import load_condensed

    dataset, run = load_condensed(rows)
    settings = run.settings
    columns = resolve_columns(dataset, settings["text"], settings["label"], settings["separator"])
    model = load_embedder(embedder or settings["embedder"], prompt=settings["prompt"])
    splits = load_splits(against, name=name, revision=revision)
    source = read_rows(load_source(splits, split=run.source.get("split")), columns, drop_empty=settings["drop_empty"])
    condensed = read_rows(dataset, columns, class_names=source.class_names or None)
    test = read_rows(load_test_split(splits, split=test_split), columns, class_names=source.class_names or None)
    vectors = embed_texts(source.texts, model).vectors
    similarity = coverage_similarity(
        vectors, embed_texts(condensed.texts, model).vectors[:], source.codes, condensed.codes
    )
    scores = [
        evaluate_rows(condensed, test, load_learner(learner, embedder=model), seeds=range(seeds))
        for learner in options.split_names(learners, "--learners")
    ]
    if json:
        found = {s.learner: {"accuracy": list(s.accuracy), "macro_f1": list(s.macro_f1)} for s in scores}
        print_json({"rows": len(condensed), "similarity": similarity, "scores": found})
        return
    table = [
        (s.learner, f"{100 * s.mean:.1f}", f"{100 * s.std:.1f}", f"{100 * sum(s.macro_f1) / s.n:.1f}", str(s.n))
        for s in scores
    ]
    title = f"{len(condensed)} rows of {run.method}, tested on {len(test):,} rows; similarity {similarity:.3f}"
    columns_shown = ("learner", "accuracy", "sd", "macro F1", "n")
    print_table(title, columns_shown, table, right=columns_shown[1:])
