"""How fast the metrics are beside the reference implementations, and how much memory they take.

    pip install -e '.[offline,bench]' 'mauve-text'
    python benchmarks/metrics_speed.py

Sets of random vectors in clusters. Ours and theirs take turns, each in a process of its own, so that peak memory is
its own; what a process needs before it starts to compute is taken off. The floor is what the definition asks for:
multiplications and additions of the matrix products that cannot be left out, at the rate of one product measured in
the same run. mauve-text is not among the extras, since its licence is the GPL. The table goes to
`benchmarks/results/metrics_speed.md`.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

TABLE = Path(__file__).parent / "results" / "metrics_speed.md"
# Rows of each set, dimension, and how many times faster we mean to be.
CASES = {"precision_recall": (10_000, 384, 4.0), "fid": (5_000, 768, 4.0), "mauve": (5_000, 384, 3.0)}
PEERS = {"precision_recall": "prdc", "fid": "scipy.linalg.sqrtm", "mauve": "mauve-text"}
N_BUCKETS = 500


def clouds(n_rows: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(50, dim))
    found = []
    for shares in (np.ones(50), np.linspace(0.2, 1.8, 50)):
        x = centres[rng.choice(50, size=n_rows, p=shares / shares.sum())] + rng.normal(size=(n_rows, dim))
        found.append((x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32))
    return found[0], found[1]


def ours(case: str, few: np.ndarray, many: np.ndarray) -> dict[str, float]:
    from condensers.metrics import METRICS

    settings = {"mauve": {"n_buckets": N_BUCKETS, "together": True}}.get(case, {})
    return dict(METRICS[case].compare(few, many, **settings).value())


def theirs(case: str, few: np.ndarray, many: np.ndarray) -> dict[str, float]:
    if case == "precision_recall":
        from prdc import compute_prdc

        found = compute_prdc(many, few, nearest_k=5)
        return {name: float(found[name]) for name in ("precision", "recall")}
    if case == "fid":
        from scipy.linalg import sqrtm

        means = [x.mean(axis=0, dtype=np.float64) for x in (few, many)]
        covariances = [np.cov(x.astype(np.float64), rowvar=False) for x in (few, many)]
        root = sqrtm(covariances[0] @ covariances[1]).real
        gap = means[0] - means[1]
        return {"fid": float(gap @ gap + np.trace(covariances[0] + covariances[1] - 2 * root))}
    import mauve

    return {"mauve": float(mauve.compute_mauve(few, many, num_buckets=N_BUCKETS, verbose=False).mauve)}


def floor(case: str, n_rows: int, dim: int) -> tuple[float, str]:
    """Operations that the definition asks for, and what they are."""
    if case == "precision_recall":
        return 2.0 * dim * (2 * n_rows**2 / 2 + n_rows**2), "distances within each set and between them"
    if case == "fid":
        return 2.0 * 2 * n_rows * dim**2 / 2 + 9.0 * dim**3, "two covariances and the eigenvalues of one matrix"
    return 2.0 * 10 * 2 * n_rows * N_BUCKETS * dim / 2, "ten passes of k-means, on half of the dimensions"


def measure(case: str, who: str) -> dict[str, Any]:
    n_rows, dim, _ = CASES[case]
    few, many = clouds(n_rows, dim)
    # Imports and first calls are not what is measured.
    small = few[: 2 * dim], many[: 2 * dim]
    (ours if who == "ours" else theirs)(case, *small)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    found = (ours if who == "ours" else theirs)(case, few, many)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"seconds": seconds, "megabytes": peak / 1024, "found": found}


def rate() -> float:
    """Operations a second of one float32 matrix product."""
    x = np.random.default_rng(0).normal(size=(2048, 2048)).astype(np.float32)
    x @ x
    began = time.perf_counter()
    for _ in range(5):
        x @ x
    return 5 * 2 * 2048**3 / (time.perf_counter() - began)


def in_a_process_of_its_own(case: str, who: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--case", case, "--who", who]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--who", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(measure(arguments.case, arguments.who)))
        return
    speed = rate()
    threads = os.environ.get("OMP_NUM_THREADS") or str(os.cpu_count())
    lines = [
        "# Speed of the metrics",
        "",
        f"Medians of {arguments.repeats} runs that took turns, {threads} thread(s), {platform.machine()}. Memory is "
        "the peak of the process less what it had before it computed. The floor: the named operations, both sets read "
        f"once, and the time that the operations take at the speed of one matrix product, {speed / 1e9:.0f} GFLOP/s "
        "in this run.",
        "",
        "| metric | sets | beside | ours, s | theirs, s | times faster | wanted | floor, s | ours, MB | theirs, MB "
        "| ours | theirs |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for case, (n_rows, dim, wanted) in CASES.items():
        runs: dict[str, list[dict]] = {"ours": [], "theirs": []}
        for turn in range(arguments.repeats):
            for who in ("ours", "theirs") if turn % 2 else ("theirs", "ours"):
                runs[who].append(in_a_process_of_its_own(case, who))
        seconds = {who: statistics.median(run["seconds"] for run in found) for who, found in runs.items()}
        memory = {who: statistics.median(run["megabytes"] for run in found) for who, found in runs.items()}
        operations, what = floor(case, n_rows, dim)
        shared = [name for name in runs["theirs"][0]["found"] if name in runs["ours"][0]["found"]]
        values = {
            who: ", ".join(f"{statistics.mean(run['found'][name] for run in found):.4f}" for name in shared)
            for who, found in runs.items()
        }
        lines.append(
            f"| {case} | 2 x {n_rows:,} x {dim} | {PEERS[case]} | {seconds['ours']:.2f} | {seconds['theirs']:.2f} "
            f"| {seconds['theirs'] / seconds['ours']:.1f} | {wanted:g} | {operations / 1e9:.0f} GFLOP, "
            f"{4 * 2 * n_rows * dim / 1e6:.0f} MB: {operations / speed:.2f} ({what}) "
            f"| {memory['ours']:.0f} | {memory['theirs']:.0f} | {values['ours']} | {values['theirs']} |"
        )
        print(lines[-1], flush=True)
    TABLE.write_text("\n".join([*lines, ""]), encoding="utf-8")
    print(f"wrote {TABLE}")


if __name__ == "__main__":
    main()
