"""What condensed rows are worth: methods x datasets x sizes x learners x seeds, as one table.

    python benchmarks/quality.py --data ../shared/data                           # breadth: the two fast learners
    python benchmarks/quality.py --data ../shared/data --datasets sst2 --per-class 10 \
        --learners fine_tuned --seeds 3                                           # depth: CondenseLM's protocol
    python benchmarks/quality.py --data ../shared/data --datasets sst2,ag_news --per-class 5,10 --seeds 15 --sets 3 \
        --methods condenselm,few_shot,error_extrapolation --llm offline --llm-settings \
        '{"reply_format": "single", "reply_tokens": 128, "temperature": 0.7, "concurrency": 64,
          "llm_dtype": "bfloat16"}'              # a small language model; elsewhere --seeds 5 --sets 1
    python benchmarks/quality.py --data ../shared/data --datasets sst2 --per-class 10 --seeds 15 --sets 3 \
        --methods krr_rewrite --llm offline --learners linear_probe,text_rnn,tfidf_linear \
        --llm-settings '{"reply_tokens": 256, "temperature": 0.7, "concurrency": 64, "llm_dtype": "bfloat16"}'
                                         # and --seeds 6 --learners fine_tuned; elsewhere --seeds 5 --sets 1

Every finished cell is a line in `results/quality.jsonl`; cells that are there are not measured again, so a stopped
run goes on, and table and chart (`quality_table.py`) are written from all lines. Seed s is the seed of the learner,
and of the condenser unless `--sets` says how many sets are made: then its seed is s modulo that number, for methods
that ask a language model. The sets are condensed from the training split; accuracy is on the test split, which nothing
else looks at.
"""

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cells import Cells
from quality_table import grouped, save_chart, table

from condensers.data import Rows, load_splits, load_test_split, read_rows
from condensers.embedding import Embedder, load_embedder
from condensers.evaluation import evaluate_rows, load_learner
from condensers.methods import AutoCondenser, PreparedSource

RESULTS = Path(__file__).parent / "results"
KEY = ("dataset", "method", "per_class", "learner", "seed")
CELLS = Cells(RESULTS / "quality.jsonl", KEY)
METHODS = "random,herding,k_center,greedy_k_center,facility_location"
LLM_METHODS = ("condenselm", "krr_rewrite", "krr_rewrite_alike", "few_shot", "error_extrapolation")
VARIANTS = {"krr_rewrite_alike": ("krr_rewrite", {"at_length": False})}


def measure(arguments: argparse.Namespace) -> None:
    embedder = load_embedder(arguments.embedder)
    learners = {name: load_learner(name, embedder=embedder) for name in arguments.learners.split(",")}
    done = CELLS.by_key()
    for dataset in arguments.datasets.split(","):
        wanted = [
            (method, per_class, seed)
            for per_class in map(int, arguments.per_class.split(","))
            for method in arguments.methods.split(",")
            for seed in range(arguments.seeds)
            if any((dataset, method, per_class, learner, seed) not in done for learner in learners)
        ]
        if not wanted:
            continue
        prepared, test = read(Path(arguments.data) / dataset, embedder, arguments.test_rows)
        for method, per_class, seed, made in condensed(wanted, prepared, embedder, arguments):
            for name, learner in learners.items():
                key = (dataset, method, per_class, name, seed)
                if key in done:
                    continue
                scores = evaluate_rows(made.rows, test, learner, seeds=[seed])
                cell = dict(zip(KEY, key, strict=True))
                CELLS.add(
                    {
                        **cell,
                        "accuracy": scores.accuracy[0],
                        "macro_f1": scores.macro_f1[0],
                        "seconds": round(scores.seconds, 2),
                        "condensing_seconds": round(made.seconds, 2),
                        "n_train": len(prepared.rows),
                        "n_test": len(test),
                        **made.facts,
                    }
                )
                found = f"{100 * scores.accuracy[0]:.1f} ({scores.seconds:.1f} s)"
                print(f"{' '.join(map(str, key))}: {found}", flush=True)


@dataclass(frozen=True)
class Made:
    """A condensed set, and what it cost; `facts` are what it asked a language model, and settings of its own."""

    rows: Rows
    seconds: float
    facts: dict[str, Any]


def read(folder: Path, embedder: Embedder, test_rows: int) -> tuple[PreparedSource, Rows]:
    splits = load_splits(folder)
    if not {"test", "validation"} & splits.keys():
        rows = splits["train"].class_encode_column("label")
        splits = rows.train_test_split(test_size=0.25, seed=0, stratify_by_column="label")
    prepared = AutoCondenser.from_method("random", embedder=embedder).fit(splits["train"]).prepared_
    test = read_rows(load_test_split(splits), prepared.columns, class_names=prepared.rows.class_names)
    if len(test) > test_rows:  # the same rows for every cell
        test = test.select(np.sort(np.random.default_rng(0).permutation(len(test))[:test_rows]))
    return prepared, test


def condensed(
    wanted: list[tuple[str, int, int]], prepared: PreparedSource, embedder: Embedder, arguments: argparse.Namespace
) -> Iterator[tuple[str, int, int, Made]]:
    """Condenses; a set that several seeds share is made once."""
    made: dict[tuple[str, int, int], Made] = {}
    for method, per_class, seed in wanted:
        settings: dict[str, Any] = {"embedder": embedder, "per_class": per_class, "seed": seed}
        if method in LLM_METHODS:
            settings |= {"llm": arguments.llm, "seed": seed % (arguments.sets or seed + 1)}
            settings |= arguments.llm_settings
        if method in ("condenselm", "error_extrapolation"):
            settings["reward_model"] = arguments.reward_model
        given = arguments.settings.get(method, {})
        base, varied = VARIANTS.get(method, (method, {}))
        condenser = AutoCondenser.from_method(base, **settings | varied | given)
        key = (method, per_class, 0 if condenser.deterministic else settings["seed"])
        if key not in made:
            began = time.perf_counter()
            dataset = condenser.condense(prepared)
            rows = read_rows(dataset, prepared.columns, class_names=prepared.rows.class_names)
            seconds = time.perf_counter() - began
            own = {"settings": given} if given else {}
            made[key] = Made(rows, seconds, spent(condenser.run_.llm, rows, settings) | own)
        yield method, per_class, seed, made[key]


def spent(llm: Mapping[str, Any] | None, rows: Rows, settings: Mapping[str, Any]) -> dict[str, Any]:
    if not llm:
        return {}
    words = round(sum(len(text.split()) for text in rows.texts) / len(rows), 1)
    usage = {name: llm["usage"][name] for name in ("requests", "input_tokens", "output_tokens")}
    asked = {"set": settings["seed"], "model": llm["model"], "reply_format": llm["reply_format"]}
    given = {name: settings[name] for name in ("reward_model", "temperature") if name in settings}
    return {**asked, **given, **usage, "words": words}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder that holds one folder a dataset")
    parser.add_argument("--datasets", default="sst2,ag_news,tweet_irony,financial_phrasebank")
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--per-class", default="5,10,20")
    parser.add_argument("--learners", default="linear_probe,text_rnn")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--test-rows", type=int, default=2000, help="test on at most so many rows, drawn once")
    parser.add_argument("--embedder", default="offline")
    parser.add_argument("--llm", default="offline", help="what the methods that need a language model ask")
    parser.add_argument(
        "--llm-settings", type=json.loads, default={}, help="more settings of those methods, as a JSON object"
    )
    parser.add_argument(
        "--settings", type=json.loads, default={}, help="settings of single methods, as a JSON object by their names"
    )
    parser.add_argument("--reward-model", default="probe", help="what those methods know the classes by")
    parser.add_argument("--sets", type=int, help="sets that such a method makes; one a seed unless given")
    parser.add_argument("--table-only", action="store_true", help="write table and chart of what is there")
    arguments = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    try:
        if not arguments.table_only:
            measure(arguments)
    finally:
        groups = grouped(CELLS.by_key().values())
        (RESULTS / "quality.md").write_text(table(groups), encoding="utf-8")
        save_chart(groups, RESULTS / "quality.svg")


if __name__ == "__main__":
    main()
