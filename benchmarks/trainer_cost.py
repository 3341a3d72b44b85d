"""What IMP-Loss and DIMP-Loss cost beside cross-entropy: seconds a step, seconds and memory of a run.

    python benchmarks/trainer_cost.py --data ../shared/data                          # 10,000 rows, 5 epochs: a GPU
    python benchmarks/trainer_cost.py --data ../shared/data --max-length 12 --repeats 1    # two CPU cores

Appendix E of the paper: 10,012 training rows and 242 real ones, batches of 32, five epochs, scoring in batches of 64.
The rows are those of Financial PhraseBank, drawn with replacement; the model is MiniLM with a new head.

Steps are measured in one process: the trainers take turns on the same batches, `--steps` at a time, and the ratio is
the median over the turns. A whole run, checkers and scoring included, is a process of its own, so that its peak memory
is; the trainers take turns here too, `--repeats` times. Without a GPU, what a process keeps resident is up to a tenth
more than what it uses, and by chance; so memory is also measured in short runs, of 640 rows and one epoch, in which
the C library gives freed memory back at once. On a machine with other work, seconds of processor time tell
more than seconds on the clock; whole runs show both, and steps without a GPU are timed by the former. Finished runs
are lines in `benchmarks/results/trainer_cost.jsonl` and are not measured again. The table goes to
`benchmarks/results/trainer_cost.md`.
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
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cells import Cells

CELLS = Cells(Path(__file__).parent / "results" / "trainer_cost.jsonl")
TABLE = CELLS.path.with_suffix(".md")
METHODS = ("ce", "dimp", "imp")
# What the issue allows: (a step, a whole run, peak memory), each as a multiple of cross-entropy.
LIMITS = {"dimp": (1.03, 1.15, 1.02), "imp": (1.03, 2.2, None)}
N_REAL = 242
# The peak is reached within an epoch.
SHORT = {"rows": 640, "epochs": 1.0}
# glibc: blocks of 64 kB and more are given back when they are freed.
FRUGAL = {"MALLOC_MMAP_THRESHOLD_": "65536"}


def rows(arguments: argparse.Namespace) -> tuple[Any, Any]:
    """Tokenised training rows and real rows that share none."""
    import numpy as np
    from transformers import AutoTokenizer

    from condensers.data import load_source
    from condensers.embedding import bundled_model

    tokenizer = AutoTokenizer.from_pretrained(bundled_model())
    source = load_source(arguments.data / "financial_phrasebank").shuffle(seed=0)
    tokens = source.map(
        lambda batch: tokenizer(batch["text"], truncation=True, max_length=arguments.max_length), batched=True
    )
    drawn = np.random.default_rng(0).integers(N_REAL, len(tokens), arguments.rows)
    return tokens.select(drawn), tokens.select(range(N_REAL))


def build(method: str, arguments: argparse.Namespace, train: Any, real: Any, folder: str) -> Any:  # noqa: ANN401
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments

    from condensers.embedding import bundled_model
    from condensers.trainers import DIMPConfig, DIMPTrainer, ImportanceWeightedConfig, ImportanceWeightedTrainer

    given: dict[str, Any] = {
        "output_dir": folder,
        "num_train_epochs": arguments.epochs,
        "per_device_train_batch_size": 32,
        "learning_rate": 6e-5,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "bf16": arguments.bf16,
        "dataloader_pin_memory": torch.cuda.is_available(),
    }
    torch.manual_seed(0)
    shared = {
        "model": AutoModelForSequenceClassification.from_pretrained(bundled_model(), num_labels=3),
        "train_dataset": train,
        "processing_class": AutoTokenizer.from_pretrained(bundled_model()),
    }
    if method == "ce":
        return Trainer(args=TrainingArguments(**given), **shared)
    if method == "dimp":
        return DIMPTrainer(args=DIMPConfig(**given), quality_dataset=real, **shared)
    return ImportanceWeightedTrainer(args=ImportanceWeightedConfig(**given), quality_dataset=real, **shared)


def measure_run(method: str, arguments: argparse.Namespace) -> dict:
    """One whole run in this process, checkers and scoring included."""
    import torch

    train, real = rows(arguments)
    with tempfile.TemporaryDirectory() as folder:
        trainer = build(method, arguments, train, real, folder)
        began, spent = time.perf_counter(), time.process_time()
        if hasattr(trainer, "prepare_weights"):
            trainer.prepare_weights()
        prepared = time.perf_counter()
        trainer.train()
        ended, spent = time.perf_counter(), time.process_time() - spent
    on_gpu = torch.cuda.is_available()
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "what": "run",
        "method": method,
        "seconds": ended - began,
        "cpu_seconds": spent,
        "preparing": prepared - began,
        "peak_bytes": torch.cuda.max_memory_allocated() if on_gpu else resident,
        "memory": "allocated on the GPU" if on_gpu else "resident in the process",
        "device": torch.cuda.get_device_name()
        if on_gpu
        else f"{platform.machine()}, {torch.get_num_threads()} thread(s)",
    }


def measure_steps(arguments: argparse.Namespace) -> dict:
    """Seconds a step of each trainer, taking turns on the same batches."""
    import torch

    train, real = rows(arguments)
    train = train.select(range(min(len(train), 32 * arguments.steps)))
    scored = {
        "ce": train,
        "dimp": train.add_column("quality_log_prob", [-0.5] * len(train)),
        "imp": train.add_column("importance_weight", [1.0] * len(train)),
    }
    with tempfile.TemporaryDirectory() as folder:
        trainers = {name: build(name, arguments, part, None, folder) for name, part in scored.items()}
        batches = {}
        for name, trainer in trainers.items():
            if hasattr(trainer, "prepare_weights"):
                trainer.prepare_weights()
                trainer._begin_run()
            trainer.create_optimizer_and_scheduler(10**6)
            trainer.current_gradient_accumulation_steps = 1
            torch.manual_seed(0)
            batches[name] = list(trainer.get_train_dataloader())
        seconds = defaultdict(list)
        for turn in range(arguments.turns + 1):
            order = METHODS if turn % 2 else METHODS[::-1]
            for name in order:
                spent = one_turn(trainers[name], batches[name], torch)
                if turn:  # the first warms up
                    seconds[name].append(spent / len(batches[name]))
    return {
        "what": "steps",
        "method": "all",
        "turns": arguments.turns,
        **{f"seconds_{k}": v for k, v in seconds.items()},
    }


def one_turn(trainer: Any, batches: list, torch: Any) -> float:  # noqa: ANN401
    began = now(torch)
    for batch in batches:
        n_items = trainer._get_num_items_in_batch([batch], trainer.args.device)
        trainer.training_step(trainer.model, batch, n_items)
        trainer.optimizer.step()
        trainer.model.zero_grad()
    return now(torch) - began


def now(torch: Any) -> float:  # noqa: ANN401
    if not torch.cuda.is_available():
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def size(arguments: argparse.Namespace) -> dict:
    return {name: getattr(arguments, name) for name in ("rows", "epochs", "max_length", "bf16")}


def wanted(arguments: argparse.Namespace) -> Iterator[tuple[str, str, int]]:
    """What is still to be measured, of which trainer, for which time."""
    done = [cell for cell in CELLS.all() if size(arguments).items() <= cell.items()]
    found = {(cell["what"], cell["method"], cell["repeat"]) for cell in done}
    runs = [("run", method, repeat) for repeat in range(arguments.repeats) for method in METHODS]
    short = [("memory", method, repeat) for repeat in range(3) for method in METHODS]
    yield from (each for each in [("steps", "all", 0), *short, *runs] if each not in found)


def in_a_process_of_its_own(what: str, method: str, arguments: argparse.Namespace) -> dict:
    given = vars(arguments) | (SHORT if what == "memory" else {})
    command = [sys.executable, __file__, "--only", f"{what}:{method}", *(["--bf16"] if arguments.bf16 else [])]
    for name in ("data", "rows", "epochs", "steps", "turns", "max_length"):
        command += [f"--{name.replace('_', '-')}", str(given[name])]
    environment = os.environ | (FRUGAL if what == "memory" else {})
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def table(arguments: argparse.Namespace) -> str:
    done = [cell for cell in CELLS.all() if size(arguments).items() <= cell.items()]
    runs, short = defaultdict(list), defaultdict(list)
    for cell in done:
        if cell["what"] in ("run", "memory"):
            (runs if cell["what"] == "run" else short)[cell["method"]].append(cell)
    steps = next((cell for cell in done if cell["what"] == "steps"), None)
    first = next(iter(runs.values()), [{"device": "nothing yet", "memory": ""}])[0]
    turns = steps["turns"] if steps else 0
    lines = [
        "# What IMP-Loss and DIMP-Loss cost beside cross-entropy",
        "",
        f"MiniLM on {arguments.rows} rows of Financial PhraseBank (drawn with replacement), {arguments.epochs:g} "
        f"epochs, batches of 32 with at most {arguments.max_length} tokens a row"
        f"{', bf16' if arguments.bf16 else ''}, {N_REAL} real rows. Whole runs hold fitting the checkers, "
        f"scoring and training; medians of {max(map(len, runs.values()), default=0)} run(s), taken in "
        f"turns, each in a process of its own. Measured on {first['device']}; memory is the peak that was "
        f"{first['memory']}, in the whole runs and in short ones (of {SHORT['rows']} rows and one epoch, medians "
        f"of up to 3) in which freed memory is given back at once. A ratio of steps is the median over {turns} turns "
        "of all trainers on the same batches. In brackets what is allowed at 10,000 rows and 5 epochs. Where the "
        "machine has other work, seconds on the clock mean little, and processor seconds are to be read.",
        "",
        "| trainer | seconds a step | ratio | seconds a run | ratio | of that, preparing | processor seconds | ratio "
        "| peak memory, MB | ratio | in short runs, MB | ratio |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for method in METHODS:
        limits = LIMITS.get(method, (None, None, None))
        cells = [method]
        if steps:
            ours, base = steps[f"seconds_{method}"], steps["seconds_ce"]
            ratio = statistics.median(a / b for a, b in zip(ours, base, strict=True))
            cells += [f"{statistics.median(ours):.4f}", show(ratio, limits[0])]
        else:
            cells += ["", ""]
        for measured, what, limit in (
            (runs, "seconds", limits[1]),
            (runs, "preparing", None),
            (runs, "cpu_seconds", limits[1]),
            (runs, "peak_bytes", limits[2]),
            (short, "peak_bytes", limits[2]),
        ):
            found = [cell[what] for cell in measured[method]]
            base = [cell[what] for cell in measured["ce"]]
            if not found:
                cells += ["not yet"] if what == "preparing" else ["not yet", ""]
                continue
            middle = statistics.median(found)
            cells.append(f"{middle / 1e6:.0f}" if what == "peak_bytes" else f"{middle:.1f}")
            if what != "preparing":
                cells.append(show(middle / statistics.median(base), limit) if base else "")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def show(ratio: float, limit: float | None) -> str:
    return f"{ratio:.3f}" + (f" ({limit})" if limit else "")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds financial_phrasebank")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--epochs", type=float, default=5)
    parser.add_argument("--max-length", type=int, default=128, help="tokens kept of a row")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10, help="steps a turn")
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--table-only", action="store_true", help="write the table from the runs there are")
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    if arguments.only:
        what, _, method = arguments.only.partition(":")
        outcome = measure_steps(arguments) if what == "steps" else measure_run(method, arguments)
        print(json.dumps(outcome))
        return
    for what, method, repeat in [] if arguments.table_only else wanted(arguments):
        outcome = in_a_process_of_its_own(what, method, arguments)
        cell = {**outcome, "what": what, **size(arguments), "repeat": repeat}
        CELLS.add(cell)
        print(f"{what} {method} {repeat}: {cell.get('seconds', 0):.1f} s", flush=True)
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(table(arguments), encoding="utf-8")
    print(f"wrote {TABLE}")


if __name__ == "__main__":
    main()
