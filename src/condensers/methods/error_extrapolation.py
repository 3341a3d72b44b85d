"""Extrapolation of errors, a baseline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from datasets import Dataset

from condensers.methods.few_shot import RandomRetrieval
from condensers.methods.guided_rounds import Guide, Kept
from condensers.methods.llm_config import RoundConfig
from condensers.methods.reward_models import (
    DEFAULT_REWARD_MODEL,
    RewardModel,
    class_probabilities,
    fit_on_condensed,
    own_probabilities,
    reward_source,
    source_reward_rows,
    written_reward_rows,
)
from condensers.methods.rounds import RoundCondenser
from condensers.methods.source import PreparedSource
from condensers.methods.subset_sizes import SubsetSizes
from condensers.methods.writing import Desk, Events, FewShot, Form, Subset, Task, Writer


class ErrorRetrieval(RandomRetrieval):
    """Retrieves rows that a model of the condensed set gets wrong; in round 1, when there is none, any rows.

    Where a class has fewer errors than are wanted, the rows of which the model is least sure fill up.

    Args:
        prepared: The source rows.
        seed: Of the draws.
        fit: Fits a model on the condensed set.
    """

    def __init__(self, prepared: PreparedSource, seed: int, fit: Callable[[Dataset], RewardModel]) -> None:
        super().__init__(prepared, seed)
        self.fit = fit
        self._source = source_reward_rows(prepared.rows)

    def retrieve(self, size: int, kept: Sequence[Kept]) -> Subset:
        """Draws among the errors of each class; see `Guide.retrieve`."""
        if not kept:
            return super().retrieve(size, kept)
        rows = self.prepared.rows
        texts, codes = [each.row.text for each in kept], [each.row.code for each in kept]
        model = self.fit(written_reward_rows(texts, codes, rows.columns, rows.class_names))
        probabilities = class_probabilities(model, self._source)
        own = own_probabilities(probabilities, self._source)
        wrong = probabilities.argmax(axis=1) != rows.codes
        subset = {}
        for code, positions in rows.by_class():
            errors = self._rng.permutation(positions[wrong[positions]])
            right = positions[~wrong[positions]]
            unsure = right[np.argsort(own[right], kind="stable")]
            subset[code] = np.concatenate([errors, unsure])[: min(size, len(positions))]
        return subset


@dataclass(frozen=True)
class ErrorExtrapolationConfig(RoundConfig):
    """Settings of `ErrorExtrapolationCondenser`."""

    reward_model: str = field(
        default=DEFAULT_REWARD_MODEL,
        metadata={
            "help": "Encoder of the model whose errors count: Hub id, folder, 'offline' for MiniLM, or 'probe' for a "
            "linear probe on the embeddings."
        },
    )
    training_steps: int = field(default=200, metadata={"help": "Training steps of that model, each round."})


class ErrorExtrapolationCondenser(RoundCondenser):
    """Iterative extrapolation of errors (Table 9 of CondenseLM), as in LLM2LLM (Lee et al. 2024) and S3 (Wang 2023).

    Each round trains a model on what is condensed so far, finds source rows that it gets wrong, and asks the LLM for
    new rows after their example. CondenseLM says no more than that; here the model is trained as its coverage model
    (Table 13), K of the errors of each class are drawn at random, K' rows are asked for, and the first round, when
    there is nothing to train on, starts from random rows: a budget of one round is few-shot prompting.
    """

    condenser_type = "error_extrapolation"
    config_class: ClassVar[type[ErrorExtrapolationConfig]] = ErrorExtrapolationConfig
    config: ErrorExtrapolationConfig
    object_settings = ("llm", "reward_model")

    @property
    def _from_earlier_rounds(self) -> str:
        return "errors of a model of the rows so far"

    def _structured_writer(self, desk: Desk, task: Task, form: Form) -> Writer:
        return FewShot(desk, task, form, purpose="errors")

    def _guide(self, prepared: PreparedSource, sizes: SubsetSizes, events: Events) -> Guide:
        return ErrorRetrieval(prepared, self.config.seed, self._fit)

    def _fit(self, rows: Dataset) -> RewardModel:
        config = self.config
        source = reward_source(self._objects.get("reward_model", config.reward_model), self.embedder)
        return fit_on_condensed(source, rows, steps=config.training_steps, seed=config.seed)
