"""The arithmetic of gradient matching."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_classifiers import tiny_model, tiny_tokenizer
from torch.nn import functional

from condensers.errors import SettingError
from condensers.methods.matching import MatchedClassifier, gradient_distance, last_layer_gradient, loss_weights
from condensers.methods.matching.discretised import nearest_tokens


def test_the_gradient_of_a_last_layer_by_hand():
    # p = (3/4, 1/4), class 0: errors (-1/4, 1/4) times (2, 1), and of the bias the errors themselves.
    logits = torch.tensor([[float(np.log(3)), 0.0]])
    found = last_layer_gradient(torch.tensor([[2.0, 1.0]]), logits, torch.tensor([0]))
    torch.testing.assert_close(found, torch.tensor([[-0.5, -0.25, -0.25], [0.5, 0.25, 0.25]]))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_the_gradient_of_a_last_layer_is_that_of_backpropagation(seed):
    generator = torch.Generator().manual_seed(seed)
    layer = torch.nn.Linear(5, 3)
    inputs, weights = torch.randn(7, 5, generator=generator), torch.rand(7, generator=generator)
    codes = torch.randint(3, (7,), generator=generator)
    losses = functional.cross_entropy(layer(inputs), codes, reduction="none")
    for given_weights, loss in ((None, losses.mean()), (weights, losses @ weights)):
        slopes, bias = torch.autograd.grad(loss, [layer.weight, layer.bias], retain_graph=True)
        found = last_layer_gradient(inputs, layer(inputs), codes, given_weights)
        torch.testing.assert_close(found, torch.cat([slopes, bias[:, None]], dim=1))


def test_distances_by_hand():
    real, other = torch.tensor([[1.0, 0.0]]), torch.tensor([[3.0, 4.0]])
    assert float(gradient_distance(real, other, "cosine")) == pytest.approx(0.4)
    assert float(gradient_distance(real, other, "l2")) == pytest.approx(20.0)
    assert float(gradient_distance(real, 7 * real, "cosine")) == pytest.approx(0.0)


def test_likelier_texts_weigh_more():
    losses = torch.tensor([0.0, float(np.log(3))])
    torch.testing.assert_close(loss_weights(losses, 1.0), torch.tensor([0.75, 0.25]))
    torch.testing.assert_close(loss_weights(losses, 0.5), torch.tensor([0.9, 0.1]))
    torch.testing.assert_close(loss_weights(losses + 5, 1.0), loss_weights(losses, 1.0))


def test_the_nearest_token_is_no_special_one():
    table = torch.tensor([[0.0, 0.0], [1.0, 0.0], [5.0, 5.0]])
    vectors = torch.tensor([[0.1, 0.0], [4.0, 4.0], [0.9, 0.1]])
    assert nearest_tokens(vectors, table, torch.tensor([0])).tolist() == [1, 2, 1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classifier")
    tiny_model(names=2).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return str(folder)


def test_a_classifier_that_begins_anew_has_its_first_encoder_and_another_head(folder):
    classifier = MatchedClassifier(folder, 2, seed=1)
    inputs = classifier.encode([("apple pear",), ("iron",)])
    seen, logits = classifier.look(inputs)
    classifier.learn(inputs, torch.tensor([0, 1]))
    assert not torch.equal(classifier.look(inputs)[0], seen)
    classifier.restart(1, 1)
    torch.testing.assert_close(classifier.look(inputs)[0], seen)
    torch.testing.assert_close(classifier.look(inputs)[1], logits)
    classifier.restart(2, 1)
    torch.testing.assert_close(classifier.look(inputs)[0], seen)
    assert not torch.allclose(classifier.look(inputs)[1], logits)


def test_a_classifier_with_another_number_of_classes(folder):
    with pytest.raises(SettingError, match="does not have the 3 classes"):
        MatchedClassifier(folder, 3)
