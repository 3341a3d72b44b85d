# /// script
# requires-python = ">=3.11"
# dependencies = ["condensers[offline]"]
#
# [tool.uv.sources]
# condensers = { path = ".." }  # from this checkout until the package is released
# ///
"""Select rows of a dataset on the Hub, as they are, into a dataset on the Hub.

uv run hub_scripts/select_coreset.py stanfordnlp/sst2 me/sst2-coreset --method facility_location --per-class 50

The target is made before anything is computed, so that a missing permission costs nothing, and taken back if nothing
comes of it; it is private unless `--public` is given. Rows with personal data or keys are not sent. Log in first with
`hf auth login`, or set HF_TOKEN.
"""

import argparse

METHODS = (
    "random",
    "herding",
    "k_center",
    "greedy_k_center",
    "facility_location",
    "moderate",
    "el2n",
    "g_dig",
    "e2sc_is",
    "krr_exchange",
)


def main(arguments: list[str] | None = None) -> None:
    """Selects and publishes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="dataset: Hub id, folder or file")
    parser.add_argument("target", help="dataset repository to write, user/name")
    parser.add_argument("--method", default="k_center", choices=METHODS)
    parser.add_argument("--per-class", type=int, help="rows to keep of each class")
    parser.add_argument("--total", type=int, help="rows to keep in all")
    parser.add_argument("--fraction", type=float, help="share of the rows to keep")
    parser.add_argument("--split")
    parser.add_argument("--name", help="configuration of a Hub dataset")
    parser.add_argument("--revision", help="revision of a Hub dataset")
    parser.add_argument("--text", help="text column, or several with commas")
    parser.add_argument("--label", default="auto", help="label column, or none")
    parser.add_argument(
        "--dedup", choices=("exact", "near", "none"), help="repeated rows of a class to leave out first"
    )
    parser.add_argument(
        "--no-provenance", action="store_true", help="leave out the columns that say what a row stands for"
    )
    parser.add_argument("--embedder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--licence", help="of the rows, as the Hub calls it; that of the source if left out")
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
            provenance=not options.no_provenance,
            **({} if options.dedup is None else {"dedup": options.dedup}),
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
                reservation=place,
            )
    except CondensersError as error:
        parser.exit(2, f"error: {error}\n")
    print(f"{len(rows)} rows of {options.source}, as they are, are at {done.url}")


if __name__ == "__main__":
    main()
