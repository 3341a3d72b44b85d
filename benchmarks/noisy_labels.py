"""Do IMP-Loss and DIMP-Loss help on noisy rows? Appendix G of their paper, with MiniLM as the encoder.

    python benchmarks/noisy_labels.py --data ../shared/data --rows 600 --epochs 3 --learning-rates 2e-4  # two cores
    python benchmarks/noisy_labels.py --data ../shared/data --epochs 5                                   # a GPU
    python benchmarks/noisy_labels.py --data ../shared/data --encoder frozen --seeds 10       # minutes on a CPU

A third of the training rows stays as it is, a third gets a wrong label at random, and a third occurs twice. The small
real set is the development split, cut to the size of Table 5; it fits the quality checker, feeds the meta-weighting
and picks checkpoint and learning rate, as in Appendix F. The learning rate of each method is picked on the first
`--tuning-seeds` seeds by accuracy on that set, from the same list for all. Test rows are looked at once a cell, after
its checkpoint is picked. Seed s draws the rows, the noise and the run.

What the checkers are worth is seen beside another kind, which is not in the paper: `probe` is a logistic regression on
the frozen sentence embeddings of the small real set, with scikit-learn's defaults; `imp_probe` and `dimp_probe` take
P' from it (and IMP its Q from another, fitted on the noisy rows) by ready columns, and train like IMP and DIMP.

With `--encoder frozen`, MiniLM stays as it is and a head of 256 hidden units is trained on its sentence embeddings,
which leaves time for all rows, many seeds and a learning rate tuned for each method.

Every finished cell is a line in `benchmarks/results/noisy_labels.jsonl`; cells that are there are not measured again,
so a stopped run goes on. The tables go to `benchmarks/results/noisy_labels.md` and `noisy_labels_frozen.md`.
"""

import argparse
import platform
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cells import Cells
from datasets import ClassLabel, Dataset, concatenate_datasets
from frozen_encoder import FrozenEncoder, FrozenEncoderConfig
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.preprocessing import normalize
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    EvalPrediction,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from condensers import trainers
from condensers.data import load_splits
from condensers.embedding import bundled_model, embed_texts, load_embedder

KEY = ("encoder", "dataset", "rows", "epochs", "max_length", "method", "learning_rate", "seed")
CELLS = Cells(Path(__file__).parent / "results" / "noisy_labels.jsonl", KEY)
TABLES = {"fine_tuned": CELLS.path.with_suffix(".md"), "frozen": CELLS.path.with_name("noisy_labels_frozen.md")}
DATASETS = "financial_phrasebank,tweet_irony,mrpc"
METHODS = "quality_checker,probe,ce,focal,meta_weighted,imp,dimp,dimp_no_diversity,imp_probe,dimp_probe"
# Their learning rate is the checker's, or they have none.
CHECKERS = ("quality_checker", "probe")
PARTS = ("original", "swapped", "duplicated")
# Table 5.
N_DEV = {"financial_phrasebank": 242, "tweet_irony": 200, "mrpc": 408}
N_TEST = {"financial_phrasebank": 1212}


def read(folder: Path) -> tuple[Dataset, Dataset, Dataset]:
    """Training, development and test rows with the sizes of Table 5; splits that are not given are drawn by seed 0."""
    splits = load_splits(folder)
    first = splits["train"]
    names = [name for _, name in sorted(set(zip(first["label"][:], first["label_text"][:], strict=True)))]
    splits = {split: rows.cast_column("label", ClassLabel(names=names)) for split, rows in splits.items()}
    train, dev = splits["train"], splits.get("validation")
    test = splits.get("test")
    if test is None:
        train, test = cut(train, N_TEST[folder.name])
    if dev is None:
        train, dev = cut(train, N_DEV[folder.name])
    elif len(dev) > N_DEV[folder.name]:
        _, dev = cut(dev, N_DEV[folder.name])
    return train, dev, test


def cut(rows: Dataset, size: int) -> tuple[Dataset, Dataset]:
    parts = rows.train_test_split(test_size=size, seed=0, stratify_by_column="label")
    return parts["train"], parts["test"]


def noisy(train: Dataset, n_rows: int | None, seed: int) -> Dataset:
    """The three parts of Appendix G.1 in one dataset, with a column `part`."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(train))[:n_rows]
    parts = dict(zip(PARTS, np.array_split(chosen, 3), strict=True))
    n_classes = train.features["label"].num_classes
    labels = np.asarray(train["label"][:])
    labels[parts["swapped"]] = (
        labels[parts["swapped"]] + rng.integers(1, n_classes, len(parts["swapped"]))
    ) % n_classes
    changed = train.remove_columns(["label", "label_text"]).add_column("label", labels)
    changed = changed.cast_column("label", train.features["label"])
    parts["duplicated"] = np.repeat(parts["duplicated"], 2)
    return concatenate_datasets(
        [changed.select(rows).add_column("part", [part] * len(rows)) for part, rows in parts.items()]
    )


class KeepBest(TrainerCallback):
    """Keeps the weights of the epoch with the highest accuracy on the development rows."""

    def __init__(self) -> None:
        self.accuracy, self.epoch, self.weights = -1.0, 0.0, {}

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict, model: Any, **kwargs: Any) -> None:  # noqa: ANN401
        if metrics["eval_accuracy"] > self.accuracy:
            self.accuracy, self.epoch = metrics["eval_accuracy"], state.epoch
            self.weights = {name: weight.cpu().clone() for name, weight in model.state_dict().items()}


def scores(prediction: EvalPrediction) -> dict[str, float]:
    found = prediction.predictions.argmax(axis=-1)
    return {
        "accuracy": float(accuracy_score(prediction.label_ids, found)),
        "macro_f1": float(f1_score(prediction.label_ids, found, average="macro")),
    }


def settings(arguments: argparse.Namespace, method: str, folder: str, learning_rate: float, seed: int) -> dict:
    given: dict[str, Any] = {
        "output_dir": folder,
        "learning_rate": learning_rate,
        "num_train_epochs": arguments.epochs,
        "per_device_train_batch_size": arguments.batch_size,
        "per_device_eval_batch_size": max(64, arguments.batch_size),
        "eval_strategy": "epoch",
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "seed": seed,
        "dataloader_pin_memory": torch.cuda.is_available(),
    }
    if method == "quality_checker":
        given |= {
            "per_device_train_batch_size": 32,
            "learning_rate": arguments.checker_learning_rate,
            "num_train_epochs": arguments.checker_epochs,
            "eval_strategy": "no",
        }
    if method.startswith(("imp", "dimp")):
        given |= {
            "checker_learning_rate": arguments.checker_learning_rate,
            "checker_num_train_epochs": arguments.checker_epochs,
            "scoring_batch_size": max(64, arguments.batch_size),
            "group_column": "part",
            "max_weight": arguments.max_weight,
        }
    if method == "dimp_no_diversity":
        given["use_diversity_checker"] = False
    return given


def build(method: str, given: dict, train: Dataset, dev: Dataset, **shared: Any) -> Trainer:  # noqa: ANN401
    rows = {"train_dataset": train, "eval_dataset": dev}
    if method == "ce":
        return Trainer(args=TrainingArguments(**given), **rows, **shared)
    if method == "quality_checker":
        return Trainer(args=TrainingArguments(**given), train_dataset=dev, **shared)
    if method == "focal":
        return trainers.FocalTrainer(args=trainers.FocalConfig(**given), **rows, **shared)
    if method == "meta_weighted":
        # The variant that the paper compares with (Section 5).
        args = trainers.MetaWeightedConfig(variant="hu", **given)
        return trainers.MetaWeightedTrainer(args=args, quality_dataset=dev, **rows, **shared)
    checked = shared | rows if method.endswith("_probe") else shared | rows | {"quality_dataset": dev}
    if method.startswith("imp"):
        return trainers.ImportanceWeightedTrainer(args=trainers.ImportanceWeightedConfig(**given), **checked)
    return trainers.DIMPTrainer(args=trainers.DIMPConfig(**given), **checked)


def vectors(rows: Dataset) -> np.ndarray:
    """Unit sentence embeddings; of a pair both, their distance and their product, each of unit length."""
    embedder = load_embedder("offline")
    if "text" in rows.column_names:
        return embed_texts(rows["text"][:], embedder, progress=False).vectors[:]
    first, second = (embed_texts(rows[name][:], embedder, progress=False).vectors[:] for name in ("text_a", "text_b"))
    return np.hstack([first, second, normalize(np.abs(first - second)), normalize(first * second)])


def probe(rows: Dataset) -> LogisticRegression:
    return LogisticRegression(max_iter=5000).fit(vectors(rows), rows["label"][:])


def label_log_probs(model: LogisticRegression, rows: Dataset) -> np.ndarray:
    # Every class occurs in each of the fitted sets, so that columns are classes.
    return model.predict_log_proba(vectors(rows))[np.arange(len(rows)), rows["label"][:]].astype(np.float32)


def with_probe_columns(train: Dataset, dev: Dataset, method: str) -> Dataset:
    quality = label_log_probs(probe(dev), train)
    if method == "dimp_probe":
        return train.add_column("quality_log_prob", quality)
    return train.add_column("importance_weight", np.exp(quality - label_log_probs(probe(train), train)))


@dataclass(frozen=True)
class Encoder:
    """What the kind of encoder decides: the model, its inputs, and settings of the run."""

    model: Callable[[int], PreTrainedModel]
    inputs: Callable[[Dataset], Dataset]
    processing_class: PreTrainedTokenizerBase | None
    sampling: str


def fine_tuned(arguments: argparse.Namespace, splits: tuple[Dataset, ...]) -> Encoder:
    names = splits[0].features["label"].names
    tokenizer = AutoTokenizer.from_pretrained(bundled_model())
    text = [name for name in ("text", "text_a", "text_b") if name in splits[0].column_names]

    def model(seed: int) -> PreTrainedModel:
        torch.manual_seed(seed)
        options = {"num_labels": len(names), "id2label": dict(enumerate(names))}
        return AutoModelForSequenceClassification.from_pretrained(bundled_model(), **options)

    def inputs(rows: Dataset) -> Dataset:
        return rows.map(
            lambda batch: tokenizer(*(batch[name] for name in text), truncation=True, max_length=arguments.max_length),
            batched=True,
        )

    return Encoder(model, inputs, tokenizer, "group_by_length")


def frozen(arguments: argparse.Namespace, splits: tuple[Dataset, ...]) -> Encoder:
    names = splits[0].features["label"].names
    table = np.concatenate([vectors(rows) for rows in splits])

    def model(seed: int) -> PreTrainedModel:
        torch.manual_seed(seed)
        config = FrozenEncoderConfig(num_labels=len(names), id2label=dict(enumerate(names)), dim=table.shape[1])
        return FrozenEncoder(config, table)

    return Encoder(model, lambda rows: rows, None, "random")


def numbered(splits: tuple[Dataset, ...]) -> tuple[Dataset, ...]:
    """Each row with its number, by which its vector is found."""
    starts = np.cumsum([0, *(len(rows) for rows in splits)])
    return tuple(
        rows.add_column("input_ids", [[i] for i in range(start, start + len(rows))])
        for start, rows in zip(starts, splits, strict=False)
    )


def measure(arguments: argparse.Namespace, key: dict, splits: tuple[Dataset, Dataset, Dataset]) -> dict:
    """Trains one cell and tests it."""
    train, dev, test = splits
    began = time.perf_counter()
    sizes = {"n_dev": len(dev), "n_test": len(test), "majority": np.bincount(test["label"][:]).max() / len(test)}
    if key["method"] == "probe":
        found = probe(dev).predict(vectors(test))
        reached = scores(EvalPrediction(np.eye(found.max() + 1)[found], np.asarray(test["label"][:])))
        seconds = round(time.perf_counter() - began, 1)
        return {**key, **reached, **sizes, "dev_accuracy": -1.0, "seconds": seconds, "n_train": len(dev)}
    encoder = ENCODERS[arguments.encoder](arguments, splits)
    best = KeepBest()
    train = noisy(train, arguments.rows, key["seed"])
    if key["method"].endswith("_probe"):
        train = with_probe_columns(train, dev, key["method"])
    with tempfile.TemporaryDirectory() as folder:
        given = settings(arguments, key["method"], folder, key["learning_rate"], key["seed"])
        given["train_sampling_strategy"] = encoder.sampling
        shared = {
            "model": encoder.model(key["seed"]),
            "processing_class": encoder.processing_class,
            "compute_metrics": scores,
            "callbacks": [best],
        }
        trainer = build(key["method"], given, encoder.inputs(train), encoder.inputs(dev), **shared)
        trainer.train()
        if best.weights:
            trainer.model.load_state_dict(best.weights)
        tested = trainer.predict(encoder.inputs(test)).metrics
    parts = getattr(trainer, "weight_diagnostics", list)()
    reports = getattr(trainer, "checker_reports", dict)()
    return {
        **key,
        "accuracy": tested["test_accuracy"],
        "macro_f1": tested["test_macro_f1"],
        "dev_accuracy": best.accuracy,
        "best_epoch": best.epoch,
        "seconds": round(time.perf_counter() - began, 1),
        "n_train": len(train),
        **sizes,
        "checker_learning_rate": arguments.checker_learning_rate,
        "checker_epochs": arguments.checker_epochs,
        "max_weight": arguments.max_weight,
        "device": "cuda" if torch.cuda.is_available() else "cpu",
        "parts": [summary.groups for summary in parts],
        "effective_share": [summary.effective_sample_size / summary.n_rows for summary in parts],
        "checkers": {name: asdict(report) for name, report in reports.items()},
    }


ENCODERS = {"fine_tuned": fine_tuned, "frozen": frozen}
# Of both tables.
READING = """\
**How to read it.** The paper has IMP-Loss and DIMP-Loss ahead of cross-entropy and focal loss on all three datasets.
Here most differences lie within the spread over seeds: fine-tuned, DIMP-Loss is ahead of both where there are four
seeds (financial_phrasebank, tweet_irony), by one to four points; frozen, on tweet_irony. There are two reasons.

- *The quality checker is weaker than what it checks.* Fitted on 200 to 400 real rows, it classifies test rows worse
  than cross-entropy does after the noisy rows. A better one helps: `probe` is more accurate than the fine-tuned
  checker, and with its weights fine-tuning by DIMP gains two points and more on both datasets where anything is
  learned.
- *The checkpoint, and the learning rate, are picked on the rows that taught the checker* (Appendix F: there are no
  others). A model weighted by the checker comes to agree with it on them. So the development accuracy of IMP and DIMP
  stands far above their test accuracy, that of cross-entropy does not, and what copies the checker looks best.

On mrpc nothing gets far from the majority class: what is ahead in accuracy there is behind in F1. In the weights of
IMP and DIMP, original rows stand above those with a swapped label on every dataset, and above duplicated ones on
nearly every one, as in the paper's Figures 4 to 7; those of the probes tell no swapped label on tweet_irony."""
# Those of the checkers are near the best that cross-validation on the development rows found.
DEFAULTS = {
    "fine_tuned": {
        "epochs": 5.0,
        "batch_size": 32,
        "learning_rates": "6e-5,2e-4",
        "checker_learning_rate": 2e-4,
        "checker_epochs": 5.0,
    },
    "frozen": {
        "epochs": 20.0,
        "batch_size": 128,
        "learning_rates": "3e-4,1e-3,3e-3",
        "checker_learning_rate": 1e-3,
        "checker_epochs": 20.0,
    },
}


def picked(cells: dict[tuple, dict], arguments: argparse.Namespace, dataset: str, method: str) -> float | None:
    """The learning rate with the best mean accuracy on the development rows over the tuning seeds, once all are in."""
    means = {}
    for rate in rates(arguments, method):
        keys = [key_of(arguments, dataset, method, rate, seed) for seed in range(arguments.tuning_seeds)]
        if any(key not in cells for key in keys):
            return None
        means[rate] = statistics.mean(cells[key]["dev_accuracy"] for key in keys)
    return max(means, key=lambda rate: means[rate])


def key_of(arguments: argparse.Namespace, dataset: str, method: str, rate: float | None, seed: int) -> tuple:
    return arguments.encoder, dataset, arguments.rows, arguments.epochs, arguments.max_length, method, rate, seed


def rates(arguments: argparse.Namespace, method: str) -> list[float]:
    # The quality checker's own rate is picked beforehand; there are no other rows to pick it on.
    return [arguments.checker_learning_rate] if method in CHECKERS else arguments.learning_rates


def wanted(arguments: argparse.Namespace) -> Iterator[dict]:
    """Cells still to be measured: first the tuning seeds of everything, then the other seeds at the picked rates."""
    grid = [(dataset, method) for dataset in arguments.datasets for method in arguments.methods]
    for dataset, method in grid:
        for seed in range(min(arguments.tuning_seeds, arguments.seeds)):
            for rate in rates(arguments, method):
                yield from missing(key_of(arguments, dataset, method, rate, seed))
    for seed in range(arguments.tuning_seeds, arguments.seeds):
        for dataset, method in grid:
            rate = picked(CELLS.by_key(), arguments, dataset, method)
            if rate is not None:
                yield from missing(key_of(arguments, dataset, method, rate, seed))


def missing(key: tuple) -> Iterator[dict]:
    if key not in CELLS.by_key():
        yield dict(zip(KEY, key, strict=True))


def spread(values: list[float]) -> str:
    percent = [100 * value for value in values]
    deviation = f" ± {statistics.stdev(percent):.1f}" if len(percent) > 1 else ""
    return f"{statistics.mean(percent):.1f}{deviation} ({len(percent)})"


def table(arguments: argparse.Namespace) -> str:
    cells = CELLS.by_key()
    groups: dict[tuple, list[dict]] = defaultdict(list)
    for cell in sorted(cells.values(), key=lambda cell: (cell["dataset"], METHODS.split(",").index(cell["method"]))):
        rate = picked(cells, arguments, cell["dataset"], cell["method"])
        if key_of(arguments, cell["dataset"], cell["method"], rate, cell["seed"]) == tuple(cell[name] for name in KEY):
            groups[cell["dataset"], cell["method"]].append(cell)
    lines = ["# Training on noisy rows: IMP-Loss and DIMP-Loss against the baselines", "", *header(arguments, groups)]
    lines += ["| dataset | method | learning rate | accuracy | macro F1 | dev accuracy | seconds a cell |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for (dataset, method), found in groups.items():
        dev = "" if method in CHECKERS else spread([cell["dev_accuracy"] for cell in found])
        seconds = statistics.mean(cell["seconds"] for cell in found)
        lines.append(
            f"| {dataset} | {method} | {found[0]['learning_rate']:g} | {spread([c['accuracy'] for c in found])} "
            f"| {spread([c['macro_f1'] for c in found])} | {dev} | {seconds:.0f} |"
        )
    return "\n".join([*lines, "", READING, "", *weights(groups)])


def header(arguments: argparse.Namespace, groups: dict[tuple, list[dict]]) -> list[str]:
    cells = [cell for found in groups.values() for cell in found]
    sizes = {cell["dataset"]: cell for cell in cells if cell["method"] not in CHECKERS}
    learning_rates = ", ".join(f"{rate:g}" for rate in arguments.learning_rates)
    tuned = (
        f"The learning rate of each method is the one of {learning_rates} with the best accuracy on the development "
        f"rows over {arguments.tuning_seeds} seed(s)"
        if len(arguments.learning_rates) > 1
        else f"The learning rate is {learning_rates} for all methods, tuned for none"
    )
    trained = (
        f"fine-tuned on at most {arguments.max_length} tokens a row"
        if arguments.encoder == "fine_tuned"
        else "frozen, with a trained head of 256 hidden units"
    )
    lines = [
        "Percent on the test split, mean ± standard deviation over seeds (n). A third of the training rows is "
        "untouched, a third has a wrong label drawn at random, a third occurs twice (Appendix G.1). Encoder: "
        f"all-MiniLM-L6-v2, {trained}, for {arguments.epochs:g} epochs in batches of {arguments.batch_size}. {tuned}; "
        f"the checkpoint is the epoch with the best accuracy on "
        f"the development rows. "
        f"Checkers: {arguments.checker_epochs:g} epochs at {arguments.checker_learning_rate:g}. Largest weight: "
        f"{arguments.max_weight or 'no limit, as in the paper'}. Measured on {platform.machine()}, "
        f"{', '.join(sorted({cell['device'] for cell in cells if 'device' in cell})) or 'nothing yet'}.",
        "",
        "| dataset | training rows with noise | development rows | test rows | majority class |",
        "|---|---|---|---|---|",
    ]
    for dataset, cell in sizes.items():
        lines.append(
            f"| {dataset} | {cell['n_train']} | {cell['n_dev']} | {cell['n_test']} | {100 * cell['majority']:.1f} |"
        )
    return [*lines, ""]


def weights(groups: dict[tuple, list[dict]]) -> list[str]:
    """Means over seeds by part of the training rows, in the last epoch (Figures 4 to 7)."""
    lines = ["## Mean weight by part of the training rows, last epoch", ""]
    lines += [f"| dataset | method | what | {' | '.join(PARTS)} |", "|---|---|---|" + "---|" * len(PARTS)]
    for (dataset, method), found in groups.items():
        last = [cell["parts"][-1] for cell in found if cell.get("parts")]
        for what in ("quality", "diversity", "weight"):
            if last and what in last[0][PARTS[0]]:
                means = [f"{statistics.mean(groups[part][what] for groups in last):.3f}" for part in PARTS]
                lines.append(f"| {dataset} | {method} | {what} | {' | '.join(means)} |")
    return [*lines, ""]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the datasets")
    parser.add_argument("--encoder", choices=ENCODERS, default="fine_tuned")
    parser.add_argument("--datasets", default=DATASETS)
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--rows", type=int, default=None, help="training rows before the noise; all unless given")
    parser.add_argument("--epochs", type=float, default=None, help="5 to fine-tune, 20 for a frozen encoder")
    parser.add_argument("--batch-size", type=int, default=None, help="32 to fine-tune, 128 for a frozen encoder")
    parser.add_argument("--max-length", type=int, default=64, help="tokens kept of a row")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--tuning-seeds", type=int, default=1)
    parser.add_argument("--learning-rates", default=None, help="6e-5,2e-4 to fine-tune, 3e-4,1e-3,3e-3 otherwise")
    parser.add_argument("--checker-learning-rate", type=float, default=None)
    parser.add_argument("--checker-epochs", type=float, default=None)
    parser.add_argument("--max-weight", type=float, default=None)
    parser.add_argument("--table-only", action="store_true", help="write the table from the cells there are")
    arguments = parser.parse_args()
    for name, value in DEFAULTS[arguments.encoder].items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    arguments.datasets, arguments.methods = arguments.datasets.split(","), arguments.methods.split(",")
    arguments.learning_rates = [float(rate) for rate in arguments.learning_rates.split(",")]
    return arguments


def main() -> None:
    arguments = parse()
    splits: dict[str, tuple[Dataset, Dataset, Dataset]] = {}
    for key in [] if arguments.table_only else wanted(arguments):
        name = key["dataset"]
        if name not in splits:
            splits[name] = read(arguments.data / name)
            if arguments.encoder == "frozen":
                splits[name] = numbered(splits[name])
        cell = measure(arguments, key, splits[name])
        CELLS.add(cell)
        print(
            f"{' '.join(map(str, key.values()))}: {100 * cell['accuracy']:.1f} ({cell['seconds']:.0f} s)", flush=True
        )
    path = TABLES[arguments.encoder]
    path.parent.mkdir(exist_ok=True)
    path.write_text(table(arguments), encoding="utf-8")
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
