"""The classifiers that rewards come from: made, fitted, kept and read as p(y | x)."""

import copy
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from datasets import ClassLabel, Dataset, Features, Value
from transformers import TrainingArguments

from condensers.data import Columns, Rows, hidden_progress_bars, quiet_loading, temporary_seed
from condensers.embedding import OFFLINE, Embedder, bundled_model
from condensers.errors import SettingError
from condensers.rewards import RECIPES, EmbeddingProbe, FitRecipe, LabelConfidence

DEFAULT_REWARD_MODEL = "google-bert/bert-base-uncased"
"""What CondenseLM's rewards come from (Section 3.1)."""
PROBE = "probe"
"""Stands for an `EmbeddingProbe` on the condenser's embedder."""
_LABEL = "label"


@runtime_checkable
class RewardModel(Protocol):
    """What `LabelConfidence` is to a condenser: it learns from labelled rows and gives p(y | x)."""

    def fit(
        self,
        dataset: Dataset,
        *,
        recipe: FitRecipe,
        text: Sequence[str],
        label: str,
        seed: int,
        args: TrainingArguments | None,
    ) -> Any:  # noqa: ANN401  (nobody reads it)
        """Learns; see `LabelConfidence.fit`."""
        ...

    def predict_log_proba(self, dataset: Dataset, *, text: Sequence[str], progress: bool) -> np.ndarray:
        """Log-probabilities of all classes; shape (n_rows, n_classes). See `LabelConfidence.predict_log_proba`."""
        ...


def reward_source(
    given: str | os.PathLike[str] | RewardModel, embedder: Embedder
) -> str | os.PathLike[str] | RewardModel:
    """What new reward models are made of: what the user gave, with the word ``probe`` spelt out."""
    return EmbeddingProbe(embedder) if given == PROBE else given


def new_reward_model(source: str | os.PathLike[str] | RewardModel, class_names: Sequence[str], seed: int) -> Any:  # noqa: ANN401
    """A model that has not been fitted on anything yet.

    Args:
        source: Hub id or folder of an encoder or classifier, ``"offline"`` for the bundled MiniLM, or a model, of
            which a copy is made.
        class_names: Names of the classes, in the order of their codes.
        seed: Fixes the weights of a new head.

    Raises:
        SourceNotFoundError: if there is no such model.
        SettingError: if an object is no reward model.
    """
    if isinstance(source, (str, os.PathLike)):
        folder = bundled_model() if os.fspath(source) == OFFLINE else source
        with temporary_seed(seed), quiet_loading():
            return LabelConfidence.from_classifier(folder, label_names=tuple(class_names))
    if not isinstance(source, RewardModel):
        raise SettingError(
            f"`reward_model` must be a model's name or folder, 'offline', 'probe', or an object like "
            f"`LabelConfidence` with `fit` and `predict_log_proba`; got {source!r}."
        )
    return copy.deepcopy(source)


def source_reward_rows(rows: Rows) -> Dataset:
    """Source rows as a reward model reads them."""
    dataset = rows.dataset.with_format(None)
    return _reward_rows([dataset[name][:] for name in rows.columns.text], rows.codes.tolist(), rows.class_names)


def written_reward_rows(
    texts: Sequence[str], codes: Sequence[int], columns: Columns, class_names: Sequence[str]
) -> Dataset:
    """Written rows, given by their joined texts, as a reward model reads them."""
    parts = [columns.split(text) for text in texts]
    return _reward_rows([list(column) for column in zip(*parts, strict=True)], codes, class_names)


def fit_reward_model(
    model: RewardModel, rows: Dataset, recipe: FitRecipe, *, seed: int, progress: bool = False
) -> None:
    """Fits a model in place.

    Args:
        model: The model.
        rows: What `source_reward_rows` or `written_reward_rows` made.
        recipe: How.
        seed: Fixes order and dropout.
        progress: Show a bar.
    """
    # Of the arguments only where to run is taken over, and that no bar is shown.
    quiet = TrainingArguments(output_dir="unused", disable_tqdm=True, dataloader_pin_memory=torch.cuda.is_available())
    args = None if progress else quiet
    with hidden_progress_bars():
        model.fit(rows, recipe=recipe, text=_text(rows), label=_LABEL, seed=seed, args=args)


def fit_on_condensed(source: str | os.PathLike[str] | RewardModel, rows: Dataset, *, steps: int, seed: int) -> Any:  # noqa: ANN401
    """A new model fitted on what is condensed so far, by the recipe of the coverage model (Table 13).

    Args:
        source: See `new_reward_model`.
        rows: What `written_reward_rows` made.
        steps: Training steps.
        seed: Fixes the new head, order and dropout.
    """
    model = new_reward_model(source, rows.features[_LABEL].names, seed)
    fit_reward_model(model, rows, replace(RECIPES["coverage"], max_steps=steps), seed=seed)
    return model


def class_probabilities(model: RewardModel, rows: Dataset, *, progress: bool = False) -> np.ndarray:
    """p(y | x) of all classes; shape (n_rows, n_classes), float32."""
    with hidden_progress_bars():
        return np.exp(model.predict_log_proba(rows, text=_text(rows), progress=progress))


def own_probabilities(probabilities: np.ndarray, rows: Dataset) -> np.ndarray:
    """p(y | x) of each row's own class (Eq. 1).

    Shape:
        probabilities: (n_rows, n_classes); returns: (n_rows,).
    """
    return probabilities[np.arange(len(rows)), np.asarray(rows[_LABEL][:])]


def _text(rows: Dataset) -> list[str]:
    return [name for name in rows.column_names if name != _LABEL]


def _reward_rows(texts: Sequence[list[str]], codes: Sequence[int], class_names: Sequence[str]) -> Dataset:
    names = ["text"] if len(texts) == 1 else [f"text_{k}" for k in range(len(texts))]
    features = Features({**{name: Value("string") for name in names}, _LABEL: ClassLabel(names=list(class_names))})
    return Dataset.from_dict({**dict(zip(names, texts, strict=True)), _LABEL: list(codes)}, features=features)
