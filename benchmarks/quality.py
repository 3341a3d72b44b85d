"""What condensed rows are worth: methods x datasets x sizes x learners x seeds, as one table.

    python benchmarks/quality.py --data ../shared/data                           # breadth: the two fast learners
    python benchmarks/quality.py --data ../shared/data --datasets sst2 --per-class 10 \
        --learners fine_tuned --seeds 3                                           # depth: CondenseLM's protocol
    python benchmarks/quality.py --data ../shared/data --datasets sst2,ag_news --per-class 5,10 --seeds 15 --sets 3 \
        --methods random,herding,k_center,condenselm,few_shot,error_extrapolation --llm offline \
        --llm-settings '{"reply_format": "single", "reply_tokens": 128, "temperature": 0.7, "subset_size": 10,
                         "condensed_size": 10}'                                   # a small language model
    python benchmarks/quality.py --data ../shared/data --datasets sst2 --per-class 10 --seeds 15 --sets 3 \
        --methods krr_rewrite --llm offline --learners linear_probe,text_rnn,tfidf_linear \
        --llm-settings '{"reply_tokens": 256, "temperature": 0.7, "concurrency": 64, "llm_dtype": "bfloat16"}'
                                         # and --seeds 6 --learners fine_tuned; elsewhere --seeds 5 --sets 1

Every finished cell is a line in `results/quality.jsonl`; cells that are there are not measured again, so a stopped
run goes on, and the table is written from all lines. Seed s is the seed of the learner, and of the condenser unless
`--sets` says how many sets are made: then its seed is s modulo that number, for methods that ask a language model. The
sets are condensed from the training split; accuracy is on the test split, which nothing else looks at.
"""

import argparse
import json
import platform
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cells import Cells

from condensers.data import Rows, load_splits, load_test_split, read_rows
from condensers.embedding import Embedder, load_embedder
from condensers.evaluation import evaluate_rows, load_learner, paired_t_test
from condensers.methods import AutoCondenser, PreparedSource

RESULTS = Path(__file__).parent / "results"
KEY = ("dataset", "method", "per_class", "learner", "seed")
CELLS = Cells(RESULTS / "quality.jsonl", KEY)
HEADER = """\
Accuracy on the test split (2,000 rows of it, drawn once, where it is larger; where there is none, on a quarter of the
rows, drawn once and kept from the methods) in percent: mean ± standard deviation over seeds (n), and below it the
differences to random rows and to K-Center of the same seeds with the p of a paired t-test.
Embeddings: all-MiniLM-L6-v2. Learners are those of `condensers.evaluation`: a logistic regression on the
embeddings, another on TF-IDF alone, the TextRNN of PInR (Tables 6 and 7), and MiniLM fine-tuned by CondenseLM's
protocol (Table 13: 200 steps). A deviation of 0.0 over several seeds: neither method nor learner draws anything at
random. Of sets that a language model wrote, each is trained on with several seeds and counts once. `krr_rewrite_alike`
is `krr_rewrite` with rows that keep their length."""
# The paper's order, then what it does not have.
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


def table() -> str:
    groups: dict[tuple, list[dict]] = defaultdict(list)
    for (dataset, method, per_class, learner, _), cell in CELLS.by_key().items():
        groups[learner, dataset, per_class, method].append(cell)
    lines = [
        "# What condensed rows are worth",
        "",
        HEADER,
        f"Measured on {platform.machine()}, two CPU cores, no accelerator.",
        "",
    ]
    methods = list(dict.fromkeys([*METHODS.split(","), *(key[3] for key in groups)]))
    lines += averages(groups, methods)
    for learner in sorted({key[0] for key in groups}):
        lines += [f"## {learner}", "", f"| dataset | rows a class | {' | '.join(methods)} |"]
        lines.append("|---|---|" + "---|" * len(methods))
        for dataset, per_class in sorted({key[1:3] for key in groups if key[0] == learner}):
            found = {method: groups.get((learner, dataset, per_class, method), []) for method in methods}
            entries = [entry(method, cells, found) for method, cells in found.items()]
            lines.append(f"| {dataset} | {per_class} | {' | '.join(entries)} |")
        lines.append("")
    return "\n".join([*lines, *own_settings(groups), *costs(groups)])


def entry(method: str, cells: list[dict], found: Mapping[str, list[dict]]) -> str:
    """Mean and deviation, and the differences to random rows and to K-Center."""
    if not cells:
        return ""
    values = list(by_set(cells, cells).values())
    written = "set" in cells[0]
    mean = sum(values) / len(values)
    sd = (sum((value - mean) ** 2 for value in values) / max(1, len(values) - 1)) ** 0.5
    unit = "" if not written else " set" if len(values) == 1 else " sets"
    text = f"{mean:.1f} ± {sd:.1f} ({len(values)}{unit})"
    for base in ("random", "k_center"):
        ours, theirs = paired(cells, found[base])
        if method in ("random", base) or len(ours) < 2:
            continue
        test = paired_t_test(ours, theirs)
        text += f"<br>{test.difference:+.1f}{' to K-Center' if base == 'k_center' else ''}, p={test.p_value:.2g}"
    return text


def averages(groups: Mapping[tuple, list[dict]], methods: list[str]) -> list[str]:
    """How far each method is above K-Center on average over learners, and above random rows at the least."""
    rows = []
    for dataset, per_class in sorted({key[1:3] for key in groups}):
        entries = []
        for method in methods:
            to_k_center, to_random = (
                differences(groups, method, base, dataset, per_class) for base in ("k_center", "random")
            )
            text = f"{sum(to_k_center) / len(to_k_center):+.1f} ({len(to_k_center)})" if to_k_center else ""
            entries.append(text + (f"<br>at least {min(to_random):+.1f} to random" if to_random else ""))
        rows.append(f"| {dataset} | {per_class} | {' | '.join(entries)} |")
    said = (
        "Difference to K-Center, averaged over the learners (n) of which the tables below have both, and the\n"
        "smallest of the differences to random rows that one of these learners makes."
    )
    head = f"| dataset | rows a class | {' | '.join(methods)} |"
    return ["## Over all learners", "", said, "", head, "|---" * (2 + len(methods)) + "|", *rows, ""]


def differences(
    groups: Mapping[tuple, list[dict]], method: str, base: str, dataset: str, per_class: int
) -> list[float]:
    """Mean accuracy less that of `base`, in percent, for each learner of which there are both."""
    found = []
    for learner in sorted({key[0] for key in groups}):
        cells, others = (groups.get((learner, dataset, per_class, name), []) for name in (method, base))
        ours, theirs = paired(cells, others)
        if method != base and ours:
            found.append(sum(ours) / len(ours) - sum(theirs) / len(theirs))
    return found


def paired(cells: list[dict], others: list[dict]) -> tuple[list[float], list[float]]:
    """Accuracies of both in percent, by the sets or seeds that they share."""
    ours, theirs = by_set(cells, others), by_set(others, cells)
    shared = sorted(set(ours) & set(theirs))
    return [ours[key] for key in shared], [theirs[key] for key in shared]


def by_set(cells: list[dict], others: list[dict]) -> dict[int, float]:
    """Accuracy in percent by set, over the seeds that `others` have too; where each seed has a set, by seed.

    Learners of one set tell how learners differ, not how sets do, so a set counts once.
    """
    sets = {cell["seed"]: cell.get("set", cell["seed"]) for cell in (*cells, *others)}
    sets |= {cell["seed"]: cell["set"] for cell in (*cells, *others) if "set" in cell}
    shared = {cell["seed"] for cell in others}
    parts: dict[int, list[float]] = defaultdict(list)
    for cell in cells:
        if cell["seed"] in shared:
            parts[sets[cell["seed"]]].append(100 * cell["accuracy"])
    return {key: sum(values) / len(values) for key, values in parts.items()}


def own_settings(groups: Mapping[tuple, list[dict]]) -> list[str]:
    """How methods were told to do with less than their defaults, which take a GPU; seconds of the longest run."""
    found: dict[tuple, float] = {}
    for (_, dataset, per_class, method), cells in groups.items():
        for cell in cells:
            if "settings" in cell:
                key = dataset, per_class, method, json.dumps(cell["settings"])
                found[key] = max(found.get(key, 0), cell["condensing_seconds"])
    if not found:
        return []
    rows = [f"| {' | '.join(map(str, key))} | {seconds:,.0f} |" for key, seconds in sorted(found.items())]
    head = "| dataset | rows a class | method | settings | seconds |"
    return ["## Settings that are not the defaults", "", head, "|---" * 5 + "|", *rows, ""]


def costs(groups: Mapping[tuple, list[dict]]) -> list[str]:
    """What the language model was asked for, of the set that found least in the cache of replies."""
    most: dict[tuple, dict] = {}
    for (_, dataset, per_class, method), cells in sorted(groups.items()):
        for cell in cells:
            key = dataset, per_class, method
            if "set" in cell and cell["requests"] > most.get(key, {"requests": -1})["requests"]:
                most[key] = cell
    rows = []
    for (dataset, per_class, method), one in sorted(most.items()):
        asked = f"{one['model']}, {one['reply_format']}, temperature {one.get('temperature', 1.0):g}"
        counted = ("requests", "input_tokens", "output_tokens", "condensing_seconds")
        numbers = " | ".join(f"{one[name]:,.0f}" for name in counted)
        rows.append(f"| {dataset} | {per_class} | {method} | {one.get('words', '')} | {asked} | {numbers} |")
    if not rows:
        return []
    head = "| dataset | rows a class | method | words a row | asked | requests | tokens in | tokens out | seconds |"
    said = "Of the set that found least in the cache of replies; seconds on two cores with other work."
    return ["## What a written set costs", "", said, "", head, "|---" * 9 + "|", *rows, ""]


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
    parser.add_argument("--table-only", action="store_true", help="write the table of what is there")
    arguments = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    try:
        if not arguments.table_only:
            measure(arguments)
    finally:
        (RESULTS / "quality.md").write_text(table(), encoding="utf-8")


if __name__ == "__main__":
    main()
