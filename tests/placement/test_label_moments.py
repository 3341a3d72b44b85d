"""The loss of kernel ridge regression on a few points, and its gradient."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from condensers.embedding import vectors
from condensers.placement.label_moments import LabelMoments


def rows(n=40, dim=5, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, dim))
    codes = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)])
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32), codes


def test_the_loss_by_hand():
    # Two points at 1 and -1: the kernel is 2 on the diagonal and 0 beside it, so with a ridge of 2 the inverse is a
    # quarter. Labels are (0.5, -0.5) and (-0.5, 0.5); predictions are a quarter of x, up and down.
    x, codes = np.array([[1], [-1]], np.float32), np.array([0, 1])
    moments = LabelMoments.of(x, codes)
    assert moments.power == 0.5
    assert moments.loss(x, moments.labels(codes), ridge=2.0) == pytest.approx(2 * 0.25**2)
    # Rows at 0.5 are predicted an eighth, and count as much as they would if they were alone in their classes.
    more = LabelMoments.of(np.array([[1], [-1], [0.5], [-0.5]], np.float32), np.array([0, 1, 0, 1]))
    assert more.loss(x, more.labels(codes), ridge=2.0) == pytest.approx((2 * 0.25**2 + 2 * 0.375**2) / 2)


def test_classes_count_the_same_however_many_rows_they_have():
    x, codes = rows()
    again = np.concatenate([np.arange(40), np.flatnonzero(codes == 1)])
    once, twice = LabelMoments.of(x, codes), LabelMoments.of(x[again], codes[again])
    np.testing.assert_allclose(twice.gram, once.gram, atol=1e-12)
    np.testing.assert_allclose(twice.cross, once.cross, atol=1e-12)


@given(st.integers(0, 10_000), st.floats(0.05, 5.0))
@settings(max_examples=20, deadline=None)
def test_the_loss_is_that_of_predicting_every_row(seed, ridge):
    x, codes = rows(seed=seed)
    moments = LabelMoments.of(x, codes)
    z, labels, wanted = x[:7].astype(float), moments.labels(codes[:7]), moments.labels(codes)
    predicted = (x @ z.T + 1) @ np.linalg.solve(z @ z.T + 1 + ridge * np.eye(7), labels)
    weights = 1 / (3 * np.bincount(codes)[codes])
    expected = np.sum(weights[:, None] * (predicted - wanted) ** 2)
    assert moments.loss(z, labels, ridge) == pytest.approx(expected, rel=1e-5)


def test_blocks_give_the_same_moments(monkeypatch):
    x, codes = rows()
    whole = LabelMoments.of(x, codes)
    monkeypatch.setattr(vectors.iter_blocks, "__defaults__", (7,))
    np.testing.assert_allclose(LabelMoments.of(x, codes).gram, whole.gram, atol=1e-12)


def test_codes_need_not_be_consecutive():
    x, codes = rows()
    spread = LabelMoments.of(x, codes * 4 + 1)
    np.testing.assert_array_equal(spread.cross, LabelMoments.of(x, codes).cross)
    np.testing.assert_array_equal(spread.labels([9, 1]), np.eye(3)[[2, 0]] - 1 / 3)


@given(st.integers(0, 10_000), st.floats(0.05, 5.0))
@settings(max_examples=10, deadline=None)
def test_the_gradient_is_that_of_finite_differences(seed, ridge):
    x, codes = rows(dim=3, seed=seed)
    moments = LabelMoments.of(x, codes)
    z, labels = x[:5].astype(float), moments.labels(codes[:5])
    _, gradient = moments.loss_and_gradient(z, labels, ridge)
    for place in np.ndindex(z.shape):
        step = np.zeros_like(z)
        step[place] = 1e-5
        rise = moments.loss(z + step, labels, ridge) - moments.loss(z - step, labels, ridge)
        assert gradient[place] == pytest.approx(rise / 2e-5, abs=1e-6)


def test_regression_on_all_rows_has_the_least_error():
    x, codes = rows()
    moments = LabelMoments.of(x, codes)
    least = moments.error(moments.weights(0.0))
    assert least < moments.loss(x[:7], moments.labels(codes[:7]), 0.1)
    nudged = moments.weights(0.0) + 0.01 * np.random.default_rng(0).normal(size=(6, 3))
    assert moments.error(nudged) > least
