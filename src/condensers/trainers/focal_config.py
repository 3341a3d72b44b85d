"""Settings of `FocalTrainer`."""

import math
from dataclasses import dataclass, field

from transformers import TrainingArguments

from condensers.errors import SettingError


@dataclass
class FocalArguments:
    """How the focal loss weights rows; the part of `FocalConfig` that is not `TrainingArguments`.

    The default is that of Lin et al. (2017), Section 4.1. IMP-Loss (Section 2.2) only says that gamma was at least 1.

    Raises:
        SettingError: if a number is out of its range.
    """

    gamma: float = field(
        default=2.0,
        metadata={"help": "How fast a row loses weight as the model learns it; 0 is cross-entropy."},
    )
    class_weights: list[float] | None = field(
        default=None,
        metadata={"help": "Factor of each class (alpha in the paper), in the order of the model's classes."},
    )

    def check_weighting(self) -> None:
        """Checks the numbers.

        Raises:
            SettingError: if one is out of its range.
        """
        if not (self.gamma >= 0 and math.isfinite(self.gamma)):
            raise SettingError(f"`gamma` must be a number of at least 0; got {self.gamma!r}.")
        weights = self.class_weights
        if weights is not None and not (all(w >= 0 and math.isfinite(w) for w in weights) and any(weights)):
            raise SettingError(f"`class_weights` must be at least 0 and not all 0; got {weights!r}.")


@dataclass
class FocalConfig(FocalArguments, TrainingArguments):
    """`TrainingArguments` and how the focal loss weights rows (Lin et al. 2017, Section 3).

    Raises:
        SettingError: if a number is out of its range.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_weighting()
