"""The arithmetic of meta-weighting, against hand-computed cases, double backward and finite differences."""

import pytest
import torch
from tiny_classifiers import tiny_model, tiny_rows, tiny_tokenizer
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from condensers.errors import SettingError
from condensers.trainers.meta_weights import (
    LabelledBatch,
    MetaStep,
    rectified_shares,
    score_slopes,
    softmax_shares,
    updated_scores,
)


class Linear(torch.nn.Module):
    """Two classes, logits (x W), so that gradients can be written down."""

    def __init__(self, n_inputs=2):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(n_inputs, 2))

    def forward(self, x):
        return {"logits": x @ self.weight}


def linear_step(train, clean, **options):
    """Rows are (inputs, label)."""
    model = Linear()
    batches = [
        LabelledBatch({"x": torch.tensor([x for x, _ in rows])}, torch.tensor([label for _, label in rows]))
        for rows in (train, clean)
    ]
    return MetaStep(model, {"weight": model.weight.detach()}, [batches[0]], batches[1], **options)


def bert_step(smoothing=0.0):
    """Two training batches of unlike sizes and one of clean rows, of a tiny BERT."""
    model, tokenizer, rows = tiny_model().eval(), tiny_tokenizer(), tiny_rows(4)

    def batch(positions):
        columns = ("input_ids", "attention_mask", "token_type_ids")
        padded = tokenizer.pad([{name: rows[i][name] for name in columns} for i in positions], return_tensors="pt")
        return LabelledBatch(dict(padded), torch.tensor([rows[i]["label"] for i in positions]))

    parameters = {name: weight.detach() for name, weight in model.named_parameters()}
    return MetaStep(model, parameters, [batch([0, 1, 2]), batch([3, 4])], batch([5, 6, 7, 8]), smoothing)


def clean_loss_after_virtual_step(step, shares, size):
    """F(theta - size * sum of a_i times the gradient of l_i), with a graph all the way to the shares."""
    leaves = {name: weight.clone().requires_grad_() for name, weight in step.parameters.items()}

    def mean_loss(batch, parameters, weights, smoothing):
        logits = functional_call(step.model, parameters, kwargs=dict(batch.inputs))["logits"]
        rows = torch.nn.functional.cross_entropy(logits, batch.labels, reduction="none", label_smoothing=smoothing)
        return (weights * rows).sum()

    parts = shares.split([len(batch.labels) for batch in step.train])
    loss = sum(mean_loss(batch, leaves, part, step.smoothing) for batch, part in zip(step.train, parts, strict=True))
    gradients = torch.autograd.grad(loss, list(leaves.values()), create_graph=True, materialize_grads=True)
    ahead = {name: leaves[name] - size * gradient for name, gradient in zip(leaves, gradients, strict=True)}
    n_clean = len(step.clean.labels)
    return mean_loss(step.clean, ahead, torch.full((n_clean,), 1 / n_clean), 0.0)


@pytest.fixture(autouse=True)
def _math_attention():
    with sdpa_kernel(SDPBackend.MATH):
        yield


def test_a_hand_computed_case():
    """At W = 0 the gradient of a row is x times (1/2 - 1[y = c]); inner products of 2, 1 and -2 times 1/2."""
    train = [([2.0, 0.0], 0), ([1.0, 1.0], 0), ([2.0, 0.0], 1)]
    step = linear_step(train, [([1.0, 0.0], 0)])
    gains = step.gains(step.clean_gradient(step.parameters))
    assert gains.tolist() == pytest.approx([1.0, 0.5, -1.0])
    assert rectified_shares(step).tolist() == pytest.approx([2 / 3, 1 / 3, 0.0])


def test_a_mislabelled_row_gets_no_weight_and_an_unrelated_row_none_either():
    train = [([1.0, 0.0], 0), ([1.0, 0.0], 1), ([0.0, 3.0], 0)]
    assert rectified_shares(linear_step(train, [([2.0, 0.0], 0)])).tolist() == [1.0, 0.0, 0.0]


def test_if_no_row_helps_no_row_counts():
    assert rectified_shares(linear_step([([1.0, 0.0], 1)] * 2, [([1.0, 0.0], 0)])).tolist() == [0.0, 0.0]


def test_a_hand_computed_update_of_scores():
    """Rows of opposite labels cancel in the virtual step, which ends where it started: g is size * (1/2, -1/2)."""
    step = linear_step([([1.0, 0.0], 0), ([1.0, 0.0], 1)], [([1.0, 0.0], 0)])
    slopes = score_slopes(step, torch.zeros(2), virtual_learning_rate=0.1)
    assert slopes.tolist() == pytest.approx([0.5 * 0.05, -0.5 * 0.05])
    before = torch.tensor([1.0, 1.0])
    after = updated_scores(step, before, virtual_learning_rate=0.1, score_learning_rate=3.0, score_retention=0.25)
    assert after.tolist() == pytest.approx([0.25 + 3.0, 0.25 - 3.0])
    assert softmax_shares(after, step.total).tolist() == pytest.approx(torch.softmax(after, 0).tolist())
    still = updated_scores(step, before, virtual_learning_rate=0.0, score_learning_rate=3.0, score_retention=1.0)
    assert still.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_one_forward_derivative_is_the_double_backward_of_ren(smoothing):
    step = bert_step(smoothing)
    zeros = torch.zeros(5, requires_grad=True)
    (slope,) = torch.autograd.grad(clean_loss_after_virtual_step(step, zeros, 0.3), [zeros])
    gains = step.gains(step.clean_gradient(step.parameters))
    torch.testing.assert_close(gains * 0.3, -slope, rtol=1e-4, atol=1e-6)
    assert (gains > 0).any() and (gains < 0).any()
    expected = (-slope).clamp(min=0)
    torch.testing.assert_close(rectified_shares(step), expected / expected.sum(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_one_forward_derivative_is_the_double_backward_of_hu(smoothing):
    """The virtual step is large enough that the clean gradient at its end is another than at its start."""
    step = bert_step(smoothing)
    scores = torch.tensor([0.3, -0.2, 0.0, 1.0, -1.0], requires_grad=True)
    (slope,) = torch.autograd.grad(clean_loss_after_virtual_step(step, torch.softmax(scores, 0), 0.5), [scores])
    ours = score_slopes(step, scores.detach(), virtual_learning_rate=0.5)
    torch.testing.assert_close(ours, -slope, rtol=1e-4, atol=1e-6)
    near = 0.5 * step.gains(step.clean_gradient(step.parameters))
    shares = torch.softmax(scores.detach(), 0)
    assert (shares * (near - (shares * near).sum()) + slope).abs().max() > 1e-3


def test_slopes_of_scores_by_finite_differences():
    step = bert_step()
    scores = torch.tensor([0.3, -0.2, 0.0, 1.0, -1.0])
    ours = score_slopes(step, scores, virtual_learning_rate=0.5)
    for k, change in enumerate(torch.eye(5) * 0.01):
        above, below = (
            clean_loss_after_virtual_step(step, torch.softmax(scores + sign * change, 0), 0.5).item()
            for sign in (1, -1)
        )
        assert -(above - below) / 0.02 == pytest.approx(ours[k].item(), abs=2e-4)


def test_frozen_parameters_are_constants():
    step = bert_step()
    kept = {name: weight for name, weight in step.parameters.items() if name.startswith("classifier")}
    partial = MetaStep(step.model, kept, step.train, step.clean)
    part, whole = partial.clean_gradient(kept), step.clean_gradient(step.parameters)
    assert set(part) == set(kept)
    for name in kept:
        torch.testing.assert_close(part[name], whole[name])


class Opaque(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


def test_a_model_without_forward_derivatives_is_refused():
    class Stuck(Linear):
        def forward(self, x):
            return {"logits": Opaque.apply(x @ self.weight)}

    step = linear_step([([1.0, 0.0], 0)], [([1.0, 0.0], 0)])
    with pytest.raises(SettingError, match="cannot be differentiated forward"):
        rectified_shares(MetaStep(Stuck(), step.parameters, step.train, step.clean))


def test_other_errors_of_the_model_are_left_alone():
    step = linear_step([([1.0, 0.0], 0)], [([1.0, 0.0], 0)])
    with pytest.raises(RuntimeError, match="shapes"):
        rectified_shares(MetaStep(Linear(3), step.parameters | {"weight": torch.zeros(3, 2)}, step.train, step.clean))
