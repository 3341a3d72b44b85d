"""A projector begins where least squares put it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_inverters import BACKBONES, tiny_inverter, trainer_for, word_rows
from transformers import AutoModel
from word_embedder import WordEmbedder

from condensers.errors import SettingError
from condensers.inversion.inverter.network import EmbeddingProjector
from condensers.inversion.inverter.projector_start import part_means, start_projector

WORDS = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [4.0, 4.0]])


def test_means_of_parts_by_hand():
    found = part_means(WORDS, [[1, 2, 3], [2]], 2)
    # One and two words of three; one word is in both parts.
    assert found.tolist() == [[[1.0, 0.0], [2.0, 3.0]], [[0.0, 2.0], [0.0, 2.0]]]


@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=9), min_size=1, max_size=6), st.integers(1, 5))
def test_parts_of_a_text_are_of_it_in_its_order(texts, n_parts):
    found = part_means(WORDS, texts, n_parts)
    assert found.shape == (len(texts), n_parts, 2)
    for means, ids in zip(found, texts, strict=True):
        vectors = WORDS[torch.tensor(ids)]
        assert (means >= vectors.min(0).values - 1e-5).all() and (means <= vectors.max(0).values + 1e-5).all()
        if len(ids) % n_parts == 0:
            torch.testing.assert_close(means.mean(0), vectors.mean(0))


def projector_and_rows(n=300):
    torch.manual_seed(0)
    projector = EmbeddingProjector(6, 5, 2)
    projector.reset_parameters()
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(n, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    words = torch.from_numpy(rng.normal(size=(20, 5)).astype(np.float32))
    # What a text says follows from its vector, as far as that goes.
    ids = [
        [int(np.abs(v).argmax()), int(v.argmax()) + 6, *rng.integers(12, 20, int(rng.integers(0, 3)))] for v in vectors
    ]
    return projector, words, vectors, ids


def test_the_fit_is_that_of_numpy():
    projector, words, vectors, ids = projector_and_rows()
    features = projector.features(torch.from_numpy(vectors)).detach().double().numpy()
    wanted = part_means(words, ids, 2).flatten(1).double().numpy()
    shrink = np.sqrt(1e-3 * (features**2).sum(0).mean())
    x = np.vstack([np.c_[features, np.ones(len(features))], np.c_[shrink * np.eye(5), np.zeros(5)]])
    expected = np.linalg.lstsq(x, np.vstack([wanted, np.zeros((5, 10))]), rcond=None)[0]
    share = start_projector(projector, words, vectors, ids)
    np.testing.assert_allclose(projector.down.weight.detach().numpy(), expected[:-1].T, atol=1e-5)
    np.testing.assert_allclose(projector.down.bias.detach().numpy(), expected[-1], atol=1e-5)
    left = ((wanted - x[: len(wanted)] @ expected) ** 2).sum() / ((wanted - wanted.mean(0)) ** 2).sum()
    assert share == pytest.approx(1 - left, abs=1e-6) and share > 0.05


@pytest.mark.parametrize("backbone", BACKBONES)
def test_it_reads_more_like_the_text_than_a_random_one(backbone, tmp_path):
    def cosine(start):
        model = tiny_inverter(backbone, num_virtual_tokens=1)
        trainer_for(model, tmp_path, word_rows(200), projector_start=start)
        assert not model.is_untrained or start == "random"
        texts = word_rows(50, seed=3)["text"][:]
        tokens = model.projector(torch.from_numpy(WordEmbedder().encode(texts)))[:, 0]
        means = part_means(
            model.backbone.get_input_embeddings().weight, [ids[:-1] for ids in model.label_ids(texts)], 1
        )[:, 0]
        return torch.cosine_similarity(tokens, means).mean().item()

    assert cosine("least_squares") > cosine("random") + 0.3


def test_a_model_that_was_trained_goes_on_from_there(tmp_path):
    trainer_for(tiny_inverter(), tmp_path, word_rows(), max_steps=1).save_model(str(tmp_path / "saved"))
    loaded = AutoModel.from_pretrained(tmp_path / "saved")
    before = loaded.projector.down.weight.clone()
    trainer_for(loaded, tmp_path, word_rows(seed=5))
    assert not loaded.is_untrained and loaded.projector.down.weight.equal(before)


def test_an_unknown_start(tmp_path):
    with pytest.raises(SettingError, match="'least_squares' or 'random'; got 'best'"):
        trainer_for(tiny_inverter(), tmp_path, word_rows(), projector_start="best")
