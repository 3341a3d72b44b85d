"""Random numbers that depend on a seed and leave no trace."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def temporary_seed(seed: int) -> Iterator[None]:
    """Seeds Python, NumPy and torch for the length of a block, and puts their states back afterwards."""
    import torch

    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  (what transformers draws from)
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        try:
            random.seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002
            torch.manual_seed(seed)
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002
