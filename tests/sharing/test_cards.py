"""The cards of all our models: what they say, and that they travel."""

import json

import pytest
from huggingface_hub import HfApi, ModelCard
from peft import PeftModel
from tiny_adapters import tiny_adapter
from tiny_classifiers import tiny_model, tiny_tokenizer
from tiny_inverters import tiny_inverter, trainer_for, word_rows
from tiny_language_models import lm_rows, tiny_lm, tiny_lm_tokenizer
from transformers import AutoModelForCausalLM
from word_embedder import WordEmbedder

from condensers.inversion.inverter import InverterCorrector
from condensers.rewards import EmbeddingProbe, LabelConfidence
from condensers.sharing import push_saved
from condensers.softsrv.trainer import SoftSRVTrainer
from condensers.softsrv.training_config import SoftSRVTrainingConfig


def classifier():
    return LabelConfidence.from_classifier(tiny_model(), processing_class=tiny_tokenizer())


def probe(rows):
    return EmbeddingProbe(WordEmbedder()).fit(rows, text=["text"], label="label")


def adapter_in(folder, base):
    base.save_pretrained(folder)
    return tiny_adapter(base=AutoModelForCausalLM.from_pretrained(folder))


def test_each_card_says_what_the_model_belongs_to_and_how_to_load_it(tmp_path, dataset):
    inverter = tiny_inverter()
    fingerprint = WordEmbedder().fingerprint
    said = {
        "inverter": (inverter, ["An inverter for `words`", fingerprint, "EmbeddingInverter.from_pretrained"]),
        "corrector": (InverterCorrector.from_inverter(inverter), ["A corrector for", fingerprint, "attempts"]),
        "classifier": (classifier(), ["fruit, metal, bird", "LabelConfidence.from_pretrained", "It was not fitted"]),
        "probe": (probe(dataset), ["`words`, 32 dimensions", fingerprint, "| 36 |", "fruit, metal, bird"]),
        "adapter": (
            adapter_in(tmp_path / "base", tiny_lm()),
            ["was a folder on the machine", "PeftModel.from_pretrained"],
        ),
    }
    rewards = "misc{shen2025condenselm"
    papers = {"adapter": "misc{desalvo2024softsrv", "classifier": rewards, "probe": rewards}
    for name, (model, phrases) in said.items():
        model.save_pretrained(tmp_path / name)
        card = ModelCard.load(tmp_path / name / "README.md")
        assert "condensers" in card.data.tags
        assert card.data.to_dict()["library_name"] == {"probe": "condensers", "adapter": "peft"}.get(
            name, "transformers"
        )
        for phrase in (*phrases, f"@{papers.get(name, 'inproceedings{morris2023text')}"):
            assert phrase in card.text, (name, phrase)
        assert str(tmp_path) not in str(card) and "base_model" not in card.data.to_dict()


def test_a_base_model_on_the_hub_is_named(tmp_path):
    backbone = tiny_lm()
    backbone.config.name_or_path = "me/lm"
    model = tiny_inverter()
    made = type(model).from_backbone(
        backbone, embedder=WordEmbedder(), processing_class=tiny_lm_tokenizer(), num_virtual_tokens=2
    )
    made.save_pretrained(tmp_path / "inverter")
    wrapped = tiny_model()
    wrapped.config.name_or_path = "/cache/hub/models--me--bert/snapshots/abc"
    LabelConfidence.from_classifier(wrapped, processing_class=tiny_tokenizer()).save_pretrained(
        tmp_path / "classifier"
    )
    for name, base, revision in (("inverter", "me/lm", None), ("classifier", "me/bert", "abc")):
        card = ModelCard.load(tmp_path / name / "README.md")
        config = json.loads((tmp_path / name / "config.json").read_text())
        assert card.data.base_model == config["base_model"] == base
        assert config["base_revision"] == revision
        assert "is not known here" not in card.text


def test_an_adapter_on_a_model_out_of_the_hubs_cache_names_it_and_not_the_folder(tmp_path):
    snapshot = tmp_path / "hub" / "models--me--lm" / "snapshots" / "abc123"
    model = adapter_in(snapshot, tiny_lm())
    model.save_pretrained(tmp_path / "adapter")
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == ("me/lm", "abc123")
    card = ModelCard.load(tmp_path / "adapter" / "README.md")
    assert card.data.base_model == "me/lm" and "at abc123" in card.text
    assert str(tmp_path) not in str(card)
    # In memory it is still where it was.
    assert model.active_peft_config.base_model_name_or_path == str(snapshot)
    PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(snapshot), tmp_path / "adapter")


def test_an_adapters_card_that_was_edited_loses_only_the_folder_that_peft_writes_there(tmp_path):
    model = adapter_in(tmp_path / "base", tiny_lm())
    model.save_pretrained(tmp_path / "adapter")
    path = tmp_path / "adapter" / "README.md"
    path.write_text(path.read_text().replace("## Limits", "## My limits"))
    model.save_pretrained(tmp_path / "adapter")
    assert "## My limits" in path.read_text() and str(tmp_path) not in path.read_text()
    assert ModelCard.load(path).data.to_dict()["library_name"] == "peft"


def test_saved_twice_an_adapter_has_the_same_card(tmp_path):
    model = adapter_in(tmp_path / "base", tiny_lm())
    model.save_pretrained(tmp_path / "adapter")
    first = (tmp_path / "adapter" / "README.md").read_text()
    model.save_pretrained(tmp_path / "adapter")
    assert (tmp_path / "adapter" / "README.md").read_text() == first


@pytest.mark.hub
def test_a_trainer_pushes_its_figures(hub, tmp_path):
    model = tiny_inverter()
    options = {"max_steps": 2, "hub_model_id": "me/inverter", "hub_private_repo": True}
    trainer = trainer_for(model, tmp_path / "run", word_rows(24), **options)
    trainer.train()
    trainer.evaluate(trainer.prepare(word_rows(8)), metric_key_prefix="test")
    trainer.push_to_hub(license="apache-2.0", dataset="me/words")
    card = ModelCard.load("me/inverter")
    assert (card.data.license, card.data.datasets) == ("apache-2.0", ["me/words"])
    for phrase in (
        "| rows | 24 of [me/words](https://huggingface.co/datasets/me/words) |",
        "| steps | 2 ",
        "| learning rate | 0.01 |",
        "| test_loss | ",
    ):
        assert phrase in card.text, phrase
    training = json.loads(hub.repositories["model", "me/inverter"].files()["config.json"])["training"]
    assert training["n_rows"] == 24 and training["metrics"]["test_loss"] > 0
    # A model that is loaded and saved again still knows.
    type(model).from_pretrained(tmp_path / "run").save_pretrained(tmp_path / "again")
    assert "| steps | 2 " in (tmp_path / "again" / "README.md").read_text()


def test_a_corrector_does_not_claim_the_training_of_its_inverter(tmp_path):
    inverter = tiny_inverter()
    trainer_for(inverter, tmp_path / "run", word_rows(16), max_steps=1).train()
    assert inverter.config.training["steps"] == 1
    assert InverterCorrector.from_inverter(inverter).config.training is None


def test_a_softsrv_trainer_writes_its_figures(tmp_path):
    model = adapter_in(tmp_path / "base", tiny_lm())
    args = SoftSRVTrainingConfig(
        output_dir=str(tmp_path / "run"),
        max_steps=2,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        per_device_train_batch_size=4,
    )
    trainer = SoftSRVTrainer(
        model, args, train_dataset=lm_rows(8), embedder=WordEmbedder(), processing_class=tiny_lm_tokenizer()
    )
    trainer.train()
    trainer.save_model()
    trainer.create_model_card(tags="mine")
    card = ModelCard.load(tmp_path / "run" / "README.md")
    assert "| rows | 8 |" in card.text and "| steps | 2 " in card.text and "`words`, 32 dimensions" in card.text
    assert {"mine", "softsrv"} <= set(card.data.tags)
    config = json.loads((tmp_path / "run" / "adapter_config.json").read_text())
    assert config["inference_mode"] is True and config["training"]["steps"] == 2


@pytest.mark.hub
def test_a_push_is_private_takes_the_card_along_and_respects_the_one_that_is_there(hub, tmp_path, dataset):
    made = {"me/inverter": tiny_inverter(), "me/classifier": classifier(), "me/probe": probe(dataset)}
    for repo_id, model in made.items():
        model.push_to_hub(repo_id)
        repository = hub.repositories["model", repo_id]
        assert repository.private
        first = ModelCard.load(repo_id)
        assert "## Limits" in first.text
        edited = str(first).replace("## Limits", "## What I saw")
        HfApi().upload_file(path_or_fileobj=edited.encode(), path_in_repo="README.md", repo_id=repo_id)
        model.push_to_hub(repo_id)
        assert "## What I saw" in ModelCard.load(repo_id, ignore_metadata_errors=True).text


@pytest.mark.hub
def test_an_adapter_is_pushed_with_its_card(hub, tmp_path):
    """PEFT's own `push_to_hub` puts a card that says nothing in its place."""
    model = adapter_in(tmp_path / "base", tiny_lm())
    push_saved(model.save_pretrained, "me/adapter")
    assert "A SoftSRV adapter" in ModelCard.load("me/adapter").text
    assert hub.repositories["model", "me/adapter"].private


def test_an_embedder_out_of_a_folder_leaves_no_path_in_what_is_saved(tmp_path, dataset):
    embedder = WordEmbedder("/home/somebody/models/minilm")
    made = {
        "inverter": tiny_inverter(embedder=embedder),
        "probe": EmbeddingProbe(embedder).fit(dataset, text=["text"], label="label"),
    }
    for name, model in made.items():
        model.save_pretrained(tmp_path / name)
        for file in (tmp_path / name).iterdir():
            assert b"somebody" not in file.read_bytes(), file
