import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional
from transformers.trainer_pt_utils import LabelSmoother

from condensers.errors import RowError, SettingError
from condensers.trainers.importance_weights import (
    check_log_probs,
    check_max_weight,
    importance_weights,
    row_cross_entropy,
    self_normalized,
)


def log(*probabilities):
    return torch.tensor(probabilities, dtype=torch.float64).log()


def test_imp_loss_by_hand():
    """Eq. 6 on two rows: P' = 0.8, 0.1; Q = 0.5, 0.4; the model says 0.5 and 0.25."""
    weights = importance_weights(log(0.8, 0.1), log(0.5, 0.4))
    torch.testing.assert_close(weights, torch.tensor([1.6, 0.25]))
    logits = torch.tensor([[0.0, 0.0], [math.log(3.0), 0.0]])
    losses = row_cross_entropy(logits, torch.tensor([0, 1]))
    expected = (1.6 * math.log(2) + 0.25 * math.log(4)) / 2
    assert losses.total(2, weights).item() == pytest.approx(expected, rel=1e-6)


def test_dimp_loss_by_hand():
    """Eq. 9 on the same rows: the weights are 0.8 / 0.5 and 0.1 / 0.25."""
    logits = torch.tensor([[0.0, 0.0], [math.log(3.0), 0.0]])
    losses = row_cross_entropy(logits, torch.tensor([0, 1]))
    weights = importance_weights(log(0.8, 0.1), losses.log_probs)
    expected = (1.6 * math.log(2) + 0.4 * math.log(4)) / 2
    assert losses.total(2, weights).item() == pytest.approx(expected, rel=1e-6)


def test_weights_carry_no_gradient_and_are_float32():
    live = torch.randn(4, dtype=torch.bfloat16, requires_grad=True)
    weights = importance_weights(torch.full((4,), -1.0, requires_grad=True), live)
    assert not weights.requires_grad
    assert weights.dtype == torch.float32


def test_tiny_probabilities_do_not_vanish():
    # Both are zero as float32 probabilities; their ratio is not.
    weights = importance_weights(torch.tensor([-200.0]), torch.tensor([-201.0]))
    assert weights.item() == pytest.approx(math.e, rel=1e-5)


def test_a_huge_ratio_stays_finite_and_a_zero_numerator_is_zero():
    weights = importance_weights(torch.tensor([0.0, -math.inf]), torch.tensor([-500.0, -1.0]))
    assert torch.isfinite(weights).all()
    assert weights[0] > 1e30
    assert weights[1] == 0


def test_max_weight_clips():
    weights = importance_weights(log(0.9, 0.2, 0.1), log(0.1, 0.1, 0.1), max_weight=2.0)
    torch.testing.assert_close(weights, torch.tensor([2.0, 2.0, 1.0]))


def test_self_normalized_weights_sum_to_their_number():
    torch.testing.assert_close(self_normalized(torch.tensor([1.0, 3.0])), torch.tensor([0.5, 1.5]))
    assert self_normalized(torch.zeros(3)).tolist() == [0, 0, 0]


@given(
    st.lists(
        st.tuples(st.floats(1e-6, 1.0), st.floats(1e-6, 1.0)),
        min_size=1,
        max_size=20,
    )
)
def test_lower_bound(pairs):
    """Eq. 10: N L >= -2 sum P' log p + max P' sum p log p, and max P' <= 1 gives the printed form."""
    quality, live = torch.tensor(pairs, dtype=torch.float64).T
    logits = torch.stack([live.log(), torch.log1p(-live.clamp(max=1 - 1e-12))], dim=1)
    losses = row_cross_entropy(logits, torch.zeros(len(pairs), dtype=torch.long))
    weights = importance_weights(quality.log(), losses.log_probs)
    loss = losses.total(len(pairs), weights).item()
    distilled = -2 * (quality * live.log()).mean().item()
    entropy = (live * live.log()).mean().item()
    assert loss >= distilled + entropy - 1e-4 * max(1.0, abs(loss))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_without_weights_it_is_torchs_and_trainers_cross_entropy(smoothing):
    torch.manual_seed(0)
    logits, labels = torch.randn(6, 4), torch.tensor([0, 3, -100, 2, 1, 1])
    loss = row_cross_entropy(logits, labels, smoothing).total(5)
    torch.testing.assert_close(loss, LabelSmoother(smoothing)({"logits": logits}, labels), rtol=1e-6, atol=0)
    torch.testing.assert_close(loss, functional.cross_entropy(logits, labels, label_smoothing=smoothing))


def test_bf16_logits_are_lifted_before_the_softmax():
    logits = torch.tensor([[8.0, 0.01], [0.0, 9.0]], dtype=torch.bfloat16)
    losses = row_cross_entropy(logits, torch.tensor([0, 1]))
    exact = -torch.log_softmax(logits.double(), -1)[range(2), range(2)]
    torch.testing.assert_close(losses.label.double(), exact, rtol=1e-4, atol=1e-7)
    assert losses.label.dtype == torch.float32


def test_good_log_probs():
    check_log_probs(np.array([-np.inf, -0.5, 0.0]), "q")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([-1.0, 0.5], r"1 of 2 numbers in column 'q' are no log-probabilities \(the first is row 1, value 0.5\)"),
        ([math.nan, -1.0], "the first is row 0, value nan"),
        ([-math.inf, -math.inf], "all 2 probabilities in column 'q' are zero"),
    ],
)
def test_bad_log_probs(values, message):
    with pytest.raises(RowError, match=message):
        check_log_probs(np.array(values), "q")


@pytest.mark.parametrize("limit", [0.0, -1.0, math.nan, math.inf])
def test_bad_limits(limit):
    with pytest.raises(SettingError, match="`max_weight` must be a number above 0"):
        check_max_weight(limit)
