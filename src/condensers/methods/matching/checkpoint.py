"""Where a training stands, on disk: killed and started again, it goes on and comes to the same weights."""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from safetensors.torch import load_file, save_file
from torch.optim import Optimizer

from condensers.data import cache_folder, read_json, write_json

SECONDS = 120.0
"""From one checkpoint to the next at least, so that writing them stays a small part of the work."""

_TENSORS, _NOTES = "tensors.safetensors", "notes.json"
_WEIGHTS, _OPTIMIZER = "weights.", "optimizer."


class Checkpoint:
    """The last known state of a training: weights, optimizer, schedule, and what else its loop must know.

    Random numbers are no part of it: those of a step must depend on its number alone.

    Args:
        folder: Where it lies; only this training may use it.
        weights: What is trained, by name; changed in place when a state is restored.
        optimizer: Its optimizer.
        schedule: Its learning rates, if they change.
    """

    def __init__(
        self,
        folder: Path,
        weights: Mapping[str, torch.Tensor],
        optimizer: Optimizer,
        schedule: torch.optim.lr_scheduler.LambdaLR | None = None,
    ) -> None:
        self._folder = folder
        self._weights = weights
        self._optimizer = optimizer
        self._schedule = schedule
        self._saved = time.monotonic()

    def restore(self) -> tuple[int, dict[str, Any]]:
        """Brings the training to where it was last saved.

        Returns:
            The number of steps done, and the notes that were saved with them; 0 and none where nothing was saved.
        """
        done = [int(path.name) for path in self._folder.glob("*") if path.name.isdigit()]
        if not done:
            return 0, {}
        folder = self._folder / str(max(done))
        tensors = load_file(folder / _TENSORS)
        found = read_json(folder / _NOTES, what="checkpoint of a training")
        with torch.no_grad():
            for name, weight in self._weights.items():
                weight.copy_(tensors[_WEIGHTS + name])
        state = self._optimizer.state_dict()
        state["state"] = _nested(tensors)
        self._optimizer.load_state_dict(state)
        if self._schedule is not None:
            self._schedule.load_state_dict(found["schedule"])
            for group, rate in zip(self._optimizer.param_groups, self._schedule.get_last_lr(), strict=True):
                group["lr"] = rate
        return max(done), found["notes"]

    def save(self, n_done: int, notes: Mapping[str, Any]) -> None:
        """Saves the state after so many steps, unless the last one was saved a short while ago.

        Args:
            n_done: Steps done.
            notes: What `restore` is to give back, JSON values.

        Raises:
            StorageError: if the disk is full or the place cannot be written to.
        """
        if time.monotonic() - self._saved < SECONDS or not PartialState().is_main_process:
            return
        tensors = {_WEIGHTS + name: weight for name, weight in self._weights.items()}
        for i, values in self._optimizer.state_dict()["state"].items():
            tensors |= {f"{_OPTIMIZER}{i}.{name}": value for name, value in values.items()}
        schedule = self._schedule.state_dict() if self._schedule is not None else None
        with cache_folder(self._folder / str(n_done)) as scratch:
            save_file({name: value.detach().contiguous() for name, value in tensors.items()}, scratch / _TENSORS)
            write_json(scratch / _NOTES, {"schedule": schedule, "notes": dict(notes)})
        for other in self._folder.iterdir():
            if other.name != str(n_done):
                shutil.rmtree(other, ignore_errors=True)
        self._saved = time.monotonic()


def _nested(tensors: Mapping[str, torch.Tensor]) -> dict[int, dict[str, torch.Tensor]]:
    """The state of an optimizer, by parameter and name."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(_OPTIMIZER):
            i, _, name = key.removeprefix(_OPTIMIZER).partition(".")
            state.setdefault(int(i), {})[name] = value
    return state
