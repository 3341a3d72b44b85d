# /// script
# requires-python = ">=3.11"
# dependencies = ["condensers[offline]"]
#
# [tool.uv.sources]
# condensers = { path = ".." }  # from this checkout until the package is released
# ///
"""Measure condensed rows on the Hub, and put what was measured on their card.

uv run hub_scripts/evaluate_condensed.py me/sst2-k-center --against stanfordnlp/sst2

Classifiers are trained on the rows and tested on the test split of the source, and metrics say how like the source the
rows are, each beside what true samples of the same size score (`condensers evaluate`).

The repository is asked for before anything is computed, so that a missing permission costs nothing; `--target` names
another one than that of the rows. It must be private unless `--public` is given. Log in first with `hf auth login`, or
set HF_TOKEN.
"""

import argparse
import tempfile


def main(arguments: list[str] | None = None) -> None:
    """Measures and publishes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", help="condensed dataset on the Hub, user/name")
    parser.add_argument("--against", required=True, help="the source dataset: Hub id, folder or file")
    parser.add_argument("--target", help="dataset repository to write, user/name; that of the rows if left out")
    parser.add_argument("--revision", help="revision of the rows")
    parser.add_argument("--learners", default="linear_probe,text_rnn", help="with commas")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--metrics", default="all", help="with commas; all, or none")
    parser.add_argument("--test-split")
    parser.add_argument("--name", help="configuration of the source")
    parser.add_argument("--embedder", help="that of the run if left out")
    parser.add_argument("--licence", help="of the rows, as the Hub calls it; that of the source if left out")
    parser.add_argument("--allow-copies", action="store_true", help="publish rows that repeat source rows")
    parser.add_argument("--public", action="store_true", help="everybody may see the result")
    options = parser.parse_args(arguments)

    from huggingface_hub import snapshot_download

    from condensers import CondensersError, load_source, publish
    from condensers.cli import app
    from condensers.hub import hub_errors, load_condensed, released_on_failure, reserve

    target = options.target or options.rows
    given = {"--test-split": options.test_split, "--name": options.name, "--embedder": options.embedder}
    asked = ["--against", options.against, "--learners", options.learners, "--seeds", str(options.seeds)]
    asked += ["--metrics", options.metrics, *(part for pair in given.items() if pair[1] for part in pair)]
    try:
        place = reserve(target, private=not options.public)
        with released_on_failure(place), tempfile.TemporaryDirectory() as folder:
            with hub_errors(options.rows, "read"):
                snapshot_download(options.rows, repo_type="dataset", revision=options.revision, local_dir=folder)
            _, run = load_condensed(folder)
            app(["evaluate", folder, *asked], standalone_mode=False)
            done = publish(
                folder,
                target,
                private=not options.public,
                licence=options.licence,
                source=load_source(options.against, split=run.source.get("split"), name=options.name),
                allow_copies=options.allow_copies,
                reservation=place,
            )
    except CondensersError as error:
        parser.exit(2, f"error: {error}\n")
    print(f"What was measured stands on the card of {done.url}")


if __name__ == "__main__":
    main()
