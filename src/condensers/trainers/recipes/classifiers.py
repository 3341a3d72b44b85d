"""What the recipes that train classifiers share: a model, tokenised rows with matched labels, metrics."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import PartialState
from datasets import ClassLabel, Dataset, Value
from sklearn.metrics import accuracy_score, f1_score
from transformers import (
    AutoTokenizer,
    EvalPrediction,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainingArguments,
    set_seed,
)

from condensers.data import load_source, write_json
from condensers.errors import ColumnError
from condensers.rewards import (
    LabelConfidence,
    Labels,
    label_column,
    length_limit,
    match_labels,
    read_labels,
    report_checker,
    tokenize_rows,
)
from condensers.rewards.classifiers import load_classifier
from condensers.trainers.recipes.running import DatasetRecipe, finish_recipe

_LABEL_COLUMNS = ("label", "labels", "label_ids")


@dataclass(frozen=True)
class ClassifierParts:
    """What a trainer of classifiers is made of.

    Rows are tokenised and have a column ``labels``, in which all datasets number the classes alike.

    Attributes:
        model: The classifier; its head is new and its classes are named as those of the training rows.
        processing_class: Its tokenizer.
        train_dataset: Rows to train on.
        eval_dataset: Rows for choices made while training, if there are any.
        test_dataset: Rows to test on, if there are any.
        quality_dataset: The small real set, if one is named.
    """

    model: PreTrainedModel
    processing_class: PreTrainedTokenizerBase
    train_dataset: Dataset
    eval_dataset: Dataset | None
    test_dataset: Dataset | None
    quality_dataset: Dataset | None


@dataclass
class ClassifierRecipe(DatasetRecipe):
    """Which model and rows a recipe that trains a classifier loads."""

    model_name_or_path: str = field(
        default="google-bert/bert-base-uncased", metadata={"help": "Model to fine-tune: a Hub id or a folder."}
    )
    model_revision: str | None = field(default=None, metadata={"help": "Commit, tag or branch of a Hub model."})
    trust_remote_code: bool = field(default=False, metadata={"help": "Run code that comes with the model."})
    text_column: list[str] | None = field(
        default=None, metadata={"help": "Text columns; two become a pair. Left out, they are guessed."}
    )
    label_column: str | None = field(default=None, metadata={"help": "Label column; left out, it is guessed."})
    max_length: int | None = field(
        default=None, metadata={"help": "Tokens kept of a text; left out, as many as the model reads."}
    )

    def load(self, seed: int) -> ClassifierParts:
        """Loads the model and the rows.

        Args:
            seed: Fixes the new head of the model.

        Raises:
            SourceNotFoundError: if a model, a dataset or a split does not exist.
            ColumnError: if a text or label column is missing or cannot be guessed.
            RowError: if a text or a label is missing, or classes cannot be matched by name.
        """
        with PartialState().main_process_first():
            return self._load(seed)

    def trainer_arguments(self, parts: ClassifierParts) -> dict[str, Any]:
        """What the trainer takes beyond what every `Trainer` takes."""
        return {}

    def _load(self, seed: int) -> ClassifierParts:
        rows = self.load_rows(self._has_labels)
        known = read_labels(rows.train, self.label_column)
        n_classes = len(known.names) if known.names is not None else int(known.codes.max()) + 1
        names = known.names or tuple(f"LABEL_{code}" for code in range(n_classes))
        set_seed(seed)
        options = {"revision": self.model_revision or "main", "trust_remote_code": self.trust_remote_code}
        model = load_classifier(self.model_name_or_path, names, **options)
        model.config.id2label = dict(enumerate(names))
        model.config.label2id = {name: code for code, name in enumerate(names)}
        tokenizer = AutoTokenizer.from_pretrained(self.model_name_or_path, **options)
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
            model.config.pad_token_id = tokenizer.pad_token_id
        limit = self.max_length or length_limit(tokenizer, model.config)

        def prepared(part: Dataset | None) -> Dataset | None:
            if part is None:
                return None
            labelled = self._relabelled(part, known, n_classes)
            return tokenize_rows(labelled, tokenizer, text=self.text_column, max_length=limit)

        return ClassifierParts(
            model=model,
            processing_class=tokenizer,
            train_dataset=tokenize_rows(
                self._relabelled(rows.train, known, n_classes), tokenizer, text=self.text_column, max_length=limit
            ),
            eval_dataset=prepared(rows.validation),
            test_dataset=prepared(rows.test),
            quality_dataset=prepared(self._load_quality()),
        )

    def _load_quality(self) -> Dataset | None:
        return None

    def _has_labels(self, rows: Dataset) -> bool:
        # Public test splits of benchmarks such as GLUE are labelled -1 throughout.
        try:
            column = label_column(rows, self.label_column)
        except ColumnError:
            return False
        first = rows.with_format(None)[column][:1]
        return bool(first) and first[0] not in (None, -1)

    def _relabelled(self, rows: Dataset, known: Labels, n_classes: int) -> Dataset:
        column = label_column(rows, self.label_column)
        codes = match_labels(read_labels(rows, column), known.names, n_classes, what="the training rows")
        feature = Value("int64") if known.names is None else ClassLabel(names=list(known.names))
        replaced = [name for name in rows.column_names if name in (column, *_LABEL_COLUMNS)]
        return rows.remove_columns(replaced).add_column("labels", codes, feature=feature)


@dataclass
class CleanSetRecipe(ClassifierRecipe):
    """`ClassifierRecipe` with a small real set."""

    quality_dataset_name: str | None = field(
        default=None, metadata={"help": "Small real set: a Hub id, a folder or a file."}
    )
    quality_dataset_config: str | None = field(default=None, metadata={"help": "Its configuration on the Hub."})
    quality_dataset_split: str | None = field(
        default=None, metadata={"help": "Its split; left out, the one called train, or the only one."}
    )

    def trainer_arguments(self, parts: ClassifierParts) -> dict[str, Any]:
        """The small real set."""
        return {"quality_dataset": parts.quality_dataset}

    def _load_quality(self) -> Dataset | None:
        if self.quality_dataset_name is None:
            return None
        return load_source(
            self.quality_dataset_name, name=self.quality_dataset_config, split=self.quality_dataset_split
        )


@dataclass
class QualityRecipe(CleanSetRecipe):
    """`CleanSetRecipe`, or a classifier that was trained on a small real set."""

    quality_model_name_or_path: str | None = field(
        default=None, metadata={"help": "Quality checker, instead of fitting one: a Hub id or a folder."}
    )

    def trainer_arguments(self, parts: ClassifierParts) -> dict[str, Any]:
        """The small real set, and the quality checker."""
        return super().trainer_arguments(parts) | {"quality_model": self.quality_model_name_or_path}


@dataclass
class CheckerRecipe(ClassifierRecipe):
    """What `train_quality_checker.py` loads and where it saves; `dataset_name` is the small real set."""

    output_dir: str = field(default="quality_checker", metadata={"help": "Folder to save the checker in."})
    seed: int = field(default=0, metadata={"help": "Fixes the new head, the order of rows and dropout."})


def train_classifier(kind: Callable[..., Trainer], recipe: ClassifierRecipe, args: TrainingArguments) -> Trainer:
    """Loads what a recipe names, trains, saves the model and tests it.

    Args:
        kind: `Trainer` or a subclass.
        recipe: Which model and rows to load.
        args: How to train.

    Returns:
        The trainer, after its run.

    Raises:
        CondensersError: the leaf that fits, if the model or the rows cannot be loaded or do not fit together.
    """
    parts = recipe.load(args.seed)
    trainer = kind(
        model=parts.model,
        args=args,
        train_dataset=parts.train_dataset,
        eval_dataset=parts.eval_dataset,
        processing_class=parts.processing_class,
        compute_metrics=classification_metrics,
        **recipe.trainer_arguments(parts),
    )
    trainer.train(resume_from_checkpoint=args.resume_from_checkpoint)
    finish_recipe(trainer, parts.test_dataset)
    return trainer


def finish_checker(checker: LabelConfidence, folder: str, test: Dataset | None) -> None:
    """Saves a quality checker with its tokenizer, tests it, prints its report and writes it beside the model.

    Args:
        checker: A fitted checker.
        folder: Where to save it.
        test: Tokenised test rows with a column ``labels``; None skips the test.

    Raises:
        StorageError: if the report cannot be written.
    """
    main = PartialState().is_main_process
    if main:
        checker.save_pretrained(folder)
    if test is None:
        return
    report = report_checker(checker.predict_log_proba(test), np.asarray(test["labels"][:]), in_sample=False)
    if main:
        metrics = {f"test_{name}": value for name, value in asdict(report).items()}
        write_json(Path(folder) / "test_results.json", metrics)
        for name, value in metrics.items():
            sys.stdout.write(f"  {name} = {value}\n")


def classification_metrics(prediction: EvalPrediction) -> dict[str, float]:
    """Accuracy and macro F1, the metrics of the paper (Section 5); `compute_metrics` of a trainer.

    Shape:
        prediction: logits of shape (n_rows, n_classes), or a tuple that begins with them; labels of shape (n_rows,).
    """
    logits = prediction.predictions
    if isinstance(logits, Sequence):
        logits = logits[0]
    labels, found = prediction.label_ids, np.argmax(logits, axis=-1)
    return {
        "accuracy": float(accuracy_score(labels, found)),
        "macro_f1": float(f1_score(labels, found, average="macro")),
    }
