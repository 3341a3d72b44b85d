"""Rows that began as embeddings."""

import itertools

import datasets
import numpy as np
import pytest
from datasets import Dataset
from tiny_classifiers import tiny_model, tiny_tokenizer
from word_embedder import WordEmbedder

from condensers import AutoCondenser, DiscretizationCondenser
from condensers.errors import ColumnError, SettingError
from condensers.methods import PROVENANCE
from condensers.methods import discretization as method
from condensers.methods.matching import Trajectory, checkpoint


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Classifiers of two and three classes."""
    found = {}
    for n_classes in (2, 3):
        folder = tmp_path_factory.mktemp(f"classifier{n_classes}")
        tiny_model(names=n_classes).save_pretrained(folder)
        tiny_tokenizer().save_pretrained(folder)
        found[n_classes] = str(folder)
    return found


@pytest.fixture
def make(folders):
    def made(n_classes=3, **settings):
        given = {"classifier": folders[n_classes], "matching_steps": 30, "matching_rate": 0.1, "num_teachers": 6}
        given |= {"inner_steps": 5, "classifier_steps": 1, "classifier_batch_size": 8, "max_length": 12}
        return DiscretizationCondenser(embedder=WordEmbedder(), **given | settings)

    return made


@pytest.mark.parametrize("initialization", ["noise", "rows"])
def test_rows_of_each_class_and_where_they_began(make, dataset, initialization):
    condenser = make(initialization=initialization)
    small = condenser.condense(dataset, per_class=2)
    assert small["label"][:] == [0, 0, 1, 1, 2, 2]
    assert small.column_names == [*dataset.column_names, *PROVENANCE]
    assert small["id"][:] == [None] * 6
    parents = [dataset[i] for (i,) in small["condensed_parents"][:]]
    assert [row["label"] for row in parents] == small["label"][:]
    assert small["text"][:] != [row["text"] for row in parents]
    assert not condenser.run_.keeps_rows
    lengths = [len(text.split()) for text in small["text"][:]]
    assert set(lengths) <= {len(text.split()) for text in dataset["text"][:]}
    if initialization == "rows":
        assert lengths == [len(row["text"].split()) for row in parents]


def test_without_a_step_rows_are_those_they_began_as_and_noise_is_none(make, dataset):
    still = {"matching_steps": 1, "matching_rate": 1e-9, "per_class": 2}
    rows = make(initialization="rows", **still).condense(dataset)
    assert rows["text"][:] == [dataset[i]["text"].lower() for (i,) in rows["condensed_parents"][:]]
    noise = [make(seed=seed, **still).condense(dataset)["text"][:] for seed in (0, 0, 1)]
    assert noise[0] == noise[1] != noise[2]
    assert not set(noise[0]) & {text.lower() for text in dataset["text"][:]}


def test_killed_it_goes_on_and_gives_the_same_rows(make, dataset, tmp_path, monkeypatch):
    def condense(cache):
        monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / cache)
        condenser = make(classifier_steps=2)
        return condenser.condense(dataset, per_class=2).to_dict(), condenser.run_.stages

    count, gradient = itertools.count(1), Trajectory.real_gradient
    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)

    def counted(self, code):
        if next(count) == 3 * 12 + 1:
            raise KeyboardInterrupt
        return gradient(self, code)

    monkeypatch.setattr(Trajectory, "real_gradient", counted)
    with pytest.raises(KeyboardInterrupt):
        condense("killed")
    resumed = condense("killed")
    # Of 30 steps for three classes 12 were done, and 10 of them saved.
    assert next(count) - 1 == 3 * (12 + 20) + 1
    assert resumed == condense("whole")
    assert not list((tmp_path / "killed").rglob("tensors.safetensors"))


def test_the_gradients_come_closer(make, dataset):
    condenser = make(classifier_steps=0, inner_steps=60, matching_steps=60)
    condenser.condense(dataset, per_class=2)
    distances = condenser.run_.stages["matching"]["distances"]
    assert np.mean(distances[-5:]) < 0.7 * distances[0]


def test_saved_and_loaded_it_gives_the_same_rows_without_another_fit(make, dataset, tmp_path, monkeypatch):
    dataset.to_parquet(tmp_path / "rows.parquet")
    condenser = make(per_class=2, seed=3, gradient_distance="l2")
    rows = condenser.condense(tmp_path / "rows.parquet")
    condenser.save_pretrained(tmp_path / "saved")
    monkeypatch.setattr(method, "discretise", None)
    again = AutoCondenser.from_pretrained(tmp_path / "saved", embedder=WordEmbedder())
    assert again.condense().to_dict() == rows.to_dict()


def test_pairs_stay_pairs(make, pairs):
    small = make(2).condense(pairs, per_class=2)
    assert all(text.strip() for name in ("premise", "hypothesis") for text in small[name][:])
    assert small["label"][:] == [0, 0, 1, 1]


def test_rows_that_no_classifier_can_be_trained_on(make, dataset):
    with pytest.raises(ColumnError, match="these rows have no labels"):
        make().condense(dataset, label=None, total=2)
    three = Dataset.from_dict({"a": ["x", "y"], "b": ["x", "y"], "c": ["x", "y"], "label": [0, 1]})
    with pytest.raises(SettingError, match="got 3 text columns, a, b, c"):
        make(2).condense(three, text=("a", "b", "c"), per_class=1)


@pytest.mark.parametrize(
    "wrong", [{"matching_steps": 0}, {"matching_rate": 0}, {"gradient_distance": "l1"}, {"initialization": "zeros"}]
)
def test_settings_out_of_range(make, wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        make(**wrong)
