"""Settings of `InverterTrainer`."""

from dataclasses import dataclass, field

from transformers import TrainingArguments

from condensers.errors import SettingError


@dataclass
class InverterTrainingConfig(TrainingArguments):
    """`TrainingArguments` with defaults for inverters, and how hypotheses are written ahead.

    Raises:
        SettingError: if a number is out of its range, or a name unknown.
    """

    learning_rate: float = field(default=3e-4, metadata={"help": "Peak learning rate."})
    warmup_steps: float = field(default=0.05, metadata={"help": "Steps of warm-up; below 1, a share of all steps."})
    per_device_train_batch_size: int = field(default=32, metadata={"help": "Rows a step and device."})
    train_sampling_strategy: str = field(
        default="group_by_length", metadata={"help": "How rows are drawn; by length, little is filled up."}
    )
    projector_start: str = field(
        default="least_squares",
        metadata={
            "help": "Where the projector of an untrained model begins: fitted to the words of the texts, or as drawn.",
            "choices": ["least_squares", "random"],
        },
    )
    hypothesis_batch_size: int = field(
        default=64, metadata={"help": "Vectors a forward pass when an inverter writes the hypotheses of a corrector."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.projector_start not in ("least_squares", "random"):
            raise SettingError(f"`projector_start` must be 'least_squares' or 'random'; got {self.projector_start!r}.")
        if self.hypothesis_batch_size < 1:
            raise SettingError(f"`hypothesis_batch_size` must be at least 1; got {self.hypothesis_batch_size}.")
