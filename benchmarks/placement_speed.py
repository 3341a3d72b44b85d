"""How fast Stein particles move and how fast their target is fitted, beside the floor and a peer.

    pip install -e '.[offline]'
    python benchmarks/placement_speed.py --peer path/to/python    # one that has blackjax; none, no peer

An iteration is all that a run repeats: bandwidth, scores of a mixture, direction, step. It takes turns with the
products that it cannot do without, of the same matrices. Where other work shares the machine, processor time says more
than the clock. Each fit runs in a process of its own; memory is the peak of that process, and what it had before it
read any rows. The table goes to `benchmarks/results/placement_speed.md`.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

TABLE = Path(__file__).parent / "results" / "placement_speed.md"
DIM, N_ROWS, MOVES = 384, 67_349, 5

PEER = """
import json, sys, time
import jax, jax.numpy as jnp, numpy as np, optax
from blackjax.vi.svgd import as_top_level_api, rbf_kernel, update_median_heuristic
x = jnp.asarray(np.random.default_rng(0).normal(size=(int(sys.argv[1]), int(sys.argv[2]))).astype(np.float32))
score = jax.grad(lambda z: -0.5 * (z * z).sum())
method = as_top_level_api(score, optax.adagrad(0.1), rbf_kernel, update_median_heuristic)
step, state = jax.jit(method.step), method.init(x)
state = jax.block_until_ready(step(state))
wall, cpu = time.perf_counter(), time.process_time()
for _ in range(3):
    state = step(state)
jax.block_until_ready(state)
print(json.dumps([(time.perf_counter() - wall) / 3, (time.process_time() - cpu) / 3]))
"""


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def iteration(m: int, repeats: int) -> dict[str, tuple[float, float]]:
    """Medians over turns, of one iteration and of three products."""
    import torch

    from condensers.placement import GaussianMixtureScore, SteinParticles

    x = np.random.default_rng(0).normal(size=(m, DIM)).astype(np.float32)
    model = GaussianMixtureScore(max_iter=2).fit(x)
    tensor, square = torch.from_numpy(x), torch.empty((m, m))
    out = torch.empty_like(tensor)

    def descend(moves: int) -> None:
        SteinParticles(subspace=None, max_steps=moves, tol=0.0, record_every=10**6)._descend(x, model)

    def products() -> None:
        torch.mm(tensor, tensor.T, out=square)
        torch.mm(square, tensor, out=out)
        torch.mm(square, tensor, out=out)

    descend(1)
    products()
    found: dict[str, list[tuple[float, float]]] = {"ours": [], "floor": []}
    for _ in range(repeats):
        # What a run does once, such as the records at both ends, is in both and falls out.
        short, long = timed(lambda: descend(1)), timed(lambda: descend(1 + MOVES))
        found["ours"].append(((long[0] - short[0]) / MOVES, (long[1] - short[1]) / MOVES))
        several = timed(lambda: [products() for _ in range(MOVES)])
        found["floor"].append((several[0] / MOVES, several[1] / MOVES))
    return {
        who: (statistics.median(w for w, _ in turns), statistics.median(c for _, c in turns))
        for who, turns in found.items()
    }


def peer(python: str, m: int) -> tuple[float, float] | None:
    done = subprocess.run([python, "-c", PEER, str(m), str(DIM)], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"the peer did not run: {done.stderr.strip().splitlines()[-1:]}")
        return None
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def fit(case: str, path: str) -> dict[str, float]:
    from condensers.placement import GaussianMixtureScore, SteinParticles

    x = np.load(path, mmap_mode="r")
    GaussianMixtureScore(n_components=2, max_iter=2).fit(np.asarray(x[:100]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kind, _, covariance = case.partition(" ")
    score = GaussianMixtureScore(covariance=covariance)
    wall, cpu = timed(lambda: (SteinParticles(score=score) if kind == "subspace" else score).fit(x))
    return {
        "wall": wall,
        "cpu": cpu,
        "before": before / 2**20,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def rows() -> np.ndarray:
    """Unit rows in clusters, of falling variance, as many as SST-2 has."""
    rng = np.random.default_rng(0)
    scale = np.arange(1, DIM + 1) ** -0.3
    centres = rng.normal(size=(20, DIM)) * scale
    x = (centres[rng.integers(20, size=N_ROWS)] + rng.normal(size=(N_ROWS, DIM)) * scale).astype(np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peer", help="an interpreter that has blackjax")
    parser.add_argument("--fit", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.fit:
        print(json.dumps(fit(*arguments.fit)))
        return
    threads = os.environ.get("OMP_NUM_THREADS") or str(os.cpu_count())
    lines = [
        "# Speed of Stein particles",
        "",
        f"{platform.machine()}, {threads} thread(s), float32; each entry is seconds by the clock / of the processor. "
        f"Load of the minute before on {os.cpu_count()} cores: {os.getloadavg()[0]:.1f}. Where other work "
        "shares the machine, processor time is the one to compare.",
        "",
        f"One iteration of m particles in {DIM} dimensions, medians of {arguments.repeats} turns. The floor is three "
        "products of the kernel matrix's size; two suffice, for both sums of Eq. 2 are one product.",
        "",
        "| m | floor, GFLOP | floor, s | ours, s | ours / floor | blackjax, s |",
        "|---|---|---|---|---|---|",
    ]
    for m in (500, 2000):
        found = iteration(m, arguments.repeats)
        # The peer holds (m, m, dim), 6 GB at 2,000.
        other = peer(arguments.peer, m) if arguments.peer and m <= 500 else None
        ours, floor = found["ours"], found["floor"]
        lines.append(
            f"| {m:,} | {6 * m * m * DIM / 1e9:.2f} | {floor[0]:.3f} / {floor[1]:.3f} | {ours[0]:.3f} / {ours[1]:.3f} "
            f"| {ours[0] / floor[0]:.2f} / {ours[1] / floor[1]:.2f} "
            f"| {'not run' if other is None else f'{other[0]:.3f} / {other[1]:.3f}'} |"
        )
        print(lines[-1], flush=True)
    lines += [
        "",
        f"Fits on {N_ROWS:,} x {DIM} rows in a memory map, 8 components (wanted: 60 s, 2 GiB). The floor is that of "
        "the one product that every fit does at least once, the covariance of the rows, or one pass of EM.",
        "",
        "| fit | floor, GFLOP | s | peak, GiB | of it before, GiB |",
        "|---|---|---|---|---|",
    ]
    floors = {
        "subspace diagonal": 2 * N_ROWS * DIM**2,
        "subspace full": 2 * N_ROWS * DIM**2,
        "rows diagonal": 8 * N_ROWS * DIM * 8,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "rows.npy")
        np.save(path, rows())
        for case, operations in floors.items():
            done = subprocess.run(
                [sys.executable, __file__, "--fit", case, path], capture_output=True, text=True, check=True
            )
            run = json.loads(done.stdout.splitlines()[-1])
            lines.append(
                f"| {case} | {operations / 1e9:.1f} | {run['wall']:.1f} / {run['cpu']:.1f} | {run['peak']:.2f} "
                f"| {run['before']:.2f} |"
            )
            print(lines[-1], flush=True)
    TABLE.write_text("\n".join([*lines, ""]), encoding="utf-8")
    print(f"wrote {TABLE}")


if __name__ == "__main__":
    main()
