"""Each selector beside the obvious alternative: seconds, ratio and peak memory, in one run.

    python benchmarks/speed.py --data ../shared/data/sst2 --per-class 10

Every measurement is a process of its own, ours and theirs in turn, so that neither leaves memory or warm caches to the
other. Ours reads a memory map; the alternatives get what they need, an array. Peak memory is anonymous memory above
what the process held before the call: pages of the memory map belong to the operating system's cache and are left out.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).parent / "results"


# What a careful user would write or install.


def numpy_herding(x: np.ndarray, n: int) -> np.ndarray:
    mean, total, chosen = x.mean(axis=0), np.zeros(x.shape[1], np.float32), []
    for step in range(n):
        distance = np.linalg.norm(mean * (step + 1) - total - x, axis=1)
        distance[chosen] = np.inf
        chosen.append(int(distance.argmin()))
        total += x[chosen[-1]]
    return np.array(chosen)


def numpy_greedy_k_center(x: np.ndarray, n: int) -> np.ndarray:
    chosen = [int(np.random.default_rng(0).integers(len(x)))]
    radius = np.linalg.norm(x - x[chosen[0]], axis=1)
    while len(chosen) < n:
        chosen.append(int(radius.argmax()))
        radius = np.minimum(radius, np.linalg.norm(x - x[chosen[-1]], axis=1))
    return np.array(chosen)


def sklearn_k_center(x: np.ndarray, n: int) -> np.ndarray:
    from sklearn.cluster import KMeans
    from sklearn.metrics import pairwise_distances_argmin

    return pairwise_distances_argmin(KMeans(n, n_init=1, random_state=0).fit(x).cluster_centers_, x)


def numpy_facility_location(x: np.ndarray, n: int) -> np.ndarray:
    similarity = (1 + x @ x.T) / 2
    covered, chosen = np.zeros(len(x), np.float32), []
    for _ in range(n):
        gains = np.maximum(similarity - covered[:, None], 0).sum(axis=0)
        gains[chosen] = -1
        chosen.append(int(gains.argmax()))
        covered = np.maximum(covered, similarity[:, chosen[-1]])
    return np.array(chosen)


def apricot_facility_location(x: np.ndarray, n: int) -> np.ndarray:
    from apricot import FacilityLocationSelection

    similarity = (1 + x @ x.T) / 2
    return FacilityLocationSelection(n, metric="precomputed", optimizer="lazy").fit(similarity).ranking


def ours(name: str) -> Callable[[np.ndarray, int], np.ndarray]:
    from condensers import selection

    return getattr(selection, name)().select


# Pairs of (label, ours, alternative, most rows that the alternative's N x N matrix allows).
PAIRS = [
    ("herding", "Herding", numpy_herding, None),
    ("k_center", "KCenter", sklearn_k_center, None),
    ("greedy_k_center", "GreedyKCenter", numpy_greedy_k_center, None),
    ("facility_location", "FacilityLocation", None, None),
    ("facility_location", "FacilityLocation", numpy_facility_location, 8_000),
    ("facility_location", "FacilityLocation", apricot_facility_location, 8_000),
]


class AnonymousMemory(threading.Thread):
    """Samples the anonymous memory of this process, in MiB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.start_mib = self.peak_mib = self.now()
        self.done = threading.Event()

    @staticmethod
    def now() -> float:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) / 1024

    def run(self) -> None:
        while not self.done.wait(0.005):
            self.peak_mib = max(self.peak_mib, self.now())

    def stop(self) -> float:
        self.done.set()
        self.join()
        return self.peak_mib - self.start_mib


def measure_here(path: str, who: str, index: int, n: int, limit: int | None) -> dict[str, object]:
    """One measurement, inside a process made for it."""
    _, name, alternative, _ = PAIRS[index]
    x = np.load(path, mmap_mode="r")[:limit]
    if who == "ours":
        select = ours(name)
        select(x[:100], 2)  # imports and BLAS threads start here
    else:
        select = alternative
        x = np.array(x)
        select(x[:100], 2)
    memory = AnonymousMemory()
    memory.start()
    began = time.perf_counter()
    chosen = select(x, n)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "mib": memory.stop(), "chosen": np.asarray(chosen).tolist()}


def measure(path: str, who: str, index: int, n: int, limit: int | None) -> dict:
    command = [sys.executable, __file__, "--child", json.dumps([path, who, index, n, limit])]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def machine_floor(x: np.ndarray) -> tuple[float, float]:
    """FLOP/s of a float32 matrix product and bytes/s of one reading pass, measured in this run."""
    block = np.array(x[:8192])
    few = np.array(x[:512]).T
    times = []
    for _ in range(5):
        began = time.perf_counter()
        block @ few
        times.append(time.perf_counter() - began)
    flops = 2 * block.shape[0] * block.shape[1] * few.shape[1] / min(times)
    whole, aim = np.array(x), np.array(x[0])
    times = []
    for _ in range(5):
        began = time.perf_counter()
        whole @ aim
        times.append(time.perf_counter() - began)
    return flops, whole.nbytes / min(times)


def floor_text(label: str, n_rows: int, dim: int, n: int, flops: float, bandwidth: float) -> str:
    """The work that the definition asks for, and the seconds it takes at the speeds above."""
    size = n_rows * dim * 4
    passes = {"herding": n + 1, "greedy_k_center": n + 1, "k_center": 2, "facility_location": n}[label]
    work, what = passes * size / bandwidth, f"{passes} passes, {passes * size / 1e9:.2f} GB"
    if label == "facility_location":
        pairs = 2.0 * n_rows * n_rows * dim
        work, what = work + pairs / flops, f"each pair once, {pairs / 1e12:.2f} TFLOP"
    if label == "k_center":
        what += " (one Lloyd step; more until it converges)"
    return f"{what}: {work:.2f} s"


def vectors_of(data: str | None, rows: int, dim: int) -> np.ndarray:
    if data is None:
        x = np.random.default_rng(0).normal(size=(rows, dim)).astype(np.float32)
        return x / np.linalg.norm(x, axis=1, keepdims=True)
    from condensers import RandomCondenser

    return RandomCondenser(embedder="offline").fit(data).prepared_.vectors[:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="dataset whose embeddings are selected from; random unit vectors if not given")
    parser.add_argument("--rows", type=int, default=67_349)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("-n", type=int, default=20, help="rows to select")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measure_here(*json.loads(arguments.child))))
        return
    x = vectors_of(arguments.data, arguments.rows, arguments.dim)
    flops, bandwidth = machine_floor(x)
    lines = [
        f"# Speed of the selectors: {arguments.n} of {len(x):,} rows, {x.shape[1]} dimensions",
        "",
        f"Vectors: {arguments.data or 'random unit vectors'}. {os.cpu_count()} CPU cores, float32; median of "
        f"{arguments.repeats} runs, ours and the alternative in turn, each in its own process. This run's "
        f"matrix product reached {flops / 1e9:.0f} GFLOP/s and one reading pass {bandwidth / 1e9:.1f} GB/s; "
        f"floors are at those speeds. "
        f"Memory is peak anonymous memory above the input (the alternatives hold the input as an array besides).",
        "",
        "| selector | rows | ours, s | floor | alternative | its time, s | ratio | ours, MiB | its MiB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "x.npy")
        np.save(path, x)
        for index, (label, _, alternative, limit) in enumerate(PAIRS):
            runs: dict[str, list[dict]] = {"ours": [], "theirs": []}
            for _ in range(arguments.repeats):
                for who in ("ours", "theirs") if alternative else ("ours",):
                    runs[who].append(measure(path, who, index, arguments.n, limit))
            lines.append(row_of(label, alternative, limit or len(x), x.shape[1], arguments.n, runs, flops, bandwidth))
            print(lines[-1], flush=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "speed.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def row_of(
    label: str,
    alternative: Callable | None,
    n_rows: int,
    dim: int,
    n: int,
    runs: dict[str, list[dict]],
    flops: float,
    bandwidth: float,
) -> str:
    def middle(who: str, key: str) -> float:
        return statistics.median(run[key] for run in runs[who])

    cells = [label, f"{n_rows:,}", f"{middle('ours', 'seconds'):.2f}"]
    cells.append(floor_text(label, n_rows, dim, n, flops, bandwidth))
    if alternative is None:
        cells += ["none that fits in memory", "", "", f"{middle('ours', 'mib'):.0f}", ""]
    elif any("error" in run for run in runs["theirs"]):
        error = next(run["error"] for run in runs["theirs"] if "error" in run)
        cells += [alternative.__name__, f"failed: {error}", "", f"{middle('ours', 'mib'):.0f}", ""]
    else:
        ratio = statistics.median(
            theirs["seconds"] / mine["seconds"] for mine, theirs in zip(runs["ours"], runs["theirs"], strict=True)
        )
        cells += [alternative.__name__, f"{middle('theirs', 'seconds'):.2f}", f"{ratio:.1f}"]
        cells += [f"{middle('ours', 'mib'):.0f}", f"{middle('theirs', 'mib'):.0f}"]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
