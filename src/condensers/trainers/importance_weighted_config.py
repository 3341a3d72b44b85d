"""Settings of `ImportanceWeightedTrainer`."""

from dataclasses import dataclass

from transformers import TrainingArguments

from condensers.trainers.weighting_config import WeightingArguments


@dataclass
class ImportanceWeightedArguments(WeightingArguments):
    """How IMP-Loss weights rows; the part of `ImportanceWeightedConfig` that is not `TrainingArguments`."""


@dataclass
class ImportanceWeightedConfig(ImportanceWeightedArguments, TrainingArguments):
    """`TrainingArguments` and how rows are weighted by IMP-Loss (Section 4.1).

    Raises:
        SettingError: if a number is out of its range.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_weighting()
