"""Training of SoftSRV adapters."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from peft import PeftModel
from tiny_adapters import PARAMETERIZATIONS, encoder_of, tiny_adapter
from tiny_classifiers import KillAt
from tiny_inverters import word_rows
from tiny_language_models import tiny_lm, tiny_lm_tokenizer
from word_embedder import WordEmbedder

from condensers import SoftSRVTrainer, SoftSRVTrainingConfig
from condensers.errors import RowError, SettingError
from condensers.softsrv.training_rows import SoftSRVCollator
from condensers.trainers.recipes import running

RECIPE = Path(__file__).parents[2] / "trainers" / "train_softsrv.py"


def trainer_for(model, folder, rows=None, *, embedder=None, **settings):
    given = {
        "output_dir": str(folder),
        "use_cpu": True,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
        "logging_strategy": "no",
        "learning_rate": 1e-2,
        "max_steps": 40,
        "seed": 0,
    }
    return SoftSRVTrainer(
        model,
        SoftSRVTrainingConfig(**given | settings),
        train_dataset=word_rows() if rows is None else rows,
        embedder=embedder or WordEmbedder(),
        processing_class=tiny_lm_tokenizer(),
    )


def test_the_defaults_are_those_of_the_paper(tmp_path):
    args = SoftSRVTrainingConfig(output_dir=str(tmp_path))
    assert (args.learning_rate, args.max_steps, args.per_device_train_batch_size) == (5e-6, 20_000, 16)
    # Without decay AdamW is Adam.
    assert args.optim.value.startswith("adamw_torch") and args.weight_decay == 0
    assert args.lr_scheduler_type.value == "constant"


@pytest.mark.parametrize("parameterization", PARAMETERIZATIONS)
def test_training_lowers_the_loss_of_held_out_texts(parameterization, tmp_path):
    model = tiny_adapter(parameterization)
    trainer = trainer_for(model, tmp_path)
    rows = trainer.prepare(word_rows(24, seed=9))
    before = trainer.evaluate(rows)["eval_loss"]
    trainer.train()
    assert trainer.evaluate(rows)["eval_loss"] < before - 0.3
    expected = WordEmbedder().fingerprint if parameterization != "static" else None
    assert model.active_peft_config.embedder_fingerprint == expected


def test_rows():
    rows = Dataset.from_dict({"text": ["apple pear", "plum", "fig fig fig fig"], "label": [0, 1, 0]})
    trainer = trainer_for(tiny_adapter(), "unused", rows, max_length=4)
    made = trainer.train_dataset
    assert made["labels"][:] == [[3, 4, 2], [5, 2], [9, 9, 9, 9]]
    np.testing.assert_allclose(made["context"][:], WordEmbedder().encode(rows["text"][:]), atol=1e-6)
    batch = SoftSRVCollator()([made[0], made[1]])
    assert batch["labels"].tolist() == [[3, 4, 2], [5, 2, -100]]
    # What Trainer hands to the model keeps the context, though the base model's forward knows no such thing.
    assert set(next(iter(trainer.get_train_dataloader()))) == {"labels", "context"}
    static = trainer_for(tiny_adapter("static"), "unused", rows)
    assert static.train_dataset.column_names == ["labels"]


def test_each_text_is_embedded_once(tmp_path):
    embedder = WordEmbedder()
    rows = Dataset.from_dict({"text": ["apple pear", "plum", "lemon", "fig"]})
    trainer_for(tiny_adapter(), tmp_path, rows, embedder=embedder, max_steps=4).train()
    trainer_for(tiny_adapter(seed=1), tmp_path, rows, embedder=embedder)
    assert embedder.n_texts == 4 + 2  # Each trainer embeds one more, to tell the dimension.


def test_the_first_token_counts_too(tmp_path):
    """One step without momentum is the gradient of the mean over all tokens, however the batch is split up."""
    rows = word_rows(8)

    def weights(**settings):
        model = tiny_adapter("static")
        trainer_for(model, tmp_path, rows, max_steps=1, optim="sgd", max_grad_norm=0, **settings).train()
        return encoder_of(model).tokens.detach()

    model = tiny_adapter("static")
    batch = SoftSRVCollator()(list(trainer_for(model, tmp_path, rows).train_dataset))
    model(**batch).loss.backward()
    tokens = encoder_of(model).tokens
    expected = tokens.detach() - 1e-2 * tokens.grad
    assert not expected.equal(tokens)
    torch.testing.assert_close(weights(per_device_train_batch_size=8), expected, rtol=1e-5, atol=1e-7)
    split = weights(per_device_train_batch_size=2, gradient_accumulation_steps=4)
    torch.testing.assert_close(split, expected, rtol=1e-5, atol=1e-7)


def test_a_killed_run_goes_on(tmp_path):
    def run(folder, callbacks=(), **resume):
        model = tiny_adapter()
        trainer = trainer_for(model, folder, max_steps=6, save_strategy="steps", save_steps=2)
        for callback in callbacks:
            trainer.add_callback(callback)
        trainer.train(**resume)
        return encoder_of(model).state_dict()

    whole = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed", [KillAt(5)])
    resumed = run(tmp_path / "killed", resume_from_checkpoint=True)
    assert all(resumed[name].equal(weight) for name, weight in whole.items())


def test_an_adapter_that_was_saved_knows_its_embedder(tmp_path):
    model = tiny_adapter()
    trainer = trainer_for(model, tmp_path / "run", max_steps=1)
    trainer.train()
    trainer.save_model()
    again = PeftModel.from_pretrained(tiny_lm(), tmp_path / "run", is_trainable=True)
    assert again.active_peft_config.embedder_name == "words"
    with pytest.raises(SettingError, match="trained for the embedder 'words'.*got 'others'"):
        trainer_for(again, tmp_path, embedder=WordEmbedder("others"))


def test_mistakes(tmp_path):
    rows = word_rows(4)
    with pytest.raises(SettingError, match="must have an active SoftSRV adapter; got LlamaForCausalLM"):
        trainer_for(tiny_lm(), tmp_path, rows)
    with pytest.raises(SettingError, match="`context_dim` must be 32.*'words'; it is 8"):
        trainer_for(tiny_adapter(context_dim=8), tmp_path, rows)
    with pytest.raises(SettingError, match="parameterisation `mlp` needs contexts; pass `embedder=`"):
        SoftSRVTrainer(tiny_adapter(), train_dataset=rows, processing_class=tiny_lm_tokenizer())
    with pytest.raises(SettingError, match="pass `processing_class=`"):
        SoftSRVTrainer(tiny_adapter(), train_dataset=rows, embedder=WordEmbedder())
    with pytest.raises(RowError, match="empty"):
        trainer_for(tiny_adapter(), tmp_path, rows.select([]))
    with pytest.raises(SettingError, match="`max_length` must be at least 1; got 0"):
        trainer_for(tiny_adapter(), tmp_path, rows, max_length=0)
    endless = tiny_lm_tokenizer()
    endless.eos_token = None
    with pytest.raises(SettingError, match="no end-of-sequence token"):
        SoftSRVTrainer(tiny_adapter(), train_dataset=rows, embedder=WordEmbedder(), processing_class=endless)


@pytest.mark.parametrize("parameterization", ["mlp", "static"])
def test_the_recipe(parameterization, tmp_path, monkeypatch, capsys):
    """From the command line; a mistake ends with 2 and one line."""
    word_rows(16).to_json(tmp_path / "train.jsonl")
    word_rows(4, seed=5).to_json(tmp_path / "test.jsonl")
    tiny_lm().save_pretrained(tmp_path / "lm")
    tiny_lm_tokenizer().save_pretrained(tmp_path / "lm")
    monkeypatch.setattr(running, "load_embedder", lambda spec, prompt: WordEmbedder(spec))

    def launch(**settings):
        given = {
            "dataset_name": tmp_path / "train.jsonl",
            "test_dataset_name": tmp_path / "test.jsonl",
            "model_name_or_path": tmp_path / "lm",
            "embedder": "words",
            "parameterization": parameterization,
            "num_virtual_tokens": 3,
            "max_steps": 2,
            "use_cpu": "true",
            "report_to": "none",
            "save_strategy": "no",
            "output_dir": tmp_path / "adapter",
        }
        line = [str(part) for key, value in (given | settings).items() for part in (f"--{key}", value)]
        monkeypatch.setattr(sys, "argv", [RECIPE.name, *line])
        runpy.run_path(str(RECIPE), run_name="__main__")

    launch()
    made = PeftModel.from_pretrained(tiny_lm(), tmp_path / "adapter").active_peft_config
    expected = ("mlp", 3, 32, "words") if parameterization == "mlp" else ("static", 3, 384, None)
    assert (made.parameterization, made.num_virtual_tokens, made.context_dim, made.embedder_name) == expected
    assert made.base_model_name_or_path == str(tmp_path / "lm")
    assert json.loads((tmp_path / "adapter" / "test_results.json").read_text())["test_loss"] > 0
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        launch(model_name_or_path=tmp_path / "nowhere")
    assert stopped.value.code == 2
    assert "is neither a folder nor a model that the Hub gave" in capsys.readouterr().err.splitlines()[-1]
