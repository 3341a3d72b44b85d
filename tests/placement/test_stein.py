import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from condensers.errors import RowError, SettingError
from condensers.placement import kernel_stein_discrepancy, stein
from condensers.placement.stein import median_bandwidth, pairwise_squares, stein_direction


def by_loops(x, scores, h):
    """Eq. 2 of PInR, literally."""
    x, scores = x.astype(np.float64), scores.astype(np.float64)
    out = np.zeros_like(x)
    for j in range(len(x)):
        for i in range(len(x)):
            kernel = math.exp(-((x[i] - x[j]) ** 2).sum() / h)
            out[j] += kernel * scores[i] - 2.0 / h * (x[i] - x[j]) * kernel
    return out / len(x)


def cloud(m=20, dim=3, seed=0):
    return np.random.default_rng(seed).normal(size=(m, dim)).astype(np.float32)


def test_direction_by_hand():
    # Two particles at distance 2, h = 4: k = exp(-1).
    x = torch.tensor([[-1.0], [1.0]])
    k = math.exp(-1.0)
    expected = 0.5 * ((1 - k) * 1.0 - k)
    found = stein_direction(x, -x, 4.0)
    np.testing.assert_allclose(found, [[expected], [-expected]], atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(m=st.integers(1, 12), dim=st.integers(1, 6), h=st.floats(0.2, 20), shift=st.floats(-20, 20))
def test_direction_is_equation_2_wherever_the_particles_are(m, dim, h, shift):
    x, scores = cloud(m, dim), cloud(m, dim, seed=1)
    found = stein_direction(torch.from_numpy(x + np.float32(shift)), torch.from_numpy(scores), h)
    np.testing.assert_allclose(found, by_loops(x, scores, h), atol=5e-5)


def test_blocks_do_not_change_the_result(monkeypatch):
    x, scores = torch.from_numpy(cloud(300)), torch.from_numpy(cloud(300, seed=1))
    whole = stein_direction(x, scores, 2.0), kernel_stein_discrepancy(x.numpy(), scores.numpy(), 2.0)
    monkeypatch.setattr(stein, "_CELLS", 1)
    np.testing.assert_allclose(stein_direction(x, scores, 2.0), whole[0], atol=1e-6)
    assert kernel_stein_discrepancy(x.numpy(), scores.numpy(), 2.0) == pytest.approx(whole[1], rel=1e-5)


def test_a_particle_alone_follows_its_score():
    x, scores = torch.tensor([[3.0, -1.0]]), torch.tensor([[0.5, 2.0]])
    np.testing.assert_allclose(stein_direction(x, scores, 1.0), scores)


def test_discrepancy_is_the_norm_of_the_direction():
    """For the functions of the kernel: <phi, phi> = 1/m^2 sum_ij u(x_i, x_j), by derivatives taken by torch."""
    x, scores, h = torch.from_numpy(cloud(8)).double(), torch.from_numpy(cloud(8, seed=1)).double(), 2.5

    def kernel(a, b):
        return torch.exp(-(a - b).square().sum() / h)

    total = 0.0
    for i in range(8):
        for j in range(8):
            a, b = x[i].clone().requires_grad_(), x[j].clone().requires_grad_()
            value = kernel(a, b)
            by_a, by_b = torch.autograd.grad(value, (a, b), create_graph=True)
            trace = sum(torch.autograd.grad(by_a[c], b, retain_graph=True)[0][c] for c in range(3))
            total += float((value * scores[i] @ scores[j] + scores[i] @ by_b + scores[j] @ by_a + trace).detach())
    found = kernel_stein_discrepancy(x.numpy(), scores.numpy(), h)
    assert found == pytest.approx(math.sqrt(total) / 8, rel=1e-5)


def test_discrepancy_of_true_samples_vanishes_as_they_grow():
    sizes = {m: kernel_stein_discrepancy(cloud(m, 2), -cloud(m, 2), 2.0) for m in (50, 800)}
    assert sizes[800] < 0.5 * sizes[50]
    assert kernel_stein_discrepancy(cloud(800, 2) + 1, -(cloud(800, 2) + 1), 2.0) > 5 * sizes[800]


def test_bandwidths():
    x = cloud(40)
    squares = ((x[:, None] - x) ** 2).sum(-1)[np.triu_indices(40, 1)]
    # torch takes the lower of the two middle values.
    median = np.sort(squares)[(len(squares) - 1) // 2]
    assert median_bandwidth(torch.from_numpy(x), "median") == pytest.approx(median, rel=1e-5)
    assert median_bandwidth(torch.from_numpy(x), "liu_wang") == pytest.approx(median / math.log(41), rel=1e-5)
    assert median_bandwidth(torch.from_numpy(x), 0.7) == 0.7
    assert median_bandwidth(torch.ones(5, 2), "median") > 0
    assert median_bandwidth(torch.ones(1, 2), "median") > 0
    many = torch.from_numpy(cloud(4000, 4))
    assert median_bandwidth(many, "median") == pytest.approx(float(np.median(pairwise_squares(many, many))), rel=0.05)


def test_bad_input():
    x = cloud()
    with pytest.raises(RowError, match=r"got \(20, 3\) and \(19, 3\)"):
        kernel_stein_discrepancy(x, x[1:])
    with pytest.raises(RowError, match="m at least 1"):
        kernel_stein_discrepancy(x[:0], x[:0])
    with pytest.raises(RowError, match="NaN"):
        kernel_stein_discrepancy(x, np.full_like(x, np.nan))
    with pytest.raises(SettingError, match="`bandwidth` must be above 0; got -1"):
        kernel_stein_discrepancy(x, x, -1.0)
