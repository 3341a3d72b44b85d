"""Do the metrics tell good sets of a few rows from bad ones? After Table 5 of the PInR paper.

    python benchmarks/metrics_table.py --data ../shared/data

Sets of equal size, 10 rows a class, from the training rows: `random`; `k_center`; `one_class`, random rows of the
first class alone; and `near_duplicates`, one row and those nearest to it. Each is compared with a sample of 5,000
training rows, beside the null distribution of true samples. The first two should look like true samples or better, the
last two should not. The table goes to `benchmarks/results/metrics.md`.
"""

import argparse
import platform
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from condensers.data import load_source, read_rows, resolve_columns
from condensers.embedding import Matrix, VectorRows, embed_texts, load_embedder
from condensers.metrics import METRICS, Score, TextSet, measure, sample_positions
from condensers.selection import KCenter, RandomRows

TABLE = Path(__file__).parent / "results" / "metrics.md"
SETS = ("random", "k_center", "one_class", "near_duplicates")


def sets(vectors: Matrix, codes: np.ndarray, per_class: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    found: dict[str, list[np.ndarray]] = {"random": [], "k_center": []}
    for code in np.unique(codes):
        here = np.flatnonzero(codes == code)
        for name, selector in (("random", RandomRows(seed=seed)), ("k_center", KCenter(seed=seed))):
            found[name].append(here[selector.select(VectorRows(vectors, here), per_class)])
    chosen = {name: np.concatenate(parts) for name, parts in found.items()}
    size = len(chosen["random"])
    chosen["one_class"] = rng.choice(np.flatnonzero(codes == codes.min()), size=size, replace=False)
    seed_row = int(rng.integers(len(codes)))
    cosines = np.concatenate(
        [vectors[i : i + 8192] @ vectors[np.array([seed_row])][0] for i in range(0, len(codes), 8192)]
    )
    chosen["near_duplicates"] = np.argsort(-cosines, kind="stable")[:size]
    return chosen


def taken(texts: Sequence[str], vectors: Matrix, positions: np.ndarray) -> TextSet:
    return TextSet([texts[i] for i in positions.tolist()], VectorRows(vectors, positions))


def table(name: str, scores: dict[str, dict[str, Score]], n_rows: int) -> list[str]:
    lines = [f"## {name}, {n_rows} rows", "", f"| score | better | true samples | {' | '.join(SETS)} |"]
    lines.append("|---|---|---|" + "---|" * len(SETS))
    better = {score: way for kind in METRICS.values() for score, way in kind.scores.items()}
    for score in scores["random"]:
        cells = []
        for chosen in SETS:
            found = scores[chosen][score]
            mark = "" if found.like_a_sample else " ↑" if found.value > found.null_high else " ↓"
            cells.append(f"{found.value:.3f}{mark}" if found.informative else f"({found.value:.3f})")
        null = scores["random"][score]
        arrow = "up" if better[score] > 0 else "down"
        lines.append(f"| {score} | {arrow} | {null.null_low:.3f} to {null.null_high:.3f} | {' | '.join(cells)} |")
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the datasets")
    parser.add_argument("--datasets", default="sst2,ag_news")
    parser.add_argument("--per-class", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    lines = [
        "# Likeness of a few rows to their source",
        "",
        f"Embedder: all-MiniLM-L6-v2. {arguments.per_class} rows a class, seed {arguments.seed}, against 5,000 "
        f"training rows. ↑ and ↓: above or below where 90% of true samples of that size fall; in brackets: says "
        f"nothing at this size. Measured on {platform.machine()}; every number is the same in every run.",
        "",
    ]
    embedder = load_embedder("offline")
    for name in arguments.datasets.split(","):
        source = load_source(arguments.data / name)
        rows = read_rows(source, resolve_columns(source, None, "auto"), drop_empty=True)
        vectors = embed_texts(rows.texts, embedder).vectors
        scores, chosen = {}, sets(vectors, rows.codes, arguments.per_class, arguments.seed)
        references = taken(rows.texts, vectors, sample_positions(len(rows), 5000))
        for which, positions in chosen.items():
            scores[which] = measure(taken(rows.texts, vectors, positions), references)
        lines += table(name, scores, len(chosen["random"]))
    TABLE.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
