"""Settings of `SoftSRVTrainer`."""

from dataclasses import dataclass, field

from transformers import TrainingArguments

from condensers.errors import SettingError


@dataclass
class SoftSRVTrainingConfig(TrainingArguments):
    """`TrainingArguments` with the defaults of SoftSRV (Section 3.3), and how long texts may be.

    The optimiser is Adam: AdamW without weight decay. The paper names neither a batch size for this step nor a
    schedule; 16 is that of its fine-tuning, and the learning rate stays as it is. It is meant for 20,000 steps: a
    run of tens of steps with an ``mlp`` on SmolLM2-135M went well at 1e-3.

    Raises:
        SettingError: if `max_length` is below 1.
    """

    learning_rate: float = field(default=5e-6, metadata={"help": "Learning rate."})
    max_steps: int = field(default=20_000, metadata={"help": "Steps; -1 goes by `num_train_epochs`."})
    lr_scheduler_type: str = field(default="constant", metadata={"help": "Schedule of the learning rate."})
    per_device_train_batch_size: int = field(default=16, metadata={"help": "Rows a step and device."})
    max_length: int = field(default=256, metadata={"help": "Tokens of a text; longer ones are cut."})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_length < 1:
            raise SettingError(f"`max_length` must be at least 1; got {self.max_length}.")
