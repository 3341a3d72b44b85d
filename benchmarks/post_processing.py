"""How long the post-processing of SoftSRV takes on 100,000 rows, and how much memory (wanted: 3 minutes, 2 GiB).

    pip install -e '.[offline]'
    python benchmarks/post_processing.py

Rows are made up of the words of the sample dataset, drawn as often as they occur there; a share of them repeats an
earlier row, and a share holds a passage of a test row. The steps are those of Appendix A.2 and A.3 with the paper's
numbers, in its order. The table goes to `benchmarks/results/post_processing.md`.
"""

import argparse
import os
import resource
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from condensers import sample_dataset
from condensers.data import drop_repeats
from condensers.metrics.contamination import decontaminate
from condensers.selection import sample_texts

TABLE = Path(__file__).parent / "results" / "post_processing.md"
N_TEST, REPEATED, LEAKED = 1_319, 0.05, 0.001  # As many test rows as GSM8K has.


def made_up(n: int, rng: np.random.Generator, least: int = 15, most: int = 80) -> list[str]:
    counts = Counter(" ".join(sample_dataset("shop_messages")["train"]["text"]).split())
    words, shares = np.array(list(counts)), np.array(list(counts.values())) / counts.total()
    lengths = rng.integers(least, most, size=n)
    drawn = rng.choice(words, size=lengths.sum(), p=shares)
    return [" ".join(part) for part in np.split(drawn, np.cumsum(lengths)[:-1])]


def rows_and_tests(n: int) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(0)
    rows, tests = made_up(n, rng), made_up(N_TEST, rng)
    for i in rng.choice(n, size=int(LEAKED * n), replace=False):
        rows[i] += " " + " ".join(tests[rng.integers(N_TEST)].split()[:14])
    for i in rng.choice(np.arange(n // 2, n), size=int(REPEATED * n), replace=False):
        rows[i] = rows[rng.integers(n // 2)]
    return rows, tests


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--total", type=int, default=50_000)
    args = parser.parse_args()
    rows, tests = rows_and_tests(args.rows)
    # The libraries load with the first call; what they take is not the rows'.
    sample_texts(rows[:50], 5, num_clusters=5)
    decontaminate(rows[:5], tests[:5])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = []

    def step(name: str, work: Callable[[], Any], kept: Callable[[Any], np.ndarray]) -> None:
        nonlocal rows
        wall, cpu = time.perf_counter(), time.process_time()
        found = work()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        positions = kept(found)
        lines.append((name, len(rows), len(positions), wall, cpu, peak))
        rows = [rows[i] for i in positions]

    step("exact duplicates", lambda: drop_repeats(rows), lambda found: found.kept)
    n = min(args.total, len(rows))
    step("TF-IDF, SVD 100, 700 clusters, turns", lambda: sample_texts(rows, n), lambda found: np.sort(found.kept))
    step(f"13-grams of {N_TEST:,} test rows", lambda: decontaminate(rows, tests), lambda found: found.kept)
    table = [
        "# Post-processing of generated texts",
        "",
        f"{args.rows:,} rows of 15 to 79 words, {REPEATED:.0%} of them repeats, {LEAKED:.1%} with a passage of a "
        f"test row; {os.cpu_count()} cores, {os.environ.get('OMP_NUM_THREADS', 'all')} thread(s), shared with other "
        f"work, so processor time says more than the clock. Memory is the peak of the process, which had "
        f"{before / 2**20:.2f} GiB before the first step, the rows included.",
        "",
        "| step | rows in | rows kept | s, clock | s, processor | peak, GiB |",
        "|---|---|---|---|---|---|",
        *(f"| {n} | {i:,} | {k:,} | {w:.1f} | {c:.1f} | {p:.2f} |" for n, i, k, w, c, p in lines),
        f"| all |  |  | {sum(x[3] for x in lines):.1f} | {sum(x[4] for x in lines):.1f} | {lines[-1][5]:.2f} |",
        "",
    ]
    TABLE.write_text("\n".join(table), encoding="utf-8")
    print("\n".join(table))


if __name__ == "__main__":
    main()
