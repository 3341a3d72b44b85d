"""The focal loss: its value, its gradient, and what it shares with plain cross-entropy."""

import math

import pytest
import torch
from tiny_classifiers import tiny_model, tiny_rows, tiny_tokenizer
from transformers import Trainer, TrainingArguments

from condensers.errors import ColumnError, SettingError
from condensers.trainers.focal_config import FocalConfig
from condensers.trainers.focal_trainer import FocalTrainer, focal_weights


def trainer_for(settings, rows, model=None, **changes):
    return FocalTrainer(
        model=model or tiny_model(),
        args=settings(FocalConfig, **changes),
        train_dataset=rows,
        processing_class=tiny_tokenizer(),
    )


def only_batch(trainer):
    return next(iter(trainer.get_train_dataloader()))


def losses(trainer):
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def test_weights_of_a_hand_computed_case():
    log_probs = torch.tensor([0.9, 0.5, 0.1, 1.0]).log()
    assert focal_weights(log_probs, 2.0).tolist() == pytest.approx([0.01, 0.25, 0.81, 0.0], abs=1e-7)
    assert focal_weights(log_probs, 0.0).tolist() == [1.0] * 4


def test_loss_of_a_hand_computed_case(settings):
    """Logits of 0 give each of three classes a third; class 1 counts double, class 2 not at all."""
    model = tiny_model()
    torch.nn.init.zeros_(model.classifier.weight)
    torch.nn.init.zeros_(model.classifier.bias)
    rows = tiny_rows(1)
    focal = (2 / 3) ** 2 * math.log(3)
    trainer = trainer_for(settings, rows, model, gamma=2.0)
    model.train()
    assert trainer.compute_loss(model, only_batch(trainer)).item() == pytest.approx(focal, rel=1e-6)
    trainer = trainer_for(settings, rows, model, gamma=2.0, class_weights=[1.0, 2.0, 0.0])
    assert trainer.compute_loss(model, only_batch(trainer)).item() == pytest.approx(focal * 3 / 3, rel=1e-6)
    trainer = trainer_for(settings, rows, model, gamma=2.0, class_weights=[1.0, 2.0, 3.0])
    assert trainer.compute_loss(model, only_batch(trainer)).item() == pytest.approx(focal * 6 / 3, rel=1e-6)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_gradient_flows_through_the_factor(settings, gamma):
    """Against the derivative in closed form, and against finite differences."""
    model = tiny_model()
    trainer = trainer_for(settings, tiny_rows(2), model, gamma=gamma)
    batch = only_batch(trainer)
    model.train()
    (ours,) = torch.autograd.grad(trainer.compute_loss(model, batch), [model.classifier.bias])
    with torch.no_grad():
        inputs = {name: value for name, value in batch.items() if name != "labels"}
        probs = torch.softmax(model(**inputs).logits.double(), -1)
        p = probs[range(6), batch["labels"]]
        slope = gamma * (1 - p) ** (gamma - 1) * p * p.log() - (1 - p) ** gamma
        targets = torch.nn.functional.one_hot(batch["labels"], 3)
        exact = (slope[:, None] * (targets - probs)).mean(0)
    torch.testing.assert_close(ours.double(), exact, rtol=1e-4, atol=1e-6)
    for k, step in enumerate(torch.eye(3) * 1e-2):
        with torch.no_grad():
            model.classifier.bias += step
            above = trainer.compute_loss(model, batch)
            model.classifier.bias -= 2 * step
            below = trainer.compute_loss(model, batch)
            model.classifier.bias += step
        assert ((above - below) / 2e-2).item() == pytest.approx(ours[k].item(), abs=2e-4)


def test_a_row_known_for_certain_has_a_finite_gradient():
    log_probs = torch.tensor([0.0, -1e-8], requires_grad=True)
    (gradient,) = torch.autograd.grad((focal_weights(log_probs, 0.5) * -log_probs).sum(), [log_probs])
    assert gradient.isfinite().all()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_gamma_zero_is_trainer(settings, run, assert_same_model, smoothing):
    """Bit for bit, with dropout, shuffling, Adam and an uneven last batch."""
    rows = tiny_rows(9)
    plain = run(Trainer, settings(TrainingArguments, label_smoothing_factor=smoothing), rows)
    ours = run(FocalTrainer, settings(FocalConfig, gamma=0.0, label_smoothing_factor=smoothing), rows)
    assert_same_model(ours, plain)
    assert losses(ours) == pytest.approx(losses(plain), abs=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_accumulation_changes_nothing(settings, run, assert_same_model, smoothing):
    shared = {"optim": "sgd", "learning_rate": 0.1, "max_grad_norm": 0.0, "label_smoothing_factor": smoothing}
    whole, parts = (
        run(
            FocalTrainer,
            settings(FocalConfig, per_device_train_batch_size=size, gradient_accumulation_steps=8 // size, **shared),
            tiny_rows(9),
            model=tiny_model(),
        )
        for size in (8, 2)
    )
    assert_same_model(parts, whole, atol=1e-6)
    assert losses(parts) == pytest.approx(losses(whole), abs=1e-5)


def test_defaults_text_and_evaluation(settings, run):
    """A plain `TrainingArguments` will do; text is tokenised; the loss of an evaluation is cross-entropy."""
    rows = tiny_rows(4)
    text = rows.remove_columns(["input_ids", "attention_mask", "token_type_ids"])
    trainer = run(FocalTrainer, settings(TrainingArguments), text, eval_dataset=text)
    assert trainer.weighting.gamma == 2.0
    plain = Trainer(model=trainer.model, args=trainer.args, eval_dataset=rows, processing_class=tiny_tokenizer())
    assert trainer.evaluate()["eval_loss"] == pytest.approx(plain.evaluate()["eval_loss"], rel=1e-6)
    assert losses(trainer)[-1] < losses(trainer)[0]


def test_mistakes(settings, run):
    for changes in ({"gamma": -1.0}, {"gamma": math.nan}, {"class_weights": [0.0, 0.0]}, {"class_weights": [-1.0]}):
        with pytest.raises(SettingError, match=next(iter(changes))):
            settings(FocalConfig, **changes)
    with pytest.raises(SettingError, match="each of 3 classes"):
        trainer_for(settings, tiny_rows(1), class_weights=[1.0, 2.0])
    with pytest.raises(ColumnError, match="no 'labels'"):
        run(FocalTrainer, settings(FocalConfig), tiny_rows(2).remove_columns("label"))
