"""A classifier that is read as p(y | x)."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, cast

import numpy as np
from accelerate import PartialState
from datasets import Dataset
from huggingface_hub import ModelCard
from transformers import DataCollatorWithPadding, PreTrainedModel, PreTrainedTokenizerBase, TrainingArguments

from condensers.errors import RowError, SettingError
from condensers.rewards.card import label_confidence_card
from condensers.rewards.classifiers import check_classifier, load_classifier, weights_digest
from condensers.rewards.fitting import fit_classifier
from condensers.rewards.labels import config_names, match_labels, read_labels
from condensers.rewards.network import LabelConfidenceConfig, LabelConfidenceModel
from condensers.rewards.recipes import FitRecipe, resolve_recipe
from condensers.rewards.scoring import cached_scores, score_rows
from condensers.rewards.tokens import input_columns, length_limit, rows_digest, tokenize_rows
from condensers.sharing import hub_name
from condensers.sharing.shared_model import SharedModel


class LabelConfidence(SharedModel, LabelConfidenceModel):
    """Any sequence classifier, read as the probability of a label given a text.

    The same object is the quality checker and the diversity checker of IMP-Loss and DIMP-Loss (Section 4.3), and the
    representability and coverage reward models of CondenseLM (Section 2.4, Eqs. 1 and 2). `AutoModel.from_pretrained`
    gives a saved one back.

    Example::

        checker = LabelConfidence.from_classifier("google-bert/bert-base-uncased", label_names=("down", "up"))
        checker.fit(real_rows)
        log_p = checker.log_prob(synthetic_rows)      # one number a row
        checker.save_pretrained("checker")            # the tokenizer goes with it
    """

    config_class = LabelConfidenceConfig
    network_class = LabelConfidenceModel
    auto_classes = ("AutoModel", "AutoModelForSequenceClassification")

    @classmethod
    def from_classifier(
        cls,
        model: str | os.PathLike[str] | PreTrainedModel,
        *,
        processing_class: PreTrainedTokenizerBase | None = None,
        label_names: Sequence[str] | None = None,
        max_input_length: int | None = None,
        **options: Any,  # noqa: ANN401  (what `from_pretrained` takes)
    ) -> "LabelConfidence":
        """Wraps a classifier.

        Args:
            model: A classifier, an encoder or a `LabelConfidence`: Hub id, folder, or the object. Objects are kept and
                not copied; an encoder from a Hub id or folder gets a new head.
            processing_class: Its tokenizer; None takes the one that lies beside it.
            label_names: Names of the classes, in the order of the head.
            max_input_length: Tokens kept of a text; None keeps as many as the classifier reads.
            **options: Passed to `from_pretrained`, such as ``revision``.

        Raises:
            SourceNotFoundError: if there is no such model.
            SettingError: if `label_names` does not fit the head, or the model is no classifier of single labels.
        """
        if isinstance(model, (str, os.PathLike)):
            model = load_classifier(os.fspath(model), label_names, **options)
        if isinstance(model, LabelConfidence):
            wrapped = model
            wrapped._processing_class = processing_class or model._processing_class
        else:
            base = hub_name(model.config.name_or_path)
            config = LabelConfidenceConfig(
                backbone=check_classifier(model).config,
                base_model=base.id if base else None,
                base_revision=(base.revision or options.get("revision")) if base else None,
            )
            config._name_or_path = model.config.name_or_path or ""
            wrapped = cls(config, model, processing_class)
            wrapped.train(model.training)
        if label_names is not None:
            if len(label_names) != wrapped.config.num_labels:
                raise SettingError(
                    f"`label_names` must name the {wrapped.config.num_labels} classes of the model; got "
                    f"{len(label_names)}: {', '.join(label_names)}."
                )
            wrapped.config.name_labels(tuple(label_names))
        if max_input_length is not None:
            wrapped.config.max_input_length = max_input_length
        return wrapped

    def fit(
        self,
        dataset: Dataset,
        *,
        recipe: str | FitRecipe = "checker",
        text: str | Sequence[str] | None = None,
        label: str | None = None,
        seed: int = 0,
        args: TrainingArguments | None = None,
    ) -> "LabelConfidence":
        """Trains the classifier with cross-entropy.

        Args:
            dataset: Labelled rows, as text or tokenised. Classes are matched by name; a model without class names
                takes those of the dataset.
            recipe: ``"checker"`` (IMP-Loss, Appendix F), ``"representability"`` or ``"coverage"`` (CondenseLM,
                Table 13), or your own.
            text: The text columns; None guesses.
            label: The label column; None guesses.
            seed: Fixes order and dropout.
            args: Where to run (device, precision, processes); None takes what accelerate finds.

        Raises:
            RowError: if there are no rows, or a class of theirs is unknown to the model.
            ColumnError: if the text or the label column cannot be found.
            SettingError: if the recipe is unknown, or there is no tokenizer for rows of text.
        """
        chosen = resolve_recipe(recipe)
        labels = read_labels(dataset, label)
        names = config_names(self.config)
        if names is None and labels.names is not None and len(labels.names) == self.config.num_labels:
            names = labels.names
            self.config.name_labels(names)
        codes = match_labels(labels, names, self.config.num_labels or 0, what="the model")
        rows = self.tokenize(dataset, text=text)
        rows = rows.select_columns(input_columns(self.backbone, rows)).add_column("labels", codes)
        fit_classifier(self.backbone, rows, chosen, self.collate, seed=seed, args=args)
        self.eval()
        self.config.recipe = {**asdict(chosen), "seed": seed, "n_rows": len(rows)}
        return self

    def predict_log_proba(
        self,
        dataset: Dataset,
        *,
        text: str | Sequence[str] | None = None,
        batch_size: int = 64,
        cache: bool = True,
        progress: bool = True,
    ) -> np.ndarray:
        """Log-probabilities of all classes for each row.

        The model moves to the device that accelerate chose. Scores lie in the cache of `datasets` under the hash of
        weights and tokens, so the same rows are scored once.

        Args:
            dataset: Rows, as text or tokenised.
            text: The text columns; None guesses.
            batch_size: Rows a forward pass.
            cache: Look in the cache first, and keep what was computed.
            progress: Show a bar.

        Shape:
            returns: (n_rows, n_classes), float32, in the order of `config.id2label`.

        Raises:
            RowError: if there are no rows, a text is missing, or the model returns NaN.
            ColumnError: if the text column cannot be found.
            SettingError: if there is no tokenizer for rows of text.
        """
        if len(dataset) == 0:
            raise RowError("there are no rows to score.")
        rows = self.tokenize(dataset, text=text)
        columns = input_columns(self.backbone, rows)
        rows = rows.select_columns(columns)
        self.to(PartialState().device)
        compute = partial(score_rows, self, rows, self.collate, batch_size=batch_size, progress=progress)
        return cached_scores((self.digest(), rows_digest(rows, columns)), compute) if cache else compute()

    def log_prob(
        self,
        dataset: Dataset,
        *,
        text: str | Sequence[str] | None = None,
        label: str | None = None,
        batch_size: int = 64,
        cache: bool = True,
        progress: bool = True,
    ) -> np.ndarray:
        """Log-probability of each row's own label, log p(y | x).

        Classes of the dataset and of the model are matched by name; see `predict_log_proba` for the other arguments.

        Shape:
            returns: (n_rows,), float32, at most 0.

        Raises:
            RowError: if a class of the dataset is unknown to the model, or as `predict_log_proba` says.
        """
        codes = match_labels(
            read_labels(dataset, label), config_names(self.config), self.config.num_labels or 0, what="the model"
        )
        scores = self.predict_log_proba(dataset, text=text, batch_size=batch_size, cache=cache, progress=progress)
        return scores[np.arange(len(codes)), codes]

    def tokenize(self, dataset: Dataset, *, text: str | Sequence[str] | None = None) -> Dataset:
        """Adds the token columns of this model's tokenizer, unless the rows have such columns."""
        if "input_ids" in dataset.column_names:
            return dataset
        limit = self.config.max_input_length or length_limit(self.processing_class, self.config.backbone)
        return tokenize_rows(dataset, self.processing_class, text=text, max_length=limit)

    def digest(self) -> str:
        """Hash of the weights; see `weights_digest`."""
        return weights_digest(self)

    def save_pretrained(self, save_directory: str | os.PathLike[str], *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Saves the model; see `SharedModel.save_pretrained`.

        Raises:
            SettingError: if the classifier carries an adapter, whose weights a plain folder cannot hold.
        """
        if not isinstance(self.backbone, PreTrainedModel):
            raise SettingError(
                "a LabelConfidence around a PEFT model cannot be saved as it is; wrap `model.merge_and_unload()`."
            )
        super().save_pretrained(save_directory, *args, **kwargs)

    def model_card(self, **metadata: Any) -> ModelCard:  # noqa: ANN401  (fields of ModelCardData)
        """The card of the model as it is; see `SharedModel.model_card`."""
        return label_confidence_card(cast(LabelConfidenceConfig, self.config), **metadata)

    def collate(self, features: list[dict[str, Any]]) -> Any:  # noqa: ANN401  (a BatchEncoding)
        """Pads tokenised rows to one batch.

        Raises:
            SettingError: if there is no tokenizer.
        """
        if self.processing_class is None:
            raise SettingError(
                "the model has no tokenizer to pad with; pass `processing_class=` to `from_classifier`."
            )
        return DataCollatorWithPadding(self.processing_class)(features)
