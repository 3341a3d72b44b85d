"""The processes of one run, as torchrun and `accelerate launch` start them.

All of them do the same, step for step, and share the passes over rows: each takes its part, and what the parts come to
is put together. A process that is the only one imports and sends nothing.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

_n_alone = 0


def meet() -> None:
    """Lets the processes that a launcher has started know of each other, if there are several."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not _n_alone:
        from accelerate import PartialState  # noqa: PLC0415  (imports torch)

        PartialState()


@contextmanager
def alone() -> Iterator[None]:
    """For the length of a block, this process counts as the only one: for what one does and the others do not."""
    global _n_alone
    _n_alone += 1
    try:
        yield
    finally:
        _n_alone -= 1


def process_count() -> int:
    """How many processes have met."""
    group = _group()
    return 1 if group is None else group.get_world_size()


def process_index() -> int:
    """Which of them this is, from 0."""
    group = _group()
    return 0 if group is None else group.get_rank()


def own_part(n_rows: int) -> slice:
    """The rows that are this process's to pass over; the parts follow each other and differ by a row at most."""
    index, count = process_index(), process_count()
    return slice(n_rows * index // count, n_rows * (index + 1) // count)


def agreed(value: Any) -> Any:  # noqa: ANN401  (what is given)
    """What the first process has, in all of them."""
    group = _group()
    if group is None:
        return value
    found = [value]
    group.broadcast_object_list(found, src=0)
    return found[0]


def gathered(items: list[Any]) -> list[Any]:
    """The items of all processes, in the order of the processes."""
    group = _group()
    if group is None:
        return items
    found: list[list[Any]] = [[] for _ in range(group.get_world_size())]
    group.all_gather_object(found, items)
    return [item for part in found for item in part]


def joined(part: np.ndarray) -> np.ndarray:
    """The parts of all processes in one array.

    Shape:
        part: (n_own, ...); returns: (n, ...).
    """
    parts = gathered([part])
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def summed(*parts: np.ndarray) -> list[np.ndarray]:
    """Sums over all processes, the same to the last bit in each, so that none takes another turn than the others.

    Shape:
        parts: of any shape, the same in all processes; returns: the shapes of `parts`, float64 where there are several
            processes.
    """
    group = _group()
    if group is None:
        return list(parts)
    import torch  # noqa: PLC0415  (is there, since there is a group)

    device = torch.device("cuda", torch.cuda.current_device()) if group.get_backend() == "nccl" else "cpu"
    flat = torch.from_numpy(np.concatenate([part.ravel().astype(np.float64) for part in parts])).to(device)
    group.reduce(flat, dst=0)
    group.broadcast(flat, src=0)
    pieces = np.split(flat.cpu().numpy(), np.cumsum([part.size for part in parts])[:-1])
    return [piece.reshape(part.shape) for piece, part in zip(pieces, parts, strict=True)]


def wait() -> None:
    """Goes on once all processes have come here."""
    group = _group()
    if group is not None:
        group.barrier()


def _group() -> Any:  # noqa: ANN401  (the module torch.distributed)
    """`torch.distributed`, if several processes have met and this one is not alone for now."""
    module = sys.modules.get("torch.distributed")
    if _n_alone or module is None or not module.is_available() or not module.is_initialized():
        return None
    return module if module.get_world_size() > 1 else None
