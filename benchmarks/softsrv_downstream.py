"""What written rows are worth: a small language model is fine-tuned on them, or on real ones, and tested on real ones.

    condensers generate ../shared/data/gsm8k --total 5000 --against test --output runs/softsrv ...
    python benchmarks/softsrv_downstream.py ../shared/data/gsm8k --task gsm8k --synthetic softsrv=runs/softsrv
    python benchmarks/softsrv_downstream.py ../shared/data/mbpp --task mbpp --synthetic pt=runs/pt,softsrv=runs/softsrv

After SoftSRV, Section 3.3, step 4: as many steps for each set, with the learning rate warming up and falling along a
cosine; GSM8K by exact match of the result after 5 examples, MBPP by pass@1 after 3, decoded greedily. Answers to MBPP
run in a process of their own with limits on time and memory and no network (`condensers.evaluation.passes_tests`).
`untrained` is the model as it is. The defaults are small enough for a CPU; the paper's are `--steps 2000
--learning-rate 1e-6 --warmup 100 --batch-size 16 --test-rows 0` (all) with a model of 2B. Every finished cell is a
line in `results/softsrv_downstream.jsonl`, so a stopped run goes on; the table is written from all lines.
"""

import argparse
import logging
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from cells import Cells
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from trl import SFTConfig, SFTTrainer

from condensers.data import load_source, load_splits
from condensers.evaluation import passes_tests, same_result
from condensers.llm.bundled import BUNDLED_NAME, bundled_llm
from condensers.llm.stop_texts import StopTexts, before_stop

RESULTS = Path(__file__).parent / "results"
KEY = ("task", "model", "rows", "n_rows", "steps", "learning_rate", "n_test", "seed")
QUESTION = {"gsm8k": "question", "mbpp": "prompt"}
ANSWER = {"gsm8k": "answer", "mbpp": "code"}
SHOTS = {"gsm8k": 5, "mbpp": 3}
METRIC = {"gsm8k": "exact match", "mbpp": "pass@1"}
# Between examples; code has lines of nothing, but never three.
BETWEEN = "\n\n\n\n"
MAX_NEW_TOKENS = 256


def real_rows(task: str, rows: Dataset) -> Dataset:
    """Rows as `condensers generate` gives them."""
    return Dataset.from_dict(
        {"prompt": [f"{text}\n" for text in rows[QUESTION[task]]], "completion": rows[ANSWER[task]][:]}
    )


def fine_tuned(
    source: str, tokenizer: PreTrainedTokenizerBase, rows: Dataset, args: argparse.Namespace, seed: int
) -> PreTrainedModel:
    model = AutoModelForCausalLM.from_pretrained(source)
    settings = SFTConfig(
        output_dir=tempfile.mkdtemp(),
        max_steps=args.steps,
        learning_rate=args.learning_rate,
        warmup_steps=args.warmup,
        lr_scheduler_type="cosine",
        per_device_train_batch_size=args.batch_size,
        max_length=args.max_length,
        seed=seed,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        logging_strategy="no",
        bf16=torch.cuda.is_available(),
    )
    trainer = SFTTrainer(model, settings, train_dataset=rows.shuffle(seed=seed), processing_class=tokenizer)
    trainer.train()
    return trainer.model


@torch.inference_mode()
def answers(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str], batch_size: int
) -> list[str]:
    """Greedy answers, up to where another example would begin."""
    model.eval()
    tokenizer.padding_side = "left"
    order = sorted(range(len(prompts)), key=lambda i: -len(prompts[i]))
    found = [""] * len(prompts)
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        inputs = tokenizer([prompts[i] for i in batch], return_tensors="pt", padding=True).to(model.device)
        n_tokens = inputs["input_ids"].shape[1]
        made = model.generate(
            **inputs,
            max_new_tokens=MAX_NEW_TOKENS,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id,
            stopping_criteria=[StopTexts([BETWEEN], tokenizer, n_tokens)],
        )
        texts = tokenizer.batch_decode(made[:, n_tokens:], skip_special_tokens=True)
        for i, text in zip(batch, texts, strict=True):
            found[i], _ = before_stop(text, [BETWEEN])
    return found


def is_right(task: str, answer: str, row: dict[str, Any]) -> bool:
    if task == "gsm8k":
        return same_result(answer, row["answer"])
    code = answer.strip().removeprefix("```python").partition("```")[0]
    return passes_tests(code, row["tests"], setup=row["test_setup_code"] or "")


def measure(args: argparse.Namespace, cells: Cells) -> None:
    splits = load_splits(args.dataset)
    train, test = splits["train"], splits["test"]
    examples = real_rows(args.task, train.select(range(SHOTS[args.task])))
    shots = "".join(f"{row['prompt']}{row['completion']}{BETWEEN}" for row in examples)
    if args.test_rows:
        test = test.shuffle(seed=0).select(range(args.test_rows))
    prompts = [f"{shots}{text}\n" for text in test[QUESTION[args.task]]]
    sets: dict[str, Dataset | None] = {"untrained": None, "real": real_rows(args.task, train)}
    for name, _, folder in (pair.partition("=") for pair in filter(None, args.synthetic.split(","))):
        sets[name] = load_source(folder).select_columns(["prompt", "completion"])
    source = str(bundled_llm()) if args.model == "offline" else args.model
    tokenizer = AutoTokenizer.from_pretrained(source)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    device = "cuda" if torch.cuda.is_available() else "cpu"
    done = cells.by_key()
    for name, rows in sets.items():
        for seed in range(1 if rows is None else args.seeds):
            facts = {
                "task": args.task,
                "model": BUNDLED_NAME if args.model == "offline" else args.model,
                "rows": name,
                "n_rows": 0 if rows is None else len(rows),
                "steps": 0 if rows is None else args.steps,
                "learning_rate": 0.0 if rows is None else args.learning_rate,
                "n_test": len(test),
                "seed": seed,
            }
            if tuple(facts[key] for key in KEY) in done:
                continue
            began = time.perf_counter()
            if rows is None:
                model = AutoModelForCausalLM.from_pretrained(source).to(device)
            else:
                model = fine_tuned(source, tokenizer, rows, args, seed)
            trained = time.perf_counter()
            given = answers(model, tokenizer, prompts, args.test_batch_size)
            right = [is_right(args.task, answer, row) for answer, row in zip(given, test, strict=True)]
            tested = time.perf_counter()
            cell = {**facts, "right": sum(right), "training_s": trained - began, "testing_s": tested - trained}
            cells.add(cell)
            print(cell, given[:2], flush=True)


def table(measured: Cells) -> str:
    lines = [
        "# What written rows are worth",
        "",
        "A language model fine-tuned on rows that were written, beside one fine-tuned on all real rows with as many "
        "steps, and the model as it is (`benchmarks/softsrv_downstream.py`). Share of test rows answered rightly; in "
        "brackets the standard error of such a share, or with several seeds their standard deviation.",
        "",
        "| task | model | rows | steps x rate | test rows | metric | right |",
        "|---|---|---|---|---|---|---|",
    ]
    groups: dict[tuple, list[dict[str, Any]]] = {}
    for cell in measured.all():
        groups.setdefault(tuple(cell[key] for key in KEY[:-1]), []).append(cell)
    for cells in groups.values():
        cell, n = cells[0], cells[0]["n_test"]
        shares = [each["right"] / n for each in cells]
        mean = statistics.fmean(shares)
        spread = statistics.stdev(shares) if len(shares) > 1 else (mean * (1 - mean) / n) ** 0.5
        trained = f"{cell['steps']:,} x {cell['learning_rate']:g}" if cell["steps"] else "none"
        lines.append(
            f"| {cell['task']} | {cell['model']} | {cell['rows']} ({cell['n_rows']:,}) | {trained} | {n:,} | "
            f"{METRIC[cell['task']]} | {100 * mean:.1f} % ({100 * spread:.1f}) |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("--task", choices=sorted(QUESTION), required=True)
    parser.add_argument("--synthetic", default="", help="NAME=FOLDER of what `condensers generate` wrote, with commas")
    parser.add_argument("--model", default="offline", help="a folder, a Hub id, or the bundled SmolLM2-135M-Instruct")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--learning-rate", type=float, default=1e-5)
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--test-rows", type=int, default=100, help="0 takes all")
    parser.add_argument("--test-batch-size", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--results", type=Path, default=RESULTS)
    logging.basicConfig(level=logging.WARNING)
    args = parser.parse_args()
    cells = Cells(args.results / "softsrv_downstream.jsonl", KEY)
    measure(args, cells)
    (args.results / "softsrv_downstream.md").write_text(table(cells), encoding="utf-8")


if __name__ == "__main__":
    main()
