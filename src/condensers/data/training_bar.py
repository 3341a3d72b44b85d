"""A bar for trainings that the library starts by itself."""

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from condensers.data.progress import progress_bar


class TrainingBar(TrainerCallback):
    """Counts steps and tells the loss on the standard error stream; Trainer's own prints where results are.

    Args:
        shown: False hides it.
    """

    def __init__(self, *, shown: bool = True) -> None:
        self.shown = shown
        self._bar: Any = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Opens it."""
        shown = self.shown and state.is_world_process_zero
        self._bar = progress_bar(
            total=state.max_steps, initial=state.global_step, desc="Training", unit="step", shown=shown
        )

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Moves it."""
        self._bar.update(state.global_step - self._bar.n)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Says the loss."""
        if logs and "loss" in logs:
            self._bar.set_postfix(loss=f"{float(logs['loss']):.3f}", refresh=False)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Closes it."""
        self._bar.close()
