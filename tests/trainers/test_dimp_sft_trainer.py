"""DIMP-Loss for tokens: its value and gradient, what it leaves out, and what it shares with `SFTTrainer`."""

import numpy as np
import pytest
import torch
from datasets import Dataset
from tiny_classifiers import KillAt
from tiny_language_models import lm_rows, tiny_lm, tiny_lm_tokenizer
from transformers.trainer_utils import get_last_checkpoint
from trl import SFTConfig, SFTTrainer
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from condensers.errors import ColumnError, RowError, SettingError, SourceNotFoundError
from condensers.trainers import dimp_sft_trainer
from condensers.trainers.dimp_sft_config import DIMPSFTConfig
from condensers.trainers.dimp_sft_trainer import QUALITY_COLUMN, DIMPSFTTrainer
from condensers.trainers.token_scores import CarriedTokens, score_tokens


@pytest.fixture
def sft(settings):
    """Makes a trainer; keyword arguments that are no trainer's own change its settings."""

    def make(kind=DIMPSFTTrainer, rows=None, model=None, *, callbacks=None, eval_dataset=None, **changes):
        config = SFTConfig if kind is SFTTrainer else DIMPSFTConfig
        own = {name: changes.pop(name) for name in ("quality_model", "peft_config") if name in changes}
        shared = {"bf16": False, "gradient_checkpointing": False, "per_device_train_batch_size": 4}
        return kind(
            model=model if model is not None else tiny_lm(),
            args=settings(config, **(shared | changes)),
            train_dataset=rows if rows is not None else lm_rows(),
            eval_dataset=eval_dataset,
            processing_class=tiny_lm_tokenizer(),
            callbacks=callbacks,
            **own,
        )

    return make


@pytest.fixture
def unweighted(monkeypatch):
    """All weights are 1."""
    monkeypatch.setattr(dimp_sft_trainer, "importance_weights", lambda quality, live, **limit: torch.ones_like(live))


def losses(trainer):
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def first_batch(trainer):
    trainer.prepare_weights()
    return next(iter(trainer.get_train_dataloader()))


def token_log_probs(model, batch):
    """Log-probability of each token but the first of each row, straight from the logits."""
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
    return torch.log_softmax(logits, -1).gather(-1, batch["input_ids"][:, 1:, None])[..., 0]


@pytest.mark.parametrize("prompts", [False, True])
def test_loss_of_a_batch_is_the_weighted_mean_over_predicted_tokens(sft, prompts):
    trainer = sft(rows=lm_rows(4, prompts=prompts), quality_model=tiny_lm(1))
    batch = first_batch(trainer)
    mask = batch["labels"][:, 1:] != -100
    with torch.no_grad():
        live, quality = token_log_probs(trainer.model, batch), token_log_probs(tiny_lm(1), batch)
    assert (
        mask.sum() < batch["attention_mask"][:, 1:].sum()
        if prompts
        else (mask == batch["attention_mask"][:, 1:]).all()
    )
    weights = (quality - live).exp()
    expected = -(weights * live)[mask].sum() / mask.sum()
    trainer.model.train()
    assert trainer.compute_loss(trainer.model, batch).item() == pytest.approx(expected.item(), rel=1e-5)
    half = trainer.compute_loss(trainer.model, batch, num_items_in_batch=2 * mask.sum())
    assert half.item() == pytest.approx(expected.item() / 2, rel=1e-5)


def test_a_hand_computed_case(sft):
    """A model that knows nothing gives each of 27 tokens 1/27; P' is given: 1/27, 2/27, none and 9/27."""
    model = tiny_lm()
    torch.nn.init.zeros_(model.lm_head.weight)
    ready = [[0.0, -np.log(27), np.log(2 / 27), -np.inf, np.log(9 / 27)]]
    rows = Dataset.from_dict({"input_ids": [[3, 4, 5, 6, 2]], QUALITY_COLUMN: ready})
    for limit, expected in ((None, (1 + 2 + 0 + 9) / 4), (4.0, (1 + 2 + 0 + 4) / 4)):
        trainer = sft(rows=rows, model=model, max_weight=limit)
        model.train()
        loss = trainer.compute_loss(model, first_batch(trainer))
        assert loss.item() == pytest.approx(expected * np.log(27), rel=1e-5)
        assert trainer._metrics["train"]["weight_mean"] == [pytest.approx(expected, rel=1e-5)]
        assert trainer._metrics["train"]["weight_clipped_share"] == [0.0 if limit is None else 0.25]


def test_gradient_holds_the_weights_fixed(sft):
    """Against autograd with constants for weights, and against finite differences with the weights of the start."""
    model = tiny_lm()
    trainer = sft(rows=lm_rows(4), model=model, quality_model=tiny_lm(1))
    batch = first_batch(trainer)
    mask = batch["labels"][:, 1:] != -100
    model.train()
    parameter = model.lm_head.weight
    (ours,) = torch.autograd.grad(trainer.compute_loss(model, batch), [parameter])
    live = token_log_probs(model, batch)
    with torch.no_grad():
        weights = (token_log_probs(tiny_lm(1), batch) - live).exp()
    (exact,) = torch.autograd.grad(-(weights * live)[mask].sum() / mask.sum(), [parameter])
    torch.testing.assert_close(ours, exact, rtol=1e-4, atol=1e-6)

    def loss(step):
        with torch.no_grad():
            parameter[5, 3] += step
            value = -(weights * token_log_probs(model, batch))[mask].sum() / mask.sum()
            parameter[5, 3] -= step
        return value.item()

    assert (loss(1e-2) - loss(-1e-2)) / 2e-2 == pytest.approx(ours[5, 3].item(), abs=1e-4)


@pytest.mark.parametrize("accumulation", [1, 2])
def test_weights_of_one_give_the_run_of_sft_trainer(sft, assert_same_model, unweighted, accumulation):
    """Bit for bit, with dropout, shuffling, Adam, prompts and an uneven last batch."""
    shared = {"gradient_accumulation_steps": accumulation, "rows": lm_rows(prompts=True)}
    plain = sft(SFTTrainer, model=tiny_lm(dropout=0.1), **shared)
    plain.train()
    # Made after the other has trained, since it is here that the seed of dropout is set.
    ours = sft(model=tiny_lm(dropout=0.1), quality_model=tiny_lm(1), **shared)
    ours.train()
    assert_same_model(ours, plain)
    assert losses(ours) == pytest.approx(losses(plain), abs=1e-6)
    for name in ("entropy", "mean_token_accuracy", "num_tokens"):
        assert ours.state.log_history[-2][name] == plain.state.log_history[-2][name]


def test_a_quality_model_that_is_the_model_gives_weights_of_one_at_first(sft, assert_same_model):
    shared = {"max_steps": 1, "optim": "sgd", "learning_rate": 0.1}
    plain, ours = sft(SFTTrainer, **shared), sft(quality_model=tiny_lm(), **shared)
    plain.train()
    ours.train()
    assert_same_model(ours, plain, atol=1e-6)
    assert losses(ours) == pytest.approx(losses(plain), abs=1e-6)
    assert ours.state.log_history[0]["weight_mean"] == pytest.approx(1.0, abs=1e-6)


def test_the_quality_model_may_be_the_object_that_is_trained(sft):
    """It scores before training, so it is the model as it was."""
    model = tiny_lm()
    trainer = sft(model=model, quality_model=model, learning_rate=0.05)
    trainer.train()
    log = [entry["weight_mean"] for entry in trainer.state.log_history if "weight_mean" in entry]
    assert log[0] == pytest.approx(1.0, abs=1e-6)
    assert log[-1] != pytest.approx(1.0, abs=1e-3)


def test_accumulation_changes_nothing(sft, assert_same_model):
    shared = {"optim": "sgd", "learning_rate": 0.05, "max_grad_norm": 0.0}
    whole, parts = (
        sft(quality_model=tiny_lm(1), per_device_train_batch_size=4 // n, gradient_accumulation_steps=n, **shared)
        for n in (1, 4)
    )
    whole.train()
    parts.train()
    assert_same_model(parts, whole, atol=1e-6)
    assert losses(parts) == pytest.approx(losses(whole), abs=1e-5)


def test_scores_do_not_depend_on_batches_or_padding():
    tokenizer, model = tiny_lm_tokenizer(), tiny_lm(1)
    ids = [tokenizer(text)["input_ids"] for text in lm_rows(7)["text"]]
    labels = [[-100, -100, *row[2:]] for row in ids]
    rows = Dataset.from_dict({"input_ids": ids, "labels": labels})
    collate = DataCollatorForLanguageModeling(pad_token_id=0)
    one, three = (
        score_tokens(model, rows, collate, batch_size=size, autocast=torch.no_grad, progress=False) for size in (1, 3)
    )
    np.testing.assert_allclose(one, three, rtol=1e-5, atol=1e-6)
    assert len(one) == sum(map(len, ids))
    with torch.no_grad():
        expected = torch.log_softmax(model(torch.tensor([ids[0]])).logits[0], -1)
    exact = [0.0, 0.0, *(expected[t - 1, ids[0][t]].item() for t in range(2, len(ids[0])))]
    np.testing.assert_allclose(one[: len(ids[0])], exact, rtol=1e-5)
    torch.nn.init.constant_(model.lm_head.weight, torch.nan)
    with pytest.raises(RowError, match="NaN"):
        score_tokens(model, rows, collate, batch_size=3, autocast=torch.no_grad, progress=False)


def test_rows_are_scored_once(sft, monkeypatch):
    first = sft(quality_model=tiny_lm(1))
    first.prepare_weights()
    monkeypatch.setattr(dimp_sft_trainer, "score_tokens", lambda *a, **k: pytest.fail("scored again"))
    again = sft(quality_model=tiny_lm(1))
    again.train()
    assert again.train_dataset[QUALITY_COLUMN] == first.train_dataset[QUALITY_COLUMN]
    with pytest.raises(pytest.fail.Exception, match="scored again"):
        sft(quality_model=tiny_lm(2)).prepare_weights()


def test_a_killed_and_resumed_run_is_an_unbroken_one(sft, assert_same_model, tmp_path):
    shared = {"quality_model": tiny_lm(1), "save_strategy": "steps", "save_steps": 2}
    unbroken = sft(model=tiny_lm(dropout=0.1), output_dir=str(tmp_path / "whole"), **shared)
    unbroken.train()
    with pytest.raises(KeyboardInterrupt):
        sft(model=tiny_lm(dropout=0.1), callbacks=[KillAt(3)], **shared).train()
    resumed = sft(model=tiny_lm(dropout=0.1), **shared)
    resumed.train(resume_from_checkpoint=get_last_checkpoint(str(tmp_path / "run")))
    assert_same_model(resumed, unbroken)


def test_evaluation_is_not_weighted(sft):
    rows = lm_rows(5, seed=3)
    plain, ours = sft(SFTTrainer, eval_dataset=rows), sft(quality_model=tiny_lm(1), eval_dataset=rows)
    assert ours.evaluate()["eval_loss"] == pytest.approx(plain.evaluate()["eval_loss"], rel=1e-6)
    assert ours.evaluate(lm_rows(4, seed=5))["eval_loss"] > 0


def test_bf16_is_near_float32(sft):
    """The weights are a ratio of two numbers near each other, which bf16 would round away."""
    exact, half = (sft(quality_model=tiny_lm(1), bf16=bf16, max_steps=2) for bf16 in (False, True))
    for trainer in (exact, half):
        trainer.train()
    assert losses(half) == pytest.approx(losses(exact), rel=0.05)
    assert half.train_dataset.features[QUALITY_COLUMN].feature.dtype == "float32"


def test_adapters(sft):
    from peft import LoraConfig, PromptTuningConfig

    for adapter in (
        LoraConfig(task_type="CAUSAL_LM", r=2, target_modules=["q_proj"]),
        PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3),
    ):
        trainer = sft(quality_model=tiny_lm(), peft_config=adapter, max_steps=1)
        trainer.train()
        assert trainer.state.log_history[0]["loss"] > 0
        if isinstance(adapter, LoraConfig):
            assert trainer.state.log_history[0]["weight_mean"] == pytest.approx(1.0, abs=1e-5)


def test_ready_scores_are_cut_with_the_tokens(sft):
    ready = [[0.0, -1.0, -2.0, -3.0, -4.0], [0.0, -5.0]]
    rows = Dataset.from_dict({"input_ids": [[3, 4, 5, 6, 2], [7, 2]], QUALITY_COLUMN: ready})
    trainer = sft(rows=rows, max_length=3)
    assert trainer.train_dataset[QUALITY_COLUMN][:] == [[0.0, -1.0, -2.0], [0.0, -5.0]]
    batch = trainer.data_collator(list(trainer.train_dataset))
    assert batch[QUALITY_COLUMN].tolist() == [[0.0, -1.0, -2.0], [0.0, -5.0, 0.0]]


def test_tokens_are_laid_out_by_the_mask():
    def left(features):
        return {"attention_mask": torch.tensor([[0, 1, 1], [1, 1, 1]])}

    features = [{"q": [0.0, -1.0]}, {"q": [0.0, -2.0, -3.0]}]
    assert CarriedTokens(left, ["q"])(features)["q"].tolist() == [[0.0, 0.0, -1.0], [0.0, -2.0, -3.0]]
    with pytest.raises(RowError, match="4 numbers for 5 tokens"):
        CarriedTokens(left, ["q"])([{"q": [0.0]}, features[1]])


def test_settings_that_do_not_fit(sft):
    for changes in (
        {"packing": True, "packing_strategy": "wrapped"},
        {"padding_free": True, "max_length": None},
        {"loss_type": "dft"},
        {"label_smoothing_factor": 0.1},
    ):
        with pytest.raises(SettingError, match=next(iter(changes))):
            sft(quality_model=tiny_lm(), **changes)
    for changes in ({"max_weight": 0.0}, {"scoring_batch_size": 0}):
        with pytest.raises(SettingError, match=next(iter(changes))):
            sft(quality_model=tiny_lm(), **changes)


def test_quality_models_that_do_not_fit(sft, tmp_path):
    with pytest.raises(SettingError, match="pass `quality_model=`"):
        sft()
    with pytest.raises(SettingError, match="knows 20 tokens, the tokenizer has 27"):
        sft(quality_model=tiny_lm(vocab_size=20))
    with pytest.raises(SourceNotFoundError, match="nowhere"):
        sft(quality_model=str(tmp_path / "nowhere"))
    tiny_lm(1).save_pretrained(tmp_path / "other")
    words = list(tiny_lm_tokenizer().get_vocab())
    tiny_lm_tokenizer([*words[:3], *reversed(words[3:])]).save_pretrained(tmp_path / "other")
    with pytest.raises(SettingError, match="another tokenizer: "):
        sft(quality_model=str(tmp_path / "other"))
    tiny_lm_tokenizer().save_pretrained(tmp_path / "other")
    sft(quality_model=tmp_path / "other", max_steps=1).train()


def test_rows_that_do_not_fit(sft):
    def ready(values):
        return Dataset.from_dict({"input_ids": [[3, 4, 2]], QUALITY_COLUMN: [values]})

    with pytest.raises(RowError, match="row 0 has 2 numbers for 3 tokens"):
        sft(rows=ready([0.0, -1.0]))
    with pytest.raises(RowError, match="row 0 has 4 numbers for 3 tokens"):
        sft(rows=ready([0.0, -1.0, -1.0, -1.0]))
    for bad in (0.5, float("nan")):
        with pytest.raises(RowError, match="no log-probabilities"):
            sft(rows=ready([0.0, bad, -1.0]))
    with pytest.raises(SettingError, match="not both"):
        sft(rows=ready([0.0, -1.0, -1.0]), quality_model=tiny_lm())
    with pytest.raises(SettingError, match="IterableDataset"):
        sft(rows=lm_rows().to_iterable_dataset(), quality_model=tiny_lm(), max_steps=1)
    trainer = sft(quality_model=tiny_lm())
    trainer.model.train()
    with pytest.raises(ColumnError, match=QUALITY_COLUMN):
        trainer.compute_loss(trainer.model, next(iter(trainer.get_train_dataloader())))
