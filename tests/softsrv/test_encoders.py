"""Equations 1 to 3."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tiny_adapters import PARAMETERIZATIONS, contexts, encoder_of, tiny_adapter, tiny_config

from condensers.softsrv.encoders import make_encoder

VECTORS = arrays(np.float32, (3, 4), elements=st.floats(-2, 2, width=32))


def made(parameterization, *, seed=0, hidden_size=5, **changes):
    config = tiny_config(parameterization, context_dim=4, **changes)
    encoder = make_encoder(config, hidden_size)
    torch.manual_seed(seed)
    encoder.reset_parameters(torch.randn(encoder.n_sets, config.num_virtual_tokens, hidden_size), 1.0)
    return encoder


def n_weights(encoder):
    return sum(weight.numel() for weight in encoder.parameters())


def test_parameter_counts_are_those_of_the_formulas():
    t, d, d_e, h, n_layers, k = 7, 5, 4, 6, 4, 3
    changes = {"num_virtual_tokens": t, "mlp_hidden_size": h, "mlp_num_layers": n_layers, "num_bases": k}
    assert n_weights(made("static", **changes)) == d * t
    assert n_weights(made("mixture", **changes)) == k * d * t + k * (d_e + 1)
    mlp = (d_e + 1) * h + (n_layers - 2) * (h + 1) * h + (h + 1) * d
    assert n_weights(made("mlp", **changes)) == t * mlp


def test_the_papers_mlp_has_three_layers_of_128():
    from condensers import SoftSRVConfig

    encoder = make_encoder(SoftSRVConfig(), 576)
    assert [tuple(layer.weight.shape) for layer in encoder.layers] == [
        (128, 384, 128),
        (128, 128, 128),
        (128, 128, 576),
    ]


def test_equation_1_by_hand():
    encoder = made("static", num_virtual_tokens=2, hidden_size=2)
    encoder.tokens.data = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert encoder(contexts(2, dim=4)).tolist() == [[[1, 2], [3, 4]]] * 2


def test_equation_2_by_hand():
    encoder = made("mixture", num_virtual_tokens=1, hidden_size=2, temperature=2.0)
    encoder.bases.data = torch.tensor([[[1.0, 0.0]], [[0.0, 8.0]]])
    encoder.mixer.weight.data = torch.tensor([[2 * math.log(3), 0, 0, 0], [0, 0, 0, 0]])
    encoder.mixer.bias.data = torch.zeros(2)
    context = torch.tensor([[1.0, 5, 5, 5], [0.0, 5, 5, 5]])
    # Logits (log 3, 0) after the temperature: weights 3/4 and 1/4.
    torch.testing.assert_close(encoder.weights(context), torch.tensor([[0.75, 0.25], [0.5, 0.5]]))
    torch.testing.assert_close(encoder(context), torch.tensor([[[0.75, 2.0]], [[0.5, 4.0]]]))


def test_equation_3_by_hand():
    encoder = made("mlp", num_virtual_tokens=2, hidden_size=1, mlp_hidden_size=1, mlp_num_layers=2)
    first, last = encoder.layers
    # F_1(z) = 3 relu(z_1 + z_2 - 1) + 1 and F_2(z) = 5 relu(-z_1) + 2
    first.weight.data = torch.tensor([[[1.0], [1], [0], [0]], [[-1.0], [0], [0], [0]]])
    first.bias.data = torch.tensor([[[-1.0]], [[0.0]]])
    last.weight.data = torch.tensor([[[3.0]], [[5.0]]])
    last.bias.data = torch.tensor([[[1.0]], [[2.0]]])
    context = torch.tensor([[2.0, 3, 9, 9], [-4.0, 1, 9, 9]])
    assert encoder(context).tolist() == [[[13], [2]], [[1], [22]]]


def test_each_virtual_token_has_an_mlp_of_its_own():
    """Against the same maps as separate `nn.Linear`."""
    encoder = made("mlp", num_virtual_tokens=3, mlp_num_layers=3)
    context = contexts(6, dim=4)
    columns = []
    for token in range(3):
        rows = context
        for number, layer in enumerate(encoder.layers):
            rows = torch.relu(rows) if number else rows
            rows = torch.nn.functional.linear(rows, layer.weight[token].T, layer.bias[token, 0])
        columns.append(rows)
    torch.testing.assert_close(encoder(context), torch.stack(columns, dim=1))


@given(VECTORS, st.floats(0.05, 20))
@settings(max_examples=30, deadline=None)
def test_mixture_weights_sum_to_one_and_stay_within_the_bases(vectors, temperature):
    encoder = made("mixture", num_bases=3, temperature=temperature)
    context = torch.from_numpy(vectors)
    weights, tokens = encoder.weights(context), encoder(context)
    torch.testing.assert_close(weights.sum(1), torch.ones(3))
    assert (weights >= 0).all()
    low, high = encoder.bases.amin(0), encoder.bases.amax(0)
    assert (tokens >= low - 1e-5).all() and (tokens <= high + 1e-5).all()


@given(VECTORS)
@settings(max_examples=20, deadline=None)
def test_static_ignores_the_context_and_the_others_heed_each_row_alone(vectors):
    context = torch.from_numpy(vectors)
    static = made("static")
    assert static(context).equal(static(torch.zeros(3, 4)))
    for name in ("mixture", "mlp"):
        encoder = made(name)
        alone = torch.cat([encoder(row[None]) for row in context])
        torch.testing.assert_close(encoder(context), alone, rtol=1e-4, atol=1e-5)


def test_temperature_goes_from_a_choice_to_the_mean():
    context = contexts(5, dim=4)
    cold, hot = made("mixture", temperature=1e-4), made("mixture", temperature=1e4)
    chosen = cold.mixer(context).argmax(1)
    torch.testing.assert_close(cold(context), cold.bases[chosen])
    torch.testing.assert_close(hot(context), hot.bases.mean(0).expand(5, -1, -1), atol=1e-3, rtol=0)


@pytest.mark.parametrize("parameterization", PARAMETERIZATIONS)
def test_gradients_are_those_of_finite_differences(parameterization):
    encoder = made(parameterization, num_virtual_tokens=2, hidden_size=3).double()
    context = contexts(2, dim=4).double()
    names = [name for name, _ in encoder.named_parameters()]

    def output(*weights):
        return torch.func.functional_call(encoder, dict(zip(names, weights, strict=True)), (context,))

    assert torch.autograd.gradcheck(output, tuple(encoder.parameters()))


@pytest.mark.parametrize("parameterization", PARAMETERIZATIONS)
@pytest.mark.parametrize("from_vocabulary", [True, False])
def test_virtual_tokens_begin_at_the_size_of_word_vectors(parameterization, from_vocabulary):
    changes = {"num_virtual_tokens": 20, "mlp_hidden_size": 64, "init_from_vocabulary": from_vocabulary}
    model = tiny_adapter(parameterization, **changes)
    words = model.get_input_embeddings().weight
    tokens = encoder_of(model)(contexts(50))
    ratio = tokens.square().mean().sqrt() / words.square().mean().sqrt()
    # A mixture of independent vectors is smaller than they are, a sum of bias and context larger.
    assert 0.5 < ratio < 2
    if parameterization == "static":
        is_word = (tokens[0].unsqueeze(1) == words).all(2).any(1)
        assert is_word.all() if from_vocabulary else not is_word.any()
