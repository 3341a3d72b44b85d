"""A language model that writes by class, and its two trainings."""

import numpy as np
import pytest
import torch
from tiny_classifiers import tiny_model, tiny_tokenizer
from tiny_language_models import tiny_lm, tiny_lm_tokenizer

from condensers.methods.matching import ClassWriter, MatchedClassifier, Trajectory, fit_writer, match_writer


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lm")
    tiny_lm().save_pretrained(folder)
    tiny_lm_tokenizer().save_pretrained(folder)
    return str(folder)


@pytest.fixture
def writer(folder):
    return ClassWriter.from_language_model(folder, 2, max_length=6)


def test_a_loss_is_that_of_the_model_and_padding_does_not_change_it(writer):
    tokenizer = writer.processing_class
    ids = torch.tensor([tokenizer.convert_tokens_to_ids(["<|class_1|>", "iron", "tin", "</s>"])])
    expected = writer.model(input_ids=ids, labels=ids).loss
    alone = writer.losses(["iron tin"], [1])
    beside = writer.losses(["iron tin", "tin zinc lead gold iron"], [1, 0])
    torch.testing.assert_close(alone[0], expected)
    torch.testing.assert_close(beside[0], alone[0])


def test_classes_begin_alike_and_are_told_apart_by_training(writer, tmp_path):
    texts, codes = ["apple pear", "iron tin"] * 4, np.array([0, 1] * 4)
    before = writer.losses(["iron tin", "iron tin"], [0, 1]).detach()
    torch.testing.assert_close(before[0], before[1])
    fit_writer(writer, texts, codes, tmp_path, n_steps=60, learning_rate=1e-2, batch_size=8, seed=0)
    after = writer.losses(["iron tin", "iron tin"], [0, 1]).detach()
    assert after[1] < 0.1 and after[0] > 1
    written = writer.write(1, 20, seed=0, top_p=0.5, batch_size=8)
    assert len(written) == 20
    assert written.count("iron tin") > 15
    assert written == writer.write(1, 20, seed=0, top_p=0.5, batch_size=8)


def test_it_is_saved_as_transformers_does(writer, tmp_path):
    writer.save_pretrained(tmp_path)
    again = ClassWriter.from_pretrained(tmp_path, max_length=6)
    torch.testing.assert_close(again.losses(["iron"], [1]), writer.losses(["iron"], [1]))


def test_a_text_that_is_cut_has_no_end(folder):
    short = ClassWriter.from_language_model(folder, 2, max_length=1)
    torch.testing.assert_close(short.losses(["iron"], [0]), short.losses(["iron tin"], [0]))


@pytest.fixture
def classifier(tmp_path):
    tiny_model(names=2).save_pretrained(tmp_path / "classifier")
    tiny_tokenizer().save_pretrained(tmp_path / "classifier")
    return MatchedClassifier(str(tmp_path / "classifier"), 2)


def test_what_pulls_as_the_source_does_becomes_likelier(writer, classifier, tmp_path):
    rows = [("apple apple pear",), ("gold gold iron",)]
    codes = np.array([0, 1])
    trajectory = Trajectory(
        classifier, rows, codes, {0: np.array([0]), 1: np.array([1])}, inner_steps=1, classifier_steps=0
    )
    good = {0: "apple apple pear", 1: "gold gold iron"}

    def draw(code, n, step):
        texts = [good[code], good[1 - code]] * n
        return [(text, (text,)) for text in texts[:n]]

    def lead():
        losses = writer.losses([good[0], good[1], good[1], good[0]], [0, 0, 1, 1]).detach()
        return float(losses[1] - losses[0]), float(losses[3] - losses[2])

    before = lead()
    settings = {"n_steps": 40, "learning_rate": 3e-3, "batch_size": 2, "refresh_steps": 10, "temperature": 1.0}
    distances = match_writer(writer, trajectory, draw, tmp_path, distance="cosine", seed=0, **settings)
    after = lead()
    assert after[0] > before[0] + 0.5 and after[1] > before[1] + 0.5
    assert np.mean(distances[-5:]) < np.mean(distances[:5])
