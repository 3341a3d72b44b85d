"""What stands beside a score, and how it is told."""

import numpy as np
import pytest

from condensers.errors import SettingError
from condensers.metrics import METRICS, Score, TextSet, assess, flat, measure


class Fixed:
    """A comparison whose every number is known."""

    n_references = 10

    def __init__(self, value, boot, null, foil):
        self._found = value, boot, null, foil

    def value(self):
        return {"x": self._found[0]}

    def bootstrap(self, n, rng):
        return {"x": np.asarray(self._found[1], dtype=float)}

    def null(self, n, rng):
        return {"x": np.asarray(self._found[2], dtype=float)}

    def foil(self, rng):
        return {"x": self._found[3]}


def test_by_hand():
    """The interval has the spread of the bootstrap and the place of the score; the null keeps its own place."""
    found = assess(Fixed(5.0, np.arange(101), np.arange(101) / 10, 20.0))["x"]
    assert found == Score(5.0, 5.0 - 45.0, 5.0 + 45.0, 5.0, 0.5, 9.5, True)
    assert not assess(Fixed(5.0, np.arange(101), np.arange(101) / 10, 9.5))["x"].informative
    names = ["x", "x_low", "x_high", "x_null_mean", "x_null_low", "x_null_high", "x_informative"]
    assert list(flat({"x": found})) == names


@pytest.mark.parametrize(
    ("value", "better", "foil", "verdict"),
    [
        (5.0, 1, 20.0, "like a true sample"),
        (9.6, 1, 20.0, "better than true samples"),
        (9.6, -1, 20.0, "worse than true samples"),
        (0.4, 1, 20.0, "worse than true samples"),
        (0.4, -1, 20.0, "better than true samples"),
        (0.4, -1, 5.0, "says nothing at this size"),
    ],
)
def test_verdicts(value, better, foil, verdict):
    assert assess(Fixed(value, np.zeros(20), np.arange(101) / 10, foil))["x"].verdict(better) == verdict


def test_many_at_once(cloud, caplog):
    texts = [f"word{i % 50} and word{i % 7} or word{i % 11} number{i}" for i in range(1500)]
    few, many = TextSet(texts[:20], cloud[:20]), TextSet(texts, cloud)
    found = measure(few, many, n_resamples=20, progress=False)
    apart = METRICS["gradient_similarity"].scores.keys() | METRICS["decontamination"].scores.keys()
    assert set(found) == {score for kind in METRICS.values() for score in kind.scores} - apart
    assert found == measure(few, many, n_resamples=20, progress=False)
    tiny = measure(TextSet(texts[:3], cloud[:3]), many, n_resamples=20, progress=False)
    assert "precision" not in tiny and "mauve" in tiny
    assert "precision_recall is left out" in caplog.text
    with pytest.raises(SettingError, match="no metric 'bleu'"):
        measure(few, many, ["bleu"])
    with pytest.raises(SettingError, match="the texts come without"):
        measure(TextSet(texts[:20]), TextSet(texts), ["mauve"], progress=False)
