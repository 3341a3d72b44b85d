"""Settings of `MetaWeightedTrainer`."""

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from transformers import TrainingArguments

from condensers.errors import SettingError

Variant = Literal["ren", "hu"]


@dataclass
class MetaWeightedArguments:
    """How rows are weighted by meta-learning; the part of `MetaWeightedConfig` that is not `TrainingArguments`.

    Of the settings of ``hu``, the published code has the retention (1/5, with a softmax) and takes the model's own
    step of Adam for the virtual one, where ours is a step of plain gradient descent.

    Raises:
        SettingError: if a number is out of its range, or the variant unknown.
    """

    variant: Variant = field(
        default="ren",
        metadata={"help": "ren: weights made afresh each step (Ren et al. 2018); hu: kept a row (Hu et al. 2019)."},
    )
    quality_batch_size: int = field(default=32, metadata={"help": "Clean rows a step, the same in all processes."})
    virtual_learning_rate: float | None = field(
        default=None,
        metadata={"help": "Size of the virtual step; hu only. None takes the learning rate that the model is at."},
    )
    score_learning_rate: float = field(
        default=1.0, metadata={"help": "By how much the scores of a step change, on average; hu only."}
    )
    score_retention: float = field(
        default=0.2, metadata={"help": "Share of its score that a row keeps from visit to visit; hu only."}
    )

    def check_weighting(self) -> None:
        """Checks the settings.

        Raises:
            SettingError: if one is not allowed.
        """
        if self.variant not in get_args(Variant):
            raise SettingError(f"`variant` must be one of {', '.join(get_args(Variant))}; got {self.variant!r}.")
        if self.quality_batch_size < 1:
            raise SettingError(f"`quality_batch_size` must be at least 1; got {self.quality_batch_size!r}.")
        if self.virtual_learning_rate is not None and not self.virtual_learning_rate > 0:
            raise SettingError(
                f"`virtual_learning_rate` must be above 0, or None; got {self.virtual_learning_rate!r}."
            )
        if not (self.score_learning_rate > 0 and math.isfinite(self.score_learning_rate)):
            raise SettingError(f"`score_learning_rate` must be a number above 0; got {self.score_learning_rate!r}.")
        if not 0 <= self.score_retention <= 1:
            raise SettingError(f"`score_retention` must be from 0 to 1; got {self.score_retention!r}.")


@dataclass
class MetaWeightedConfig(MetaWeightedArguments, TrainingArguments):
    """`TrainingArguments` and how rows are weighted by meta-learning.

    Raises:
        SettingError: if a number is out of its range, or the variant unknown.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_weighting()
