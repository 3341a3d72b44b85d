import random

import pytest
import torch
from sklearn.utils import check_random_state

from condensers.data import temporary_seed


def draws():
    return random.random(), check_random_state(None).random_sample(), torch.rand(1).item()


def test_a_seed_fixes_what_is_drawn():
    with temporary_seed(1):
        first = draws()
    with temporary_seed(1):
        again = draws()
    with temporary_seed(2):
        other = draws()
    assert first == again
    assert all(a != b for a, b in zip(first, other, strict=True))


def test_what_is_drawn_afterwards_does_not_depend_on_the_block():
    with temporary_seed(5):
        plain = draws()
    with temporary_seed(5):
        with temporary_seed(1):
            draws()
        after = draws()
    assert after == plain


def test_an_error_puts_the_state_back_too():
    with temporary_seed(5):
        plain = draws()
    with temporary_seed(5):
        with pytest.raises(ValueError, match="stop"), temporary_seed(1):
            draws()
            raise ValueError("stop")
        assert draws() == plain
