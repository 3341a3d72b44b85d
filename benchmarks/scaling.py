"""What each step of condensing costs a row, for plans on data that nobody here has: docs/scaling.md builds on it.

    pip install -e '.[offline]'
    python benchmarks/scaling.py --rows 200000

Vectors are of unit length, in 1,000 clusters, in a memory map on disk. Texts are made up of the words of the sample
dataset; those that are embedded are the sample's own. A pass of k-means, or of EM, is what one more adds to a run. The
floor of a step is the matrix product that it cannot do without, at the rate that one reaches in the same run. Where
other work shares the machine, processor time says more than the clock. The table goes to
`benchmarks/results/scaling.md`.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from datasets import Dataset
from post_processing import made_up

from condensers import load_embedder, sample_dataset
from condensers.data import Columns, drop_duplicates, read_rows
from condensers.embedding import BLOCK_ROWS, embed_texts
from condensers.placement import GaussianMixtureScore, KMeansCentroids
from condensers.selection import nearest_rows

TABLE = Path(__file__).parent / "results" / "scaling.md"
DIM, N_CLUSTERS, N_EMBEDDED, N_NEAR = 384, 1_000, 512, 2_000


def unit_vectors(path: Path, n: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(N_CLUSTERS, DIM)).astype(np.float32)
    out = np.lib.format.open_memmap(path, "w+", np.float32, (n, DIM))
    for start in range(0, n, BLOCK_ROWS):
        size = min(BLOCK_ROWS, n - start)
        rows = centres[rng.integers(N_CLUSTERS, size=size)] + rng.normal(size=(size, DIM)).astype(np.float32)
        out[start : start + size] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    out.flush()
    return np.load(path, mmap_mode="r")


def timed(work: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def one_pass(run: Callable[[int], object]) -> tuple[float, float]:
    """What a pass more takes: four against one."""
    few, many = timed(lambda: run(1)), timed(lambda: run(4))
    return (many[0] - few[0]) / 3, (many[1] - few[1]) / 3


def product_rate() -> float:
    """Operations a second of the processor in a product of a block of rows with 1,000 points, at best."""
    block, points = np.ones((BLOCK_ROWS, DIM), np.float32), np.ones((DIM, 1_000), np.float32)
    return 2 * block.size * points.shape[1] / min(timed(lambda: block @ points)[1] for _ in range(20))


def embedding(folder: Path) -> tuple[tuple[float, float], float]:
    """Time of embedding, and the bytes that a row's vector takes on disk."""
    embedder, texts = load_embedder("offline"), sample_dataset("shop_messages")["train"]["text"][:N_EMBEDDED]
    embedder.encode(texts[:8])  # the weights load with the first text
    taken = timed(lambda: embed_texts(texts, embedder, cache_dir=folder, progress=False))
    return taken, sum(file.stat().st_size for file in folder.rglob("*.arrow")) / N_EMBEDDED


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    n = parser.parse_args().rows
    rate, lines = product_rate(), []

    def step(name: str, n_rows: int, taken: tuple[float, float], operations: float = 0.0) -> None:
        floor = f"{operations / rate * 1e6:.1f}" if operations else ""
        each = [seconds / n_rows * 1e6 for seconds in taken]
        lines.append(f"| {name} | {n_rows:,} | {each[0]:.1f} | {each[1]:.1f} | {floor} |")
        print(lines[-1])

    with tempfile.TemporaryDirectory() as scratch:
        taken, on_disk = embedding(Path(scratch) / "cache")
        step("embedding, MiniLM", N_EMBEDDED, taken)
        x = unit_vectors(Path(scratch) / "x.npy", n)
        rng = np.random.default_rng(1)
        for m in (10, 1_000):
            points = np.array(x[rng.choice(n, size=m, replace=False)])
            passes = one_pass(lambda k, m=m: KMeansCentroids(max_iter=k, tol=0.0, rounds=2).place(x, m))
            step(f"k-means, {m:,} centroids, a pass", n, passes, 2.0 * DIM * m)
            step(f"nearest row of {m:,} points", n, timed(lambda p=points: nearest_rows(p, x)), 2.0 * DIM * m)
        step("greedy k-means++ start, a centroid", n, one_pass(lambda k: KMeansCentroids(max_iter=1).place(x, k)))
        passes = one_pass(lambda k: GaussianMixtureScore(n_components=8, max_iter=k, tol=0.0).fit(x))
        step("mixture, 8 diagonal components, a pass of EM", n, passes, 4 * 2.0 * DIM * 8)
        texts = made_up(n, np.random.default_rng(0))
        rows = read_rows(Dataset.from_dict({"text": texts}), Columns(("text",), None))
        step("exact duplicates", n, timed(lambda: drop_duplicates(rows)))
        some = rows.select(np.arange(min(N_NEAR, n)))
        step("near duplicates (MinHash)", len(some), timed(lambda: drop_duplicates(some, "near")))
    table = [
        "# What a step costs a row",
        "",
        f"Microseconds a row, which is seconds a million rows: by the clock, of the processor, and the floor of the "
        f"matrix products in a step at the {rate / 1e9:.0f} GFLOP/s that one reached in this run. {n:,} unit vectors "
        f"of {DIM} dimensions; texts of 15 to 79 words, those embedded of {_words():.0f} on average. "
        f"{platform.machine()}, {os.environ.get('OMP_NUM_THREADS', os.cpu_count())} thread(s), shared with other "
        f"work, so the processor's column is the one to plan with. A vector takes {on_disk:,.0f} bytes on disk.",
        "",
        "| step | rows | clock | processor | floor |",
        "|---|---|---|---|---|",
        *lines,
    ]
    TABLE.write_text("\n".join(table) + "\n", encoding="utf-8")


def _words() -> float:
    return float(np.mean([len(t.split()) for t in sample_dataset("shop_messages")["train"]["text"][:N_EMBEDDED]]))


if __name__ == "__main__":
    main()
