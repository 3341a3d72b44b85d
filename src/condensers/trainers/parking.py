"""A model out of the way while another one works."""

import copy
import ctypes
import gc
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import torch
from accelerate.utils.memory import clear_device_cache
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import TrainingArguments

CopyModel = Callable[[], nn.Module]


@contextmanager
def parked(
    model: nn.Module, args: TrainingArguments, *, movable: bool, in_use: Iterable[nn.Module] = ()
) -> Iterator[CopyModel]:
    """Frees the memory that a model takes, so that a checker's fit needs no more of it than the training does.

    From a GPU the weights go to main memory, and from there, where the training runs on a CPU, to temporary files. The
    model must not run meanwhile.

    Args:
        model: The model.
        args: Where training runs.
        movable: Whether the trainer itself would move the model; if not, it stays where it is.
        in_use: Models that run meanwhile; the weights that they share with `model` are not taken from them.

    Yields:
        What makes a copy of the model, weights included.
    """
    if not movable:
        yield partial(copy.deepcopy, model)
    elif args.device.type == "cpu":
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            kept = {id(weight) for other in in_use for weight in other.parameters()}
            files = _to_disk(model, kept, Path(folder), stack)
            stack.callback(_return_freed_memory)
            yield partial(_copy_from_disk, model, files)
    else:
        model.to("cpu")
        try:
            yield partial(copy.deepcopy, model)
        finally:
            clear_device_cache(garbage_collection=True)
            model.to(args.device)


def _to_disk(model: nn.Module, kept: set[int], folder: Path, stack: ExitStack) -> dict[int, Path]:
    """Empties parameters of a model, which are filled again when `stack` closes. Files by number of parameter."""
    files = {}
    for number, weight in enumerate(model.parameters()):
        # Quantised weights and the like are more than numbers.
        if id(weight) in kept or type(weight) is not nn.Parameter or type(weight.data) is not torch.Tensor:
            continue
        path = folder / f"{number}.safetensors"
        save_file({"weight": weight.data.contiguous()}, path)
        weight.data = weight.data.new_empty(0)
        stack.callback(_fill, weight, path)
        files[number] = path
    return files


def _copy_from_disk(model: nn.Module, files: dict[int, Path]) -> nn.Module:
    copied = copy.deepcopy(model)
    for number, weight in enumerate(copied.parameters()):
        if number in files:
            _fill(weight, files[number])
    return copied


def _return_freed_memory() -> None:
    """Returns to the system what the C library keeps of memory that was freed, where it can be told to (glibc).

    It would lie there unused, in holes, while the model trains.
    """
    gc.collect()
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library, or none
        return
    trim(0)


def _fill(weight: nn.Parameter, path: Path) -> None:
    # A clone, since what is loaded lies in the file.
    weight.data = load_file(path)["weight"].clone()
