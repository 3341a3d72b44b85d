"""An embedder whose vectors a test can work out by hand."""

import numpy as np
import pytest


class AngleEmbedder:
    """Puts a text at the angle, in degrees, that it names: "a film @30" has the cosine cos(30) to the point (1, 0)."""

    name = "angles"
    fingerprint = "angles"

    def __init__(self, dim=2):
        self.dim = dim
        self.seen = []

    def encode(self, texts):
        self.seen += texts
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(out, texts, strict=True):
            angle = np.deg2rad(float(text.rpartition("@")[2] or 180))
            row[:2] = np.cos(angle), np.sin(angle)
        return out


@pytest.fixture
def angles():
    return AngleEmbedder()
