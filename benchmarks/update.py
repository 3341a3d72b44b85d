"""What an update of K-Center changes and what it costs, beside condensing the whole source afresh.

    python benchmarks/update.py --data ../shared/data --datasets sst2,ag_news

A tenth of the training rows, another a seed, comes later. Changed: condensed rows that are not among those of before.
Loss: mean squared distance of a source row to the nearest centroid of its class, beside that of a fresh start.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from condensers.embedding import KnownTexts, load_embedder
from condensers.methods import KCenterCondenser, PreparedSource
from condensers.placement.kmeans import squared_distances

RESULTS = Path(__file__).parent / "results" / "update.md"
COLUMNS = ("dataset", "rows a class", "changed by the update", "changed afresh", "loss", "update", "afresh")
HEADER = """\
K-Center rows of 20,000 training rows, of which a tenth comes later; mean ± standard deviation over three seeds, each
with its own rows. Changed: condensed rows in percent that are not among those of before, after `update` and after
condensing the whole source with the same seed. Loss: mean squared distance of a source row to the nearest centroid of
its class after `update`, above that of the fresh start, in percent; below 0 the update found the better optimum.
Seconds on a core that others used too, without the model that embeds. Embeddings: all-MiniLM-L6-v2."""
N_ROWS = 20_000


def objective(prepared: PreparedSource, condenser: KCenterCondenser, per_class: int) -> float:
    total = 0.0
    for k, (_, positions) in enumerate(prepared.rows.by_class()):
        points = condenser.points_[k * per_class : (k + 1) * per_class]
        total += float(squared_distances(prepared.vectors[positions], points).min(axis=1).sum())
    return total / len(prepared.rows)


def measure(whole: PreparedSource, per_class: int, seed: int) -> tuple[float, ...]:
    order = np.random.default_rng(seed).permutation(len(whole.rows))[:N_ROWS]
    n_late = len(order) // 10
    old, late = (whole.rows.dataset.select(np.sort(part)) for part in (order[n_late:], order[:n_late]))
    known = KnownTexts(load_embedder("offline"), whole.rows.texts, whole.vectors)
    settings = {"embedder": known, "per_class": per_class, "seed": seed}
    condenser = KCenterCondenser(**settings)
    before = set(condenser.condense(old)["text"])
    began = time.perf_counter()
    updated = condenser.update(late)
    seconds = time.perf_counter() - began
    fresh = KCenterCondenser(**settings)
    began = time.perf_counter()
    afresh = set(fresh.condense(condenser.prepared_)["text"])
    fresh_seconds = time.perf_counter() - began
    n = len(updated.dataset)
    losses = [objective(condenser.prepared_, each, per_class) for each in (condenser, fresh)]
    changed = 100 * updated.n_changed / n, 100 * len(afresh - before) / n
    return (*changed, 100 * (losses[0] / losses[1] - 1), seconds, fresh_seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--datasets", default="sst2,ag_news")
    parser.add_argument("--per-class", default="10")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    lines = [COLUMNS, ["---"] * len(COLUMNS)]
    for dataset in arguments.datasets.split(","):
        whole = KCenterCondenser(embedder="offline").fit(arguments.data / dataset).prepared_
        for per_class in map(int, arguments.per_class.split(",")):
            found = np.asarray([measure(whole, per_class, s) for s in range(arguments.seeds)])
            mean, spread = found.mean(axis=0), found.std(axis=0, ddof=1)
            cells = [f"{mean[i]:.1f} ± {spread[i]:.1f}" for i in range(3)] + [f"{mean[i]:.2f} s" for i in (3, 4)]
            lines.append([dataset, str(per_class), *cells])
            print(lines[-1], flush=True)
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    RESULTS.write_text(f"# Updates\n\n{HEADER}\n\n{table}", encoding="utf-8")


if __name__ == "__main__":
    main()
