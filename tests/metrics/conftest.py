"""Clouds of vectors that metrics should tell apart, or not."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def cloud():
    """1,500 unit vectors of five clusters in 16 dimensions."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(5, 16)) * 2
    x = centres[rng.integers(5, size=1500)] + rng.normal(size=(1500, 16))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="session")
def elsewhere():
    """20 unit vectors where the cloud is not."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(20, 16)) * 0.1 - np.eye(16)[3]
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
