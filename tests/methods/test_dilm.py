"""Rows that a language model was trained to write."""

import itertools

import datasets
import pytest
from tiny_classifiers import tiny_model, tiny_tokenizer
from tiny_language_models import tiny_lm, tiny_lm_tokenizer
from word_embedder import WordEmbedder

from condensers import AutoCondenser, DiLMCondenser
from condensers.errors import BudgetError, ColumnError, SettingError
from condensers.methods import PROVENANCE
from condensers.methods import dilm as method
from condensers.methods.matching import ClassWriter, checkpoint


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    classifier, generator = tmp_path_factory.mktemp("classifier"), tmp_path_factory.mktemp("generator")
    tiny_model(names=3).save_pretrained(classifier)
    tiny_tokenizer().save_pretrained(classifier)
    tiny_lm().save_pretrained(generator)
    tiny_lm_tokenizer().save_pretrained(generator)
    return {"classifier": str(classifier), "generator": str(generator)}


@pytest.fixture
def make(models):
    def made(**settings):
        given = {"training_steps": 30, "training_rate": 1e-2, "train_batch_size": 8, "oversampling": 4}
        given |= {"matching_steps": 4, "matching_rate": 1e-3, "match_batch_size": 4, "refresh_steps": 2}
        given |= {"num_teachers": 4, "inner_steps": 2, "classifier_steps": 1, "classifier_batch_size": 4}
        return DiLMCondenser(embedder=WordEmbedder(), **models | given | {"max_length": 8} | settings)

    return made


@pytest.fixture
def fits(monkeypatch):
    """Collects the trainings that are run."""
    found = []

    def count(name):
        run = getattr(method, name)

        def counted(*args, **kwargs):
            found.append(name)
            return run(*args, **kwargs)

        monkeypatch.setattr(method, name, counted)

    count("fit_writer")
    count("match_writer")
    return found


def test_new_rows_of_each_class(make, dataset):
    condenser = make()
    small = condenser.condense(dataset, per_class=2)
    assert small["label"][:] == [0, 0, 1, 1, 2, 2]
    assert small.column_names == [*dataset.column_names, *PROVENANCE]
    assert len(set(small["text"][:])) == 6
    assert not set(small["text"][:]) & set(dataset["text"][:])
    assert len(condenser.run_.stages["matching"]["distances"]) == 4
    assert not condenser.run_.keeps_rows


def test_one_training_serves_other_budgets_and_seeds_and_is_saved(make, dataset, tmp_path, fits):
    dataset.to_parquet(tmp_path / "rows.parquet")
    condenser = make(per_class=2)
    rows = condenser.condense(tmp_path / "rows.parquet")
    assert condenser.condense(per_class=1, seed=1)["text"][:] != rows["text"][:]
    assert fits == ["fit_writer", "match_writer"]
    condenser.save_pretrained(tmp_path / "saved")
    assert (tmp_path / "saved" / "generator" / "model.safetensors").is_file()
    again = AutoCondenser.from_pretrained(tmp_path / "saved", embedder=WordEmbedder())
    assert again.condense(per_class=2, seed=0).to_dict() == rows.to_dict()
    assert fits == ["fit_writer", "match_writer"]


@pytest.mark.parametrize(
    ("n_losses", "n_lost"),
    [pytest.param(20, 0, id="while it learns to write"), pytest.param(30 + 3 * 3 + 1, 3, id="while it is matched")],
)
def test_killed_it_goes_on_and_gives_the_same_rows(make, dataset, tmp_path, monkeypatch, fits, n_losses, n_lost):
    def condense(cache):
        monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / cache)
        condenser = make(refresh_steps=4)
        return condenser.condense(dataset, per_class=1).to_dict(), condenser.run_.stages

    count, losses = itertools.count(1), ClassWriter.losses
    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)

    def counted(self, *args):
        if next(count) == n_losses:
            raise KeyboardInterrupt
        return losses(self, *args)

    monkeypatch.setattr(ClassWriter, "losses", counted)
    with pytest.raises(KeyboardInterrupt):
        condense("killed")
    resumed = condense("killed")
    # The call that was cut off, and the steps since the last checkpoint.
    assert next(count) - 1 == 30 + 4 * 3 + 1 + n_lost
    assert resumed == condense("whole")
    assert fits.count("fit_writer") == (3 if n_losses < 30 else 2)
    assert not list((tmp_path / "killed").rglob("tensors.safetensors"))


def test_a_model_that_writes_nothing_of_use(make, dataset, monkeypatch):
    monkeypatch.setattr(ClassWriter, "write", lambda self, code, n, **_: [" "] * n)
    with pytest.raises(BudgetError, match="'fruit' the language model wrote 0 usable texts in 10 attempts, and 8"):
        make().condense(dataset, per_class=1)


def test_rows_without_labels(make, dataset):
    with pytest.raises(ColumnError, match="'dilm' trains a classifier"):
        make().condense(dataset, label=None, total=2)


@pytest.mark.parametrize("wrong", [{"training_steps": 0}, {"loss_temperature": 0}, {"top_p": 1.5}])
def test_settings_out_of_range(make, wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        make(**wrong)
