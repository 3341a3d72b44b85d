"""Where few points should sit: Stein particles beside centroids, guided modes and random rows (PInR, RQ1).

    pip install -e '.[offline]'
    python benchmarks/placement_quality.py --data ../shared/data

Every class is split in two halves of at most `--rows` rows. Points are placed among the rows of one half, and judged
against the other: as points, and as the real rows of the first half that are nearest to them. The table goes to
`benchmarks/results/placement_quality.md`, a section for each dataset; a run replaces those that it measures.
"""

import argparse
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from quality import read

from condensers.embedding import load_embedder
from condensers.metrics import METRICS
from condensers.placement import KMeansCentroids, ModeGuided, SteinParticles
from condensers.placement.kmeans import squared_distances
from condensers.selection import RandomRows, nearest_of

READING = """\
**How to read it.** Coverage and FID do not measure what PInR's RQ1 asks. An average of unit vectors is short and so
lies near all of them: the mean of the class, repeated, covers nearly every row, and at 10 points has a lower FID than
true samples, whose covariance has but n - 1 directions. Centroids are averages, so as points they score above true
samples on both, with a fraction of the variance of rows. MMD, whose kernel tells any two distributions apart, does not
reward that.

**Literal** is SVGD in all dimensions with the bandwidth of Liu and Wang, on the library's mixture; its coverage is
that of points which collapse to the middle and are then scaled to length 1."""
TABLE = Path(__file__).parent / "results" / "placement_quality.md"
LITERAL = "Stein, literal"
PLACEMENTS = {
    "centroids (DaLLME)": lambda seed: KMeansCentroids(seed=seed),
    "guided modes (MGD3)": lambda seed: ModeGuided(seed=seed),
    "Stein particles (PInR)": lambda seed: SteinParticles(seed=seed),
    "Stein, complement at its mean": lambda seed: SteinParticles(seed=seed, complement="mean"),
    LITERAL: lambda seed: SteinParticles(seed=seed, subspace=None, bandwidth="liu_wang"),
}
RANDOM, MEAN = "random rows", "the mean, repeated"
SCORES = ("coverage", "mmd", "fid", "wasserstein", "variance")
NULL_DRAWS = 100


class Judge:
    """Scores of points against the rows of one class that no placement saw."""

    def __init__(self, references: np.ndarray) -> None:
        self._references = references
        half = len(references) // 2
        self._h = float(np.median(squared_distances(references[:half], references[half:])))
        self._own = self._kernel(references, references).mean(dtype=np.float64)
        self._towards = self._kernel(references, references).mean(axis=0, dtype=np.float64)

    def scores(self, points: np.ndarray) -> dict[str, float]:
        compared = [METRICS[name].compare(points, self._references) for name in ("density_coverage", "fid")]
        found = {name: float(value) for one in compared for name, value in one.value().items() if name in SCORES}
        found["wasserstein"] = float(METRICS["wasserstein"].compare(points, self._references).value()["wasserstein"])
        found["mmd"] = self._mmd(points)
        found["variance"] = float(points.var(axis=0).sum() / self._references.var(axis=0).sum())
        return found

    def null(self, n: int) -> dict[str, list[float]]:
        """Scores of samples of the references, as the metrics draw them."""
        rng = np.random.default_rng(0)
        points = self._references[:n]
        found: dict[str, list[float]] = defaultdict(list)
        for name in ("density_coverage", "fid", "wasserstein"):
            values = METRICS[name].compare(points, self._references).null(NULL_DRAWS, rng)
            for score in SCORES:
                if score in values:
                    found[score] += list(values[score])
        for _ in range(NULL_DRAWS):
            sample = self._references[rng.choice(len(self._references), size=n, replace=False)]
            found["mmd"].append(self._mmd(sample))
            found["variance"].append(float(sample.var(axis=0).sum() / self._references.var(axis=0).sum()))
        return found

    def _kernel(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.exp(squared_distances(x, y) / -self._h)

    def _mmd(self, points: np.ndarray) -> float:
        """Root of the squared maximum mean discrepancy, V-statistic, Gaussian kernel at the median distance."""
        cross = self._kernel(points, self._references).mean(dtype=np.float64)
        return float(max(self._kernel(points, points).mean(dtype=np.float64) + self._own - 2 * cross, 0.0) ** 0.5)


def measure(arguments: argparse.Namespace, dataset: str) -> list[str]:
    prepared, _ = read(Path(arguments.data) / dataset, load_embedder("offline"), 1)
    scores: dict[tuple[int, str, str], list[dict[str, float]]] = defaultdict(list)
    nulls: dict[int, list[dict[str, list[float]]]] = defaultdict(list)
    seconds: dict[tuple[int, str], list[float]] = defaultdict(list)
    sizes = []
    for _, positions in prepared.rows.by_class():
        rng = np.random.default_rng(0)
        some = rng.permutation(positions)[: 2 * arguments.rows]
        x = np.asarray(prepared.of_class(np.sort(some)).vectors[:], dtype=np.float32)
        x = x[rng.permutation(len(x))]
        rows, judge = x[: len(x) // 2], Judge(x[len(x) // 2 :])
        sizes.append(len(rows))
        for n in arguments.per_class:
            nulls[n].append(judge.null(n))
            scores[n, MEAN, "points"].append(judge.scores(np.repeat(rows.mean(axis=0, keepdims=True), n, axis=0)))
            for seed in range(arguments.seeds):
                scores[n, RANDOM, "points"].append(judge.scores(rows[RandomRows(seed=seed).select(rows, n)]))
                for name, make in PLACEMENTS.items():
                    began = time.process_time()
                    points = make(seed).place(rows, n)
                    seconds[n, name].append(time.process_time() - began)
                    scores[n, name, "points"].append(judge.scores(points))
                    scores[n, name, "rows"].append(judge.scores(rows[nearest_of(points, rows)]))
        print(f"{dataset}: {len(sizes)} classes done", flush=True)
    return [
        f"{dataset}: {len(sizes)} classes of {min(sizes)} to {max(sizes)} rows, {arguments.seeds} seeds\n",
        *(line for n in arguments.per_class for line in block(n, scores, nulls[n], seconds)),
    ]


def block(n: int, scores: dict, nulls: list[dict[str, list[float]]], seconds: dict) -> list[str]:
    lines = [
        f"\n{n} points a class:\n",
        "| placement | realised as | " + " | ".join(SCORES) + " | CPU s |",
        "|---|---|" + "---|" * (len(SCORES) + 1),
    ]
    bands = {
        score: tuple(float(np.mean([np.percentile(one[score], p) for one in nulls])) for p in (5, 95))
        for score in SCORES
    }
    lines.append(
        "| *true samples, 5th to 95th percentile* | rows | "
        + " | ".join(f"{bands[s][0]:.3f} to {bands[s][1]:.3f}" for s in SCORES)
        + " | |"
    )
    for (size, name, kind), found in scores.items():
        if size == n:
            means = {score: float(np.mean([one[score] for one in found])) for score in SCORES}
            spent = f"{np.mean(seconds[n, name]):.1f}" if kind == "points" and (n, name) in seconds else ""
            lines.append(f"| {name} | {kind} | " + " | ".join(f"{means[s]:.3f}" for s in SCORES) + f" | {spent} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder that holds sst2 and ag_news")
    parser.add_argument("--datasets", default="sst2,ag_news")
    parser.add_argument("--per-class", type=int, nargs="+", default=[10, 50])
    parser.add_argument("--rows", type=int, default=2000, help="rows of a class, at most, in either half")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    lines = [
        "# Where few points should sit",
        "",
        "Means over classes and seeds. Points are placed among the rows of one half of a class and judged against the "
        "other half, of the sizes in the headings, as points and as the nearest real rows. Embeddings: "
        "all-MiniLM-L6-v2. "
        "Coverage (higher is better), FID and Wasserstein (lower) are the library's; MMD (lower) has a Gaussian "
        "kernel at the median distance; variance is the points' share of the rows' total.",
        "",
        READING,
    ]
    before = TABLE.read_text(encoding="utf-8") if TABLE.exists() else ""
    sections = {part.split(":")[0]: part.strip() for part in before.split("\n## ")[1:]}
    for dataset in arguments.datasets.split(","):
        sections[dataset] = "\n".join(measure(arguments, dataset))
        text = "\n\n".join(["\n".join(lines), *(f"## {section}" for section in sections.values())])
        TABLE.write_text(text + "\n", encoding="utf-8")
        print(f"wrote {TABLE}")


if __name__ == "__main__":
    main()
