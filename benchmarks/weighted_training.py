"""Classifiers trained on doubtful rows with weights and without, for the benchmarks of IMP-Loss and DIMP-Loss.

The small real set is the development split, cut to the size of Table 5 of the paper; it fits the quality checker,
feeds the meta-weighting and picks checkpoint and learning rate, as in Appendix F. The learning rate of each method is
picked on the first `--tuning-seeds` seeds by accuracy on that set, from the same list for all. Test rows are looked at
once a cell, after its checkpoint is picked.

What the checkers are worth is seen beside another kind, which is not in the paper: `probe` is a logistic regression on
the frozen sentence embeddings of the small real set, with scikit-learn's defaults; `imp_probe` and `dimp_probe` take
P' from it (and IMP its Q from another, fitted on the doubtful rows) by ready columns, and train like IMP and DIMP.

With `--encoder frozen`, MiniLM stays as it is and a head of 256 hidden units is trained on its sentence embeddings,
which leaves time for all rows, many seeds and a learning rate tuned for each method.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cells import Cells
from datasets import ClassLabel, Dataset
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

Splits = tuple[Dataset, Dataset, Dataset]
KEY = ("encoder", "dataset", "rows", "epochs", "max_length", "method", "learning_rate", "seed")
# Their learning rate is the checker's, or they have none.
CHECKERS = ("quality_checker", "probe")
# Table 5.
N_DEV = {"financial_phrasebank": 242, "tweet_irony": 200, "mrpc": 408}
N_TEST = {"financial_phrasebank": 1212}


def read(folder: Path) -> Splits:
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
            "group_column": arguments.group_column,
            "max_weight": arguments.max_weight,
        }
    if method == "dimp_no_diversity":
        given["use_diversity_checker"] = False
    return given


def build(method: str, given: dict, train: Dataset, dev: Dataset, **shared: Any) -> Trainer:  # noqa: ANN401
    rows = {"train_dataset": train, "eval_dataset": dev}
    if method in ("ce", "real"):
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


def measure(
    arguments: argparse.Namespace, key: dict, splits: Splits, doubtful: Callable[[Dataset, int], Dataset]
) -> dict:
    """Trains one cell on what `doubtful` makes of the training rows and the seed, and tests it."""
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
    train = doubtful(train, key["seed"])
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


def wanted(arguments: argparse.Namespace, cells: Cells) -> Iterator[dict]:
    """Cells still to be measured: first the tuning seeds of everything, then the other seeds at the picked rates."""
    grid = [(dataset, method) for dataset in arguments.datasets for method in arguments.methods]
    for dataset, method in grid:
        for seed in range(min(arguments.tuning_seeds, arguments.seeds)):
            for rate in rates(arguments, method):
                yield from missing(cells, key_of(arguments, dataset, method, rate, seed))
    for seed in range(arguments.tuning_seeds, arguments.seeds):
        for dataset, method in grid:
            rate = picked(cells.by_key(), arguments, dataset, method)
            if rate is not None:
                yield from missing(cells, key_of(arguments, dataset, method, rate, seed))


def missing(cells: Cells, key: tuple) -> Iterator[dict]:
    if key not in cells.by_key():
        yield dict(zip(KEY, key, strict=True))


def spread(values: list[float]) -> str:
    percent = [100 * value for value in values]
    deviation = f" ± {statistics.stdev(percent):.1f}" if len(percent) > 1 else ""
    return f"{statistics.mean(percent):.1f}{deviation} ({len(percent)})"


def training_parser(*, datasets: str, methods: str) -> argparse.ArgumentParser:
    """The options of both benchmarks, as a parent."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the datasets")
    parser.add_argument("--encoder", choices=ENCODERS, default="fine_tuned")
    parser.add_argument("--datasets", default=datasets)
    parser.add_argument("--methods", default=methods)
    parser.add_argument("--rows", type=int, default=None, help="training rows taken; all unless given")
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
    return parser


def parsed(arguments: argparse.Namespace, group_column: str | None) -> argparse.Namespace:
    """The options with the defaults of the encoder."""
    for name, value in DEFAULTS[arguments.encoder].items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    arguments.group_column = group_column
    arguments.datasets, arguments.methods = arguments.datasets.split(","), arguments.methods.split(",")
    arguments.learning_rates = [float(rate) for rate in arguments.learning_rates.split(",")]
    return arguments


def run(
    arguments: argparse.Namespace,
    cells: Cells,
    splits_of: Callable[[str, str], Splits],
    doubtful: Callable[[Dataset, int], Dataset],
) -> None:
    """Measures the cells that are missing.

    Args:
        arguments: The options.
        cells: Where measurements go.
        splits_of: The rows for a dataset and a method.
        doubtful: Makes training rows for a seed.
    """
    for key in wanted(arguments, cells):
        splits = splits_of(key["dataset"], key["method"])
        if arguments.encoder == "frozen":
            splits = numbered(splits)
        cell = measure(arguments, key, splits, doubtful)
        cells.add(cell)
        print(
            f"{' '.join(map(str, key.values()))}: {100 * cell['accuracy']:.1f} ({cell['seconds']:.0f} s)", flush=True
        )
