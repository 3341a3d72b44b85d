# /// script
# requires-python = ">=3.11"
# dependencies = ["condensers[offline]"]
#
# [tool.uv.sources]
# condensers = { path = ".." }  # from this checkout until the package is released
# ///
"""Put the metrics of this library on the Hub, each as a Space that `evaluate` loads by name.

uv run hub_scripts/publish_metrics.py me --metrics mauve,fid

Then, anywhere: evaluate.load("me/mauve"). All Spaces are made before anything is uploaded, so that a missing
permission costs nothing; they are private unless `--public` is given. What a Space installs is `condensers`, or what
`--requirement` says: until the package is released, an address that pip understands. Log in first with
`hf auth login`, or set HF_TOKEN.
"""

import argparse
import shutil
import tempfile
from pathlib import Path


def main(arguments: list[str] | None = None) -> None:
    """Makes and fills the Spaces."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("namespace", help="user or organisation")
    parser.add_argument("--metrics", default="all", help="names with commas")
    parser.add_argument("--requirement", default="condensers", help="what a Space installs, as pip takes it")
    parser.add_argument("--public", action="store_true", help="let everybody see and use them")
    options = parser.parse_args(arguments)

    from huggingface_hub import HfApi

    from condensers import CondensersError, metric
    from condensers.hub import hub_errors
    from condensers.metrics import METRICS

    names = sorted(METRICS) if options.metrics == "all" else options.metrics.split(",")
    api = HfApi()
    try:
        folders = {f"{options.namespace}/{name}": Path(metric(name)).parent for name in names}
        for repo_id in folders:
            with hub_errors(repo_id, "made"):
                api.create_repo(
                    repo_id, repo_type="space", space_sdk="gradio", private=not options.public, exist_ok=True
                )
        for repo_id, folder in folders.items():
            with hub_errors(repo_id, "written to"), tempfile.TemporaryDirectory() as scratch:
                shutil.copytree(folder, scratch, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
                (Path(scratch) / "requirements.txt").write_text(f"{options.requirement}\n", encoding="utf-8")
                api.upload_folder(
                    repo_id=repo_id, repo_type="space", folder_path=scratch, commit_message="Metric of condensers"
                )
            print(f'evaluate.load("{repo_id}")')
    except CondensersError as error:
        parser.exit(2, f"error: {error}\n")


if __name__ == "__main__":
    main()
