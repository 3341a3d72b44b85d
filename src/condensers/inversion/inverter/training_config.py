"""Settings of `InverterTrainer`."""

from dataclasses import dataclass, field

from transformers import TrainingArguments

from condensers.errors import SettingError


@dataclass
class InverterTrainingConfig(TrainingArguments):
    """`TrainingArguments` with defaults for inverters, and how hypotheses are written ahead.

    Raises:
        SettingError: if a number is out of its range.
    """

    learning_rate: float = field(default=3e-4, metadata={"help": "Peak learning rate."})
    warmup_steps: float = field(default=0.05, metadata={"help": "Steps of warm-up; below 1, a share of all steps."})
    per_device_train_batch_size: int = field(default=32, metadata={"help": "Rows a step and device."})
    train_sampling_strategy: str = field(
        default="group_by_length", metadata={"help": "How rows are drawn; by length, little is filled up."}
    )
    hypothesis_batch_size: int = field(
        default=64, metadata={"help": "Vectors a forward pass when an inverter writes the hypotheses of a corrector."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hypothesis_batch_size < 1:
            raise SettingError(f"`hypothesis_batch_size` must be at least 1; got {self.hypothesis_batch_size}.")
