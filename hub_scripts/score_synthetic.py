# /// script
# requires-python = ">=3.11"
# dependencies = ["condensers[offline]"]
#
# [tool.uv.sources]
# condensers = { path = ".." }  # from this checkout until the package is released
# ///
r"""Score synthetic rows on the Hub by how far a few real ones vouch for them; the scores become columns on the Hub.

uv run hub_scripts/score_synthetic.py me/reviews-by-llm me/reviews-scored --quality-dataset me/real-reviews \
  --model google-bert/bert-base-uncased

`quality_log_prob` and `diversity_log_prob` are what the two checkers of IMP-Loss (Kuo et al. 2024) say of a row and
its label, `importance_weight` is the one over the other. `ImportanceWeightedTrainer` takes that column, `DIMPTrainer`
the first, in place of a checker.

The target is made before anything is computed, so that a missing permission costs nothing, and taken back if nothing
comes of it; it is private unless `--public` is given. Log in first with `hf auth login`, or set HF_TOKEN.
"""

import argparse


def main(arguments: list[str] | None = None) -> None:
    """Scores and uploads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="synthetic rows with labels: Hub id, folder or file")
    parser.add_argument("target", help="dataset repository to write, user/name")
    parser.add_argument("--quality-dataset", help="a small real set with the same columns: Hub id, folder or file")
    parser.add_argument("--quality-model", help="a classifier that has seen real rows, in place of a real set")
    parser.add_argument("--diversity-model", help="a classifier that has seen the synthetic rows; fitted if left out")
    parser.add_argument("--model", default="google-bert/bert-base-uncased", help="what is fitted")
    parser.add_argument("--epochs", type=float, default=5.0, help="passes over the rows in a fit")
    parser.add_argument("--learning-rate", type=float, default=6e-5)
    parser.add_argument("--max-weight", type=float, help="larger weights become this")
    parser.add_argument("--split")
    parser.add_argument("--quality-split")
    parser.add_argument("--name", help="configuration of a Hub dataset")
    parser.add_argument("--revision", help="revision of a Hub dataset")
    parser.add_argument("--text", help="text column, or two with a comma; guessed if left out")
    parser.add_argument("--label", help="label column; guessed if left out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--licence", help="of the rows, as the Hub calls it")
    parser.add_argument("--public", action="store_true", help="let everybody see the result")
    options = parser.parse_args(arguments)

    from condensers import CondensersError, FitRecipe, load_source, score_synthetic
    from condensers.hub import publish_scored, released_on_failure, reserve

    try:
        recipe = FitRecipe(num_train_epochs=options.epochs, learning_rate=options.learning_rate)
        place = reserve(options.target, private=not options.public)
        with released_on_failure(place):
            rows = load_source(options.source, split=options.split, name=options.name, revision=options.revision)
            real = options.quality_dataset and load_source(options.quality_dataset, split=options.quality_split)
            scores = score_synthetic(
                rows,
                model=options.model,
                quality_dataset=real,
                quality_model=options.quality_model,
                diversity_model=options.diversity_model,
                recipe=recipe,
                max_weight=options.max_weight,
                text=options.text and options.text.split(","),
                label=options.label,
                seed=options.seed,
            )
            publish_scored(
                scores,
                place,
                source=options.source,
                quality=options.quality_dataset or options.quality_model,
                model=options.model,
                licence=options.licence,
            )
    except CondensersError as error:
        parser.exit(2, f"error: {error}\n")
    share = scores.diagnostics.effective_sample_size / len(rows)
    print(f"{len(rows)} scored rows are at {place.repo_id}; the weights leave {share:.0%} of them effective")


if __name__ == "__main__":
    main()
