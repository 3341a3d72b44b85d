"""How many threads torch computes with."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Lets torch compute with one thread for the length of a block.

    Steps of a recurrent network are too small to share: two threads are slower than one, on busy cores ten times, and
    sums that are split otherwise round otherwise, so results would depend on the number of cores.
    """
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)
