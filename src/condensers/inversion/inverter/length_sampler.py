"""Rows of like length together, in an order that a resumed run repeats."""

from collections.abc import Iterator
from typing import Any

import torch
from transformers.trainer_pt_utils import LengthGroupedSampler


class EpochLengthSampler(LengthGroupedSampler):
    """`LengthGroupedSampler` whose order follows from the seed and the epoch.

    That of transformers 5.23 draws from torch's global state, which is another one when a run is resumed within an
    epoch: it then skips rows that it has not seen, and trains on others twice.

    Args:
        batch_size: Rows a step.
        lengths: Length of each row.
        seed: Seed of the order.
    """

    def __init__(self, batch_size: int, lengths: list[int], seed: int) -> None:
        super().__init__(batch_size, lengths=lengths, generator=torch.Generator())
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Says which epoch comes next; accelerate calls it."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[Any]:
        self.generator.manual_seed(self.seed + self.epoch)
        return super().__iter__()
