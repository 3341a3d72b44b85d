"""PInR end to end beside its baselines: accuracy, likeness, leakage, seconds, tokens. After Tables 1, 2, 5 and RQ2.

    python benchmarks/pinr.py --data ../shared/data --llm offline --learners linear_probe,text_rnn \
        --settings '{"temperature": 0.7, "concurrency": 64, "llm_dtype": "bfloat16"}'          # the committed table
    python benchmarks/pinr.py --data ../shared/data --llm Qwen/Qwen3-8B@http://localhost:8000/v1 \
        --inverter runs/{dataset}-inverter --corrector runs/{dataset}-corrector

sst2 and ag_news are condensed to `--per-class` rows a class, gsm8k, which has no labels, to `--total`; its table says
which settings came on top. A number after a method is that of its rounds: `pinr-0` is PInR without refinement (RQ2),
and `pinr-1,pinr,pinr-4,aug_pe-2,aug_pe` tell what more requests bring (RQ3); the library's cache lets them share
replies. Set s is condensed, and its learner trained, with seed s. Accuracy is on the test split; gsm8k has none here.
The similarity metrics compare with at most 5,000 training rows. A method that this version has not is passed over.
Every finished cell is a line in `results/pinr.jsonl`, so a stopped run goes on; the table is written from all lines.
"""

import argparse
import json
import logging
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np
from cells import Cells
from likeness import likeness

from condensers.data import Rows, load_source, load_test_split, read_rows
from condensers.embedding import Embedder, VectorRows, embed_texts, load_embedder
from condensers.evaluation import evaluate_rows, load_learner
from condensers.llm import prompt_names
from condensers.methods import METHODS, AutoCondenser, PreparedSource, settings_for
from condensers.metrics import TextSet, sample_positions

RESULTS = Path(__file__).parent / "results"
KEY = ("dataset", "method", "size", "writer", "rows", "seed")
CELLS = Cells(RESULTS / "pinr.jsonl", KEY)
LINE_UP = "random,k_center,dallme,mgd3,pinr-0,pinr,aug_pe"
ROUNDS = {"pinr": "num_rounds", "aug_pe": "iterations"}
UNLABELLED = {"gsm8k": {"text": ("question", "answer"), "label": None}}
TOPICS = {"sst2": "film reviews", "ag_news": "news", "gsm8k": "school mathematics, with worked answers"}  # of Aug-PE
# What a table says of other settings.
TOLD = {"num_candidates": "texts a point", "num_neighbours": "rows shown", "reply_tokens": "tokens a reply"}
MEASURED = ("fid", "mauve", "precision_recall", "ngram_overlap")
SCORES = ("fid", "mauve", "precision", "recall", "f1", "unigram_overlap", "bigram_overlap")
N_REFERENCES = 5_000
HEADER = """\
Accuracy: percent of the test split (2,000 rows of it, drawn once, where it is larger). Mean ± standard deviation over
the condensed sets, if there are several, each with a seed of its own. True samples: where 90% of real rows, as many as
the set has, fall. Overlap: share of a row's unigrams and bigrams that its nearest real row has too (Section 6.1);
rows that are real and among the references find themselves there, and count as copies. Seconds leave out the embedding
of the source; replies and texts that an earlier run had kept cost none, but their requests and tokens count. Those of
ag_news and gsm8k were taken beside other work, which on gsm8k stopped `pinr-0` and `mgd3` for a while: they count too
much. Embeddings: all-MiniLM-L6-v2. `pinr-0` is PInR without refinement (RQ2). Where a method is written by `offline`
alone, SmolLM2-135M-Instruct wrote its texts after the rows around a point (for Aug-PE after no row); with an inverter,
that did, and SmolLM2 refined."""
COSTS = "Performance against cost (RQ3), by tokens read and written. A method's number is that of its rounds."


def measure_all(arguments: argparse.Namespace) -> None:
    embedder = load_embedder(arguments.embedder)
    learners = {name: load_learner(name, embedder=embedder) for name in arguments.learners.split(",")}
    for dataset in arguments.datasets.split(","):
        names = [name for name in arguments.methods.split(",") if name.partition("-")[0] in METHODS]
        if unknown := set(arguments.methods.split(",")) - set(names):
            print(f"{dataset}: this version has no {', '.join(sorted(unknown))}", flush=True)
        keys = [_cell_key(dataset, name, seed, arguments) for seed in range(arguments.sets) for name in names]
        wanted = [key for key in keys if key not in CELLS.by_key()]
        if not wanted:
            continue
        prepared, test = read(Path(arguments.data) / dataset, dataset, embedder, arguments.rows)
        for key in wanted:
            cell = run(key[1], dataset, key[-1], prepared, test, embedder, learners, arguments)
            CELLS.add(dict(zip(KEY, key, strict=True)) | cell)
            print(f"{' '.join(map(str, key))}: {json.dumps(cell)[:300]}", flush=True)


def _cell_key(dataset: str, name: str, seed: int, arguments: argparse.Namespace) -> tuple:
    size = arguments.total if dataset in UNLABELLED else arguments.per_class
    writer = "none" if name in ("random", "k_center") else _writer(name, dataset, arguments)
    return dataset, name, size, writer, arguments.rows, seed


def _writer(name: str, dataset: str, arguments: argparse.Namespace) -> str:
    inverter = arguments.inverter and arguments.inverter.format(dataset=dataset)
    settings = settings_for(name.partition("-")[0], arguments.settings)
    told = [settings["llm_dtype"]] if "llm_dtype" in settings else []
    told += [f"{settings[key]} {words}" for key, words in TOLD.items() if key in settings]
    llm = f"{arguments.llm} ({', '.join(told)})" if told else arguments.llm
    return " + ".join(name for name in (inverter, llm) if name)


def read(folder: Path, dataset: str, embedder: Embedder, n_rows: int | None) -> tuple[PreparedSource, Rows | None]:
    source = load_source(folder)
    if n_rows and len(source) > n_rows:
        source = source.select(np.sort(np.random.default_rng(0).permutation(len(source))[:n_rows]))
    columns = UNLABELLED.get(dataset, {})
    prepared = AutoCondenser.from_method("random", embedder=embedder, **columns).fit(source).prepared_
    if dataset in UNLABELLED:
        return prepared, None
    test = read_rows(load_test_split(str(folder)), prepared.columns, class_names=prepared.rows.class_names)
    if len(test) > 2000:
        test = test.select(np.sort(np.random.default_rng(0).permutation(len(test))[:2000]))
    return prepared, test


def run(
    name: str,
    dataset: str,
    seed: int,
    prepared: PreparedSource,
    test: Rows | None,
    embedder: Embedder,
    learners: dict[str, Any],
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    method, _, rounds = name.partition("-")
    budget = {"total": arguments.total} if dataset in UNLABELLED else {"per_class": arguments.per_class}
    written = {
        "llm": arguments.llm,
        "inverter": arguments.inverter and arguments.inverter.format(dataset=dataset),
        "corrector": arguments.corrector and arguments.corrector.format(dataset=dataset),
        "refinement_prompt": f"pinr/{dataset}" if f"pinr/{dataset}" in prompt_names() else None,
        "topic": TOPICS.get(dataset),
        **({ROUNDS[method]: int(rounds)} if rounds else {}),
        **arguments.settings,
    }
    shared = {**UNLABELLED.get(dataset, {}), **budget, "seed": seed}
    condenser = AutoCondenser.from_method(method, embedder=embedder, **shared, **settings_for(method, written))
    began = time.perf_counter()
    made = condenser.condense(prepared)
    seconds = time.perf_counter() - began
    rows = read_rows(made, prepared.columns, class_names=prepared.rows.class_names or None)
    run_ = condenser.run_
    usage = run_.llm["usage"] if run_.llm else {}
    writing = (run_.stages or {}).get("writing", {})
    cosine = [[v for v in stage if v is not None] for stage in writing.get("cosine", [])]
    return {
        "n_rows": len(rows),
        "condensing_seconds": round(seconds, 1),
        "requests": usage.get("requests", 0) + usage.get("cache_hits", 0),
        "input_tokens": usage.get("input_tokens", 0) + usage.get("saved_input_tokens", 0),
        "output_tokens": usage.get("output_tokens", 0) + usage.get("saved_output_tokens", 0),
        "cached": usage.get("cache_hits", 0),
        "n_source_rows_taken": len(writing.get("source_rows", [])),
        "cosine": [round(float(np.mean(stage)), 4) for stage in cosine if stage],
        "accuracy": accuracies(rows, test, learners, seed) if test is not None else {},
        "scores": scores_of(rows, prepared, embedder),
    }


def accuracies(rows: Rows, test: Rows, learners: dict[str, Any], seed: int) -> dict[str, float]:
    return {name: evaluate_rows(rows, test, learner, seeds=[seed]).mean for name, learner in learners.items()}


def scores_of(rows: Rows, prepared: PreparedSource, embedder: Embedder) -> dict[str, dict[str, Any]]:
    few = TextSet(rows.texts, embed_texts(rows.texts, embedder, progress=False).vectors[:])
    # The same references for all sets.
    positions = sample_positions(len(prepared.rows), N_REFERENCES, 0)
    texts = [prepared.rows.texts[i] for i in positions.tolist()]
    return likeness(few, TextSet(texts, VectorRows(prepared.vectors, positions)), MEASURED)


def table() -> str:
    lines = ["# PInR end to end", "", HEADER, f"Measured on {platform.machine()}.", ""]
    cells = list(CELLS.by_key().values())
    groups = dict.fromkeys((c["dataset"], c["size"], c["rows"]) for c in cells)
    for dataset, size, n_rows in groups:
        here = [c for c in cells if (c["dataset"], c["size"], c["rows"]) == (dataset, size, n_rows)]
        learners = list(dict.fromkeys(name for c in here for name in c["accuracy"]))
        known = {name for c in here for name in c["scores"]}
        scores = [name for name in SCORES if name in known] + sorted(known - set(SCORES))
        kind = "rows" if dataset in UNLABELLED else "rows a class"
        lines += [f"## {dataset}, {size} {kind}" + (f", from {n_rows:,} rows" if n_rows else ""), ""]
        names = [*learners, *scores, "cosine to the point", "source rows", "seconds", "requests", "tokens in, out"]
        lines += [f"| method | written by | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|"]
        lines.append(f"| {' | '.join([*_true_samples(here, len(learners), scores), *[''] * 5])} |")
        by_method: dict[tuple, list[dict[str, Any]]] = {}
        for cell in here:
            by_method.setdefault((cell["method"], cell["writer"]), []).append(cell)
        order = LINE_UP.split(",")
        whole = {method for method, _ in by_method if method in order}
        # Other rounds stand for a method that was not measured with its own.
        shown = [each for each in by_method.items() if each[0][0] in order or _base(each[0][0]) not in whole]
        for each, cells_of in sorted(shown, key=lambda entry: order.index(_base(entry[0][0]))):
            lines.append(f"| {' | '.join([*each, *_line(cells_of, learners, scores)])} |")
        lines += ["", *_costs(by_method, learners)]
    return "\n".join(lines)


def _base(method: str) -> str:
    return method if method in LINE_UP.split(",") else method.partition("-")[0]


def _true_samples(cells: list[dict[str, Any]], n_learners: int, scores: list[str]) -> list[str]:
    """Where real rows fall, as the cell that was measured last knows it."""
    line = ["*true samples*", *[""] * (1 + n_learners)]
    for name in scores:
        score = next((c["scores"][name] for c in reversed(cells) if name in c["scores"]), {})
        low, high = score.get("null_low"), score.get("null_high")
        line.append("" if low is None else f"{low:.3f} to {high:.3f}")
    return line


def _costs(by_method: dict[tuple, list[dict[str, Any]]], learners: list[str]) -> list[str]:
    """What more rounds bring, cheapest first; nothing where no method ran with several numbers of them."""
    asked = [
        (np.mean([c["input_tokens"] + c["output_tokens"] for c in cells]), *each, cells)
        for each, cells in by_method.items()
        if each[0].partition("-")[0] in ROUNDS
    ]
    if not any("-" in method and method not in LINE_UP.split(",") for _, method, _, _ in asked):
        return []
    lines = [COSTS, "", f"| tokens | method | written by | {' | '.join([*learners, 'fid'])} |"]
    lines.append("|---" * (len(learners) + 4) + "|")
    for tokens, method, writer, cells in sorted(asked, key=lambda entry: entry[0]):
        found = [_mean([100 * c["accuracy"][name] for c in cells], 1) for name in learners]
        found.append(_mean([c["scores"]["fid"]["value"] for c in cells], 3))
        lines.append(f"| {tokens:,.0f} | {method} | {writer} | {' | '.join(found)} |")
    return [*lines, ""]


def _line(cells: list[dict[str, Any]], learners: list[str], scores: list[str]) -> list[str]:
    line = [_mean([100 * c["accuracy"][name] for c in cells if name in c["accuracy"]], 1) for name in learners]
    for name in scores:
        found = [c["scores"][name] for c in cells if name in c["scores"]]
        line.append(_mean([score["value"] for score in found], 3))
    stages = zip(*(c["cosine"] for c in cells if c["cosine"]), strict=False)
    cosine = " → ".join(f"{np.mean(stage):.3f}" for stage in stages)
    kept = sum(c["cached"] for c in cells)
    requests = f"{sum(c['requests'] for c in cells):,}" + (f" ({kept:,} kept)" if kept else "")
    tokens = ", ".join(f"{sum(c[name] for c in cells):,}" for name in ("input_tokens", "output_tokens"))
    seconds = _mean([c["condensing_seconds"] for c in cells], 1)
    asked = [requests, tokens] if any(c["requests"] for c in cells) else ["", ""]
    return [*line, cosine, str(sum(c["n_source_rows_taken"] for c in cells)), seconds, *asked]


def _mean(values: list[float], digits: int) -> str:
    if not values:
        return ""
    spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder that holds one folder a dataset")
    parser.add_argument("--datasets", default="sst2,ag_news,gsm8k")
    parser.add_argument("--methods", default=LINE_UP)
    parser.add_argument("--per-class", type=int, default=10)
    parser.add_argument("--total", type=int, default=100, help="rows of a dataset without labels")
    parser.add_argument("--rows", type=int, help="condense so many training rows, drawn once; all unless given")
    parser.add_argument("--learners", default="linear_probe")
    parser.add_argument("--sets", type=int, default=1, help="condensed sets of each method, with seeds 0, 1, 2, ...")
    parser.add_argument("--embedder", default="offline")
    parser.add_argument("--llm", default="offline")
    parser.add_argument("--inverter", help="folder or Hub id, in which {dataset} stands for the dataset")
    parser.add_argument("--corrector", help="likewise")
    parser.add_argument("--settings", type=json.loads, default={}, help="more settings of the methods, as JSON")
    parser.add_argument("--table-only", action="store_true", help="write the table of what is there")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    RESULTS.mkdir(exist_ok=True)
    try:
        if not arguments.table_only:
            measure_all(arguments)
    finally:
        (RESULTS / "pinr.md").write_text(table(), encoding="utf-8")


if __name__ == "__main__":
    main()
