"""Training of inverters and correctors."""

import json
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from tiny_classifiers import KillAt
from tiny_inverters import BACKBONES, tiny_inverter, tiny_t5, trainer_for, word_rows
from tiny_language_models import tiny_lm_tokenizer
from transformers import AutoModel
from word_embedder import WordEmbedder

from condensers.errors import RowError, SettingError
from condensers.inversion.inverter import (
    EmbeddingInversion,
    InverterCorrector,
    inversion_rows,
    write_hypotheses,
)
from condensers.inversion.inverter.training_rows import InversionCollator
from condensers.trainers.recipes import running

HELD_OUT = word_rows(24, seed=9)
RECIPES = Path(__file__).parents[2] / "trainers"


@pytest.mark.parametrize(("backbone", "tuning"), [("causal", "full"), ("causal", "frozen"), ("t5", "full")])
def test_training_lowers_the_loss_of_held_out_texts(backbone, tuning, tmp_path):
    model = tiny_inverter(backbone, tuning=tuning)
    trainer = trainer_for(model, tmp_path, word_rows(), max_steps=40)
    rows = trainer.prepare(HELD_OUT)
    before = trainer.evaluate(rows)["eval_loss"]
    trainer.train()
    assert trainer.evaluate(rows)["eval_loss"] < before - 0.3


def test_a_vector_says_more_than_no_vector(trained, embedder):
    """Texts written for their own vectors lie closer than texts written for those of others."""
    targets = embedder.encode(HELD_OUT["text"][:])
    written = embedder.encode(trained.write(targets))
    own = (written * targets).sum(1).mean()
    others = (written @ targets.T)[~np.eye(len(targets), dtype=bool)].mean()
    assert own > others + 0.2


def test_the_corrector_improves_on_the_inverter(trained, corrector, embedder):
    targets = embedder.encode(HELD_OUT["text"][:])
    found = EmbeddingInversion(trained, corrector, embedder, num_candidates=1, temperature=0, num_rounds=2)
    history = found.invert(targets).history.mean(axis=1)
    assert history[-1] > history[0] + 0.02


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_killed_run_goes_on(backbone, tmp_path):
    def run(folder, callbacks=(), **resume):
        model = tiny_inverter(backbone)
        trainer = trainer_for(model, folder, word_rows(), max_steps=6, save_strategy="steps", save_steps=2)
        for callback in callbacks:
            trainer.add_callback(callback)
        trainer.train(**resume)
        return model.state_dict()

    whole = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed", [KillAt(5)])
    resumed = run(tmp_path / "killed", resume_from_checkpoint=True)
    assert all(resumed[name].equal(weight) for name, weight in whole.items())


def test_a_run_with_lora_goes_on(tmp_path):
    def run(folder, **resume):
        model = tiny_inverter(tuning="lora", lora_r=2)
        trainer = trainer_for(model, folder, word_rows(), max_steps=4, save_strategy="steps", save_steps=2)
        trainer.train(**resume)
        return model.state_dict()

    whole = run(tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoint-4")
    resumed = run(tmp_path / "run", resume_from_checkpoint=str(tmp_path / "run" / "checkpoint-2"))
    assert all(resumed[name].equal(weight) for name, weight in whole.items())


def test_rows(embedder, trained):
    rows = Dataset.from_dict({"text": ["apple pear", "plum"], "label": [0, 1]})
    model = InverterCorrector.from_inverter(trained)
    made = inversion_rows(rows, model, embedder, inverter=trained, progress=False)
    vectors = embedder.encode(rows["text"][:])
    np.testing.assert_allclose(made["embeddings"][:], vectors, atol=1e-6)
    assert made["labels"][:] == [[3, 4, 2], [5, 2]]
    hypotheses = trained.write(vectors)
    np.testing.assert_allclose(made["hypothesis_embeddings"][:], embedder.encode(hypotheses), atol=1e-6)
    assert made["hypothesis_ids"][:] == model.hypothesis_ids(hypotheses)
    assert made["length"][:] == [
        len(a) + len(b) for a, b in zip(made["labels"][:], made["hypothesis_ids"][:], strict=True)
    ]
    batch = InversionCollator(0)([made[0], made[1]])
    assert batch["labels"].tolist() == [[3, 4, 2], [5, 2, -100]]
    assert batch["hypothesis_mask"][:, -1].tolist() == [1, 1]


def test_hypotheses_are_written_once(trained, embedder, monkeypatch):
    from condensers.inversion.inverter import hypotheses

    monkeypatch.setattr(hypotheses, "_SHARD_ROWS", 5)
    targets = embedder.encode(HELD_OUT["text"][:])
    n_written = []
    write = trained.write
    monkeypatch.setattr(trained, "write", lambda vectors: n_written.append(len(vectors)) or write(vectors))
    first = write_hypotheses(trained, targets, batch_size=2, progress=False)
    assert sum(n_written) == 24 and max(n_written) == 2
    assert write_hypotheses(trained, targets, progress=False) == first == write(targets)
    assert sum(n_written) == 24
    other = tiny_inverter(seed=1)
    assert write_hypotheses(other, targets, progress=False) != first


def test_a_killed_run_writes_only_the_missing_hypotheses(trained, embedder, monkeypatch):
    from condensers.inversion.inverter import hypotheses

    monkeypatch.setattr(hypotheses, "_SHARD_ROWS", 8)
    targets = embedder.encode(HELD_OUT["text"][:])
    write, n_written = trained.write, []

    def dying(vectors):
        if len(n_written) == 2:
            raise KeyboardInterrupt
        n_written.append(len(vectors))
        return write(vectors)

    monkeypatch.setattr(trained, "write", dying)
    with pytest.raises(KeyboardInterrupt):
        write_hypotheses(trained, targets, progress=False)
    monkeypatch.setattr(trained, "write", lambda vectors: n_written.append(len(vectors)) or write(vectors))
    assert write_hypotheses(trained, targets, progress=False) == write(targets)
    assert n_written == [8, 8, 8]


def test_mistakes(trained, tmp_path):
    rows = word_rows(4)
    with pytest.raises(SettingError, match="trained for the embedder 'words'.*got 'others'"):
        trainer_for(trained, tmp_path, rows, embedder=WordEmbedder("others"))
    corrector = InverterCorrector.from_inverter(trained)
    with pytest.raises(SettingError, match="pass `inverter=`"):
        trainer_for(corrector, tmp_path, rows)
    with pytest.raises(SettingError, match="pass `inverter=`"):
        trainer_for(trained, tmp_path, rows, inverter=trained)
    with pytest.raises(SettingError, match="must be an EmbeddingInverter or an InverterCorrector; got T5"):
        trainer_for(tiny_t5(), tmp_path, rows)
    with pytest.raises(RowError, match="empty"):
        trainer_for(trained, tmp_path, rows.select([]))
    with pytest.raises(RowError, match="1 of 2 rows have an empty or missing text"):
        trainer_for(trained, tmp_path, Dataset.from_dict({"text": ["apple", None]}))
    with pytest.raises(SettingError, match="`hypothesis_batch_size` must be at least 1; got 0"):
        trainer_for(trained, tmp_path, rows, hypothesis_batch_size=0)


def test_an_embedder_that_changes_its_dimension_is_refused(trained, tmp_path):
    class Short(WordEmbedder):
        def encode(self, texts):
            return super().encode(texts)[:, :8]

    with pytest.raises(SettingError, match=r"32 dimensions, those of 'words'; got an array of shape \(4, 8\)"):
        trainer_for(trained, tmp_path, word_rows(4), embedder=Short())


def test_accumulation_changes_nothing_where_lengths_agree(tmp_path):
    rows = Dataset.from_dict({"text": ["apple pear", "plum fig", "grape melon", "lemon cherry"] * 4})

    def weights(**settings):
        model = tiny_inverter()
        trainer_for(model, tmp_path, rows, max_steps=1, learning_rate=1e-3, optim="sgd", **settings).train()
        return torch.cat([weight.detach().flatten() for weight in model.parameters()])

    # One step over all rows, whatever their order.
    whole = weights(per_device_train_batch_size=16)
    torch.testing.assert_close(
        weights(per_device_train_batch_size=4, gradient_accumulation_steps=4), whole, rtol=1e-4, atol=1e-6
    )


def test_the_recipes(tmp_path, monkeypatch, capsys):
    """An inverter, then its corrector, from the command line; a mistake ends with 2 and one line."""
    word_rows(16).to_json(tmp_path / "train.jsonl")
    word_rows(4, seed=5).to_json(tmp_path / "test.jsonl")
    tiny_t5().save_pretrained(tmp_path / "lm")
    tiny_lm_tokenizer().save_pretrained(tmp_path / "lm")
    monkeypatch.setattr(running, "load_embedder", lambda spec, prompt: WordEmbedder(spec))
    shared = {
        "dataset_name": tmp_path / "train.jsonl",
        "test_dataset_name": tmp_path / "test.jsonl",
        "embedder": "words",
        "max_steps": 2,
        "use_cpu": "true",
        "report_to": "none",
        "save_strategy": "no",
    }

    def launch(name, **settings):
        line = [str(part) for key, value in (shared | settings).items() for part in (f"--{key}", value)]
        monkeypatch.setattr(sys, "argv", [name, *line])
        runpy.run_path(str(RECIPES / name), run_name="__main__")

    inverter = {"model_name_or_path": tmp_path / "lm", "num_virtual_tokens": 2, "tuning": "frozen"}
    launch("train_inverter.py", output_dir=tmp_path / "inverter", **inverter)
    made = AutoModel.from_pretrained(tmp_path / "inverter")
    assert (made.config.tuning, made.config.embedder_name) == ("frozen", "words")
    launch("train_corrector.py", output_dir=tmp_path / "corrector", inverter_name_or_path=tmp_path / "inverter")
    assert type(AutoModel.from_pretrained(tmp_path / "corrector")) is InverterCorrector
    for name in ("inverter", "corrector"):
        assert json.loads((tmp_path / name / "test_results.json").read_text())["test_loss"] > 0
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        launch("train_corrector.py", output_dir=tmp_path / "x", inverter_name_or_path=tmp_path / "lm")
    assert stopped.value.code == 2
    assert capsys.readouterr().err.endswith("must be an EmbeddingInverter; it is a T5Model.\n")
