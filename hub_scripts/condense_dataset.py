# /// script
# requires-python = ">=3.11"
# dependencies = ["condensers[offline]"]
#
# [tool.uv.sources]
# condensers = { path = ".." }  # from this checkout until the package is released
# ///
r"""Condense a dataset on the Hub into a few rows on the Hub.

uv run hub_scripts/condense_dataset.py stanfordnlp/sst2 me/sst2-k-center --method k_center --per-class 10

A method that asks a language model takes its settings by name:

uv run hub_scripts/condense_dataset.py stanfordnlp/sst2 me/sst2-clm --method condenselm --per-class 10 \
  --set llm=Qwen/Qwen3-8B@http://localhost:8000/v1 --set max_requests=500

The target is made before anything is computed, so that a missing permission costs nothing, and taken back if nothing
comes of it; it is private unless `--public` is given. Rows that repeat the source, or hold personal data or keys, are
not sent. Log in first with `hf auth login`, or set HF_TOKEN.
"""

import argparse
import json


def main(arguments: list[str] | None = None) -> None:
    """Condenses and publishes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="dataset: Hub id, folder or file")
    parser.add_argument("target", help="dataset repository to write, user/name")
    parser.add_argument("--method", default="k_center")
    parser.add_argument("--per-class", type=int, help="rows to keep of each class")
    parser.add_argument("--total", type=int, help="rows to keep in all")
    parser.add_argument("--fraction", type=float, help="share of the rows to keep")
    parser.add_argument("--split")
    parser.add_argument("--name", help="configuration of a Hub dataset")
    parser.add_argument("--revision", help="revision of a Hub dataset")
    parser.add_argument("--text", help="text column, or several with commas")
    parser.add_argument("--label", default="auto", help="label column, or none")
    parser.add_argument("--embedder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any other setting")
    parser.add_argument("--licence", help="of the rows, as the Hub calls it; that of the source if left out")
    parser.add_argument("--allow-copies", action="store_true", help="publish rows that repeat source rows")
    parser.add_argument("--public", action="store_true", help="let everybody see the result")
    options = parser.parse_args(arguments)

    from condensers import AutoCondenser, CondensersError, publish
    from condensers.hub import released_on_failure, reserve

    try:
        condenser = AutoCondenser.from_method(
            options.method,
            embedder=options.embedder,
            text=None if options.text is None else tuple(options.text.split(",")),
            label=None if options.label == "none" else options.label,
            seed=options.seed,
            per_class=options.per_class,
            total=options.total,
            fraction=options.fraction,
            **dict(read_setting(given) for given in options.set),
        )
        condenser.check_settings()
        place = reserve(options.target, private=not options.public)
        with released_on_failure(place):
            rows = condenser.condense(
                options.source, split=options.split, name=options.name, revision=options.revision
            )
            done = publish(
                rows,
                options.target,
                run=condenser,
                private=not options.public,
                licence=options.licence,
                allow_copies=options.allow_copies,
                reservation=place,
            )
    except CondensersError as error:
        parser.exit(2, f"error: {error}\n")
    print(f"{len(rows)} rows of {options.source} are at {done.url}")


def read_setting(given: str) -> tuple[str, object]:
    """NAME=VALUE as a name and a number, a truth value, null or a text."""
    name, _, value = given.partition("=")
    try:
        return name.replace("-", "_"), json.loads(value)
    except json.JSONDecodeError:
        return name.replace("-", "_"), value


if __name__ == "__main__":
    main()
