"""An adapter trained in one call."""

import pytest
import torch
from tiny_adapters import encoder_of, tiny_config
from tiny_classifiers import KillAt
from tiny_inverters import word_rows
from tiny_language_models import tiny_lm, tiny_lm_tokenizer
from word_embedder import WordEmbedder

from condensers.errors import SourceNotFoundError
from condensers.softsrv.fitting import FittedAdapter, fit_adapter
from condensers.softsrv.trainer import SoftSRVTrainer

TEXTS = word_rows(24)["text"][:]


def fit(folder, parameterization="mlp", **settings):
    given = {"max_steps": 12, "learning_rate": 1e-2, "batch_size": 8, "max_length": 16, "progress": False}
    config = tiny_config(parameterization)
    return fit_adapter(
        tiny_lm(), tiny_lm_tokenizer(), config, TEXTS, folder, embedder=WordEmbedder(), **given | settings
    )


@pytest.mark.parametrize("step", [1, 11])  # there is a checkpoint after step 10
def test_killed_at_any_step_it_comes_to_the_same_weights(tmp_path, monkeypatch, step):
    whole = fit(tmp_path / "whole")
    init = SoftSRVTrainer.__init__
    with monkeypatch.context() as patched:
        patched.setattr(SoftSRVTrainer, "__init__", lambda *a, **k: init(*a, **k, callbacks=[KillAt(step)]))
        with pytest.raises(KeyboardInterrupt):
            fit(tmp_path / "killed")
    # As if it had been killed while it wrote the last checkpoint.
    broken = tmp_path / "killed" / f"checkpoint-{step + 1}"
    broken.mkdir(parents=True)
    (broken / "trainer_state.json").write_text("{")
    trained = []
    step_of = SoftSRVTrainer.training_step
    monkeypatch.setattr(SoftSRVTrainer, "training_step", lambda *a, **k: trained.append(1) or step_of(*a, **k))
    resumed = fit(tmp_path / "killed")
    assert len(trained) == (12 if step == 1 else 12 - step + 1)
    expected = encoder_of(whole.model).state_dict()
    assert all(expected[name].equal(weight) for name, weight in encoder_of(resumed.model).state_dict().items())
    assert resumed.losses == whole.losses and len(whole.losses) == 12
    assert whole.losses[-1][1] < whole.losses[0][1]


def test_training_leaves_no_trace_in_the_random_generators(tmp_path):
    before = torch.get_rng_state()
    fit(tmp_path / "run", max_steps=2)
    assert torch.get_rng_state().equal(before)


@pytest.mark.parametrize("parameterization", ["static", "mixture"])
def test_saved_and_read_it_is_the_same(tmp_path, parameterization, capsys):
    made = fit(tmp_path / "run", parameterization, max_steps=2)
    made.save_pretrained(tmp_path / "saved")
    again = FittedAdapter.from_pretrained(tmp_path / "saved", tiny_lm(), tiny_lm_tokenizer())
    assert again.losses == made.losses
    weights = encoder_of(again.model).state_dict()
    assert all(weights[name].equal(weight) for name, weight in encoder_of(made.model).state_dict().items())
    assert capsys.readouterr().out == ""
    with pytest.raises(SourceNotFoundError, match="no adapter that a condenser trained"):
        FittedAdapter.from_pretrained(tmp_path, tiny_lm(), tiny_lm_tokenizer())
