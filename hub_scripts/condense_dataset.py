# /// script
# requires-python = ">=3.11"
# dependencies = ["condensers[offline]"]
#
# [tool.uv.sources]
# condensers = { path = ".." }  # from this checkout until the package is released
# ///
"""Condense a dataset on the Hub into a few rows on the Hub.

uv run hub_scripts/condense_dataset.py stanfordnlp/sst2 me/sst2-k-center --method k_center --per-class 10

The target is created before anything is computed, so that a missing permission costs nothing; it is private unless
`--public` is given. Log in first with `hf auth login`, or set HF_TOKEN.
"""

import argparse


def main(arguments: list[str] | None = None) -> None:
    """Condenses and uploads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="dataset: Hub id, folder or file")
    parser.add_argument("target", help="dataset repository to write, user/name")
    parser.add_argument("--method", default="k_center")
    parser.add_argument("--per-class", type=int)
    parser.add_argument("--total", type=int)
    parser.add_argument("--fraction", type=float)
    parser.add_argument("--split")
    parser.add_argument("--text", help="text column, or several with commas")
    parser.add_argument("--label", default="auto")
    parser.add_argument("--embedder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--public", action="store_true", help="let everybody see the result")
    options = parser.parse_args(arguments)

    from huggingface_hub import HfApi

    from condensers import AutoCondenser

    condenser = AutoCondenser.from_method(
        options.method,
        embedder=options.embedder,
        text=None if options.text is None else tuple(options.text.split(",")),
        label=options.label,
        seed=options.seed,
        per_class=options.per_class,
        total=options.total,
        fraction=options.fraction,
    )
    url = HfApi().create_repo(options.target, repo_type="dataset", private=not options.public, exist_ok=True)
    rows = condenser.condense(options.source, split=options.split)
    rows.push_to_hub(options.target, private=not options.public)
    print(f"{len(rows)} rows of {options.source} are at {url}")


if __name__ == "__main__":
    main()
