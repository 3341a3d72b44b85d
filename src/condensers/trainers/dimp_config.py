"""Settings of `DIMPTrainer`."""

from dataclasses import dataclass, field

from transformers import TrainingArguments

from condensers.trainers.weighting_config import WeightingArguments


@dataclass
class DIMPArguments(WeightingArguments):
    """How DIMP-Loss weights rows; the part of `DIMPConfig` that is not `TrainingArguments`.

    Raises:
        SettingError: if a number is out of its range.
    """

    use_diversity_checker: bool = field(
        default=True,
        metadata={"help": "Divide by the live model's probability; off, a row weighs P'(y|x) (ablation of Table 1)."},
    )


@dataclass
class DIMPConfig(DIMPArguments, TrainingArguments):
    """`TrainingArguments` and how rows are weighted by DIMP-Loss (Section 4.2).

    Raises:
        SettingError: if a number is out of its range.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_weighting()
