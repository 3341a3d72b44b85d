"""The training of an adapter in one call: killed and called again, it goes on and comes to the same weights."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from accelerate import PartialState
from datasets import Dataset
from peft import PeftModel, get_peft_model
from transformers import PrinterCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from condensers.data import read_json, temporary_seed, write_json
from condensers.data.training_bar import TrainingBar
from condensers.embedding import Embedder
from condensers.softsrv.config import SoftSRVConfig
from condensers.softsrv.trainer import SoftSRVTrainer
from condensers.softsrv.training_config import SoftSRVTrainingConfig

_LOG = "training.json"
_WHOLE = "whole"
_N_RECORDS = 20
# Least and most steps from one to the next: a small model writes one as fast as it takes ten steps, and whoever is
# killed should not lose an hour.
_STEPS_OF_A_CHECKPOINT = (10, 500)


@dataclass(frozen=True)
class FittedAdapter:
    """An adapter on its language model, and how its training went.

    Attributes:
        model: The language model with the adapter.
        processing_class: Its tokenizer.
        losses: Steps, and the mean loss of the steps since the one before.
    """

    model: PeftModel
    processing_class: Any
    losses: tuple[tuple[int, float], ...]

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:
        """Writes the adapter as PEFT does, and its losses beside it; not the language model."""
        self.model.save_pretrained(os.fspath(save_directory))
        write_json(Path(save_directory) / _LOG, [list(each) for each in self.losses])

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str], base: Any, processing_class: Any) -> Self:  # noqa: ANN401
        """Reads what `save_pretrained` wrote, onto a language model.

        Args:
            folder: Where the adapter lies.
            base: The language model that it was trained for.
            processing_class: Its tokenizer.

        Raises:
            SourceNotFoundError: if it is not there.
        """
        losses = read_json(Path(folder) / _LOG, what="adapter that a condenser trained")
        model = PeftModel.from_pretrained(base, os.fspath(folder)).to(PartialState().device)
        return cls(model, processing_class, tuple((step, loss) for step, loss in losses))


def fit_adapter(
    base: Any,  # noqa: ANN401  (a PreTrainedModel)
    processing_class: Any,  # noqa: ANN401  (its tokenizer)
    config: SoftSRVConfig,
    texts: Sequence[str],
    folder: Path,
    *,
    embedder: Embedder,
    max_steps: int,
    learning_rate: float,
    batch_size: int,
    max_length: int,
    seed: int = 0,
    progress: bool = True,
) -> FittedAdapter:
    """Trains an adapter on texts (SoftSRV, Section 3.3, step 1).

    Args:
        base: The language model; its weights stay as they are.
        processing_class: Its tokenizer.
        config: The adapter.
        texts: The sample.
        folder: Where checkpoints lie; they may go once the adapter is kept.
        embedder: Makes the contexts; a `static` adapter needs none and gets none.
        max_steps: Steps.
        learning_rate: Learning rate.
        batch_size: Texts a step and device.
        max_length: Tokens of a text; longer ones are cut.
        seed: Of the first weights and of the order of the texts.
        progress: Show a bar.

    Raises:
        RowError: if there are no texts.
        SettingError: if a setting is out of its range, or the language model cannot be steered.
    """
    least, most = _STEPS_OF_A_CHECKPOINT
    every = min(max(max_steps // _N_RECORDS, 1), most)
    on_cpu = PartialState().device.type == "cpu"
    args = SoftSRVTrainingConfig(
        output_dir=str(folder),
        max_steps=max_steps,
        learning_rate=learning_rate,
        per_device_train_batch_size=batch_size,
        max_length=max_length,
        logging_steps=every,
        save_steps=max(every, least),
        save_total_limit=2,
        seed=seed,
        report_to="none",
        disable_tqdm=True,
        use_cpu=on_cpu,
        dataloader_pin_memory=not on_cpu,
    )
    with temporary_seed(seed):
        model: Any = get_peft_model(base, config)
        trainer = SoftSRVTrainer(
            model,
            args,
            train_dataset=Dataset.from_dict({"text": list(texts)}),
            embedder=None if config.parameterization == "static" else embedder,
            processing_class=processing_class,
            text="text",
        )
        # It prints to the standard output, where results are.
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(TrainingBar(shown=progress))
        trainer.add_callback(_MarkWhole())
        trainer.train(resume_from_checkpoint=_last_whole(folder))
    losses = tuple((int(entry["step"]), entry["loss"]) for entry in trainer.state.log_history if "loss" in entry)
    return FittedAdapter(model.eval(), processing_class, losses)


class _MarkWhole(TrainerCallback):
    """Marks checkpoints of which nothing is missing: whoever is killed while one is written leaves half of it."""

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            write_json(Path(str(args.output_dir)) / f"checkpoint-{state.global_step}" / _WHOLE, True)


def _last_whole(folder: Path) -> str | None:
    found = {int(path.parent.name.rpartition("-")[2]): path.parent for path in folder.glob(f"checkpoint-*/{_WHOLE}")}
    return str(found[max(found)]) if found else None
