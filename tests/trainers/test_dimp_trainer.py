import copy
import math

import numpy as np
import pytest
import torch
from conftest import make_rows
from tiny_classifiers import KillAt, tiny_model, tiny_rows, tiny_tokenizer
from transformers import TrainerCallback, TrainingArguments

from condensers.errors import RowError, SettingError
from condensers.rewards import FitRecipe, LabelConfidence
from condensers.trainers import DIMPConfig, DIMPTrainer, ImportanceWeightedConfig, load_weights


@pytest.fixture(scope="module")
def quality():
    model = LabelConfidence.from_classifier(tiny_model(1), processing_class=tiny_tokenizer())
    return model.fit(make_rows(6, seed=91), recipe=FitRecipe(learning_rate=3e-3, max_steps=30, batch_size=6))


def scored(rows, values=None):
    return rows.add_column("quality_log_prob", values or [-0.05 * i for i in range(len(rows))])


def one_batch(settings, **options):
    trainer = DIMPTrainer(
        model=tiny_model(),
        args=settings(DIMPConfig, **options),
        train_dataset=scored(tiny_rows(2)),
        processing_class=tiny_tokenizer(),
    )
    trainer.prepare_weights()
    trainer.model.train()
    return trainer, next(iter(trainer.get_train_dataloader()))


def live_log_probs(model, batch):
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids")}
    return torch.log_softmax(model(**inputs).logits, -1)[range(len(batch["labels"])), batch["labels"]]


def test_loss_of_a_batch(settings):
    """Eq. 9, from the live model."""
    trainer, batch = one_batch(settings)
    with torch.no_grad():
        live = live_log_probs(trainer.model, batch).double()
    expected = -(batch["quality_log_prob"].double().exp() / live.exp() * live).mean()
    assert trainer.compute_loss(trainer.model, batch).item() == pytest.approx(expected.item(), rel=1e-5)


def directional_difference(model, direction, loss, step=5e-3):
    """Central difference of `loss()` along `direction`."""
    values = []
    for sign in (1, -1):
        with torch.no_grad():
            for weight, move in zip(model.parameters(), direction, strict=True):
                weight += sign * step * move
            values.append(loss().double().item())
            for weight, move in zip(model.parameters(), direction, strict=True):
                weight -= sign * step * move
    return (values[0] - values[1]) / (2 * step)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_gradient_holds_the_weight_fixed(settings, seed):
    """By finite differences of sum w log p with w at the start; letting w move gives another slope."""
    trainer, batch = one_batch(settings)
    model, quality = trainer.model, batch["quality_log_prob"]
    trainer.compute_loss(model, batch).backward()
    torch.manual_seed(seed)
    direction = [torch.randn_like(weight) / 10 for weight in model.parameters()]
    slope = sum((weight.grad * move).sum().item() for weight, move in zip(model.parameters(), direction, strict=True))
    with torch.no_grad():
        fixed = (quality - live_log_probs(model, batch)).exp()
    held = directional_difference(model, direction, lambda: -(fixed * live_log_probs(model, batch)).mean())
    moving = directional_difference(model, direction, lambda: trainer.compute_loss(model, batch))
    assert slope == pytest.approx(held, rel=1e-2, abs=1e-3)
    assert abs(slope - moving) > 5 * abs(slope - held)


def test_without_diversity_checker_a_row_weighs_its_quality(settings, run):
    rows = scored(tiny_rows(9))
    trainer = run(DIMPTrainer, settings(DIMPConfig, use_diversity_checker=False), rows)
    np.testing.assert_allclose(trainer.row_weights_.weights, np.exp([rows["quality_log_prob"][:]]), rtol=1e-6)
    trainer, batch = one_batch(settings, use_diversity_checker=False)
    live = live_log_probs(trainer.model, batch)
    expected = -(batch["quality_log_prob"].exp() * live).mean()
    assert trainer.compute_loss(trainer.model, batch).item() == pytest.approx(expected.item(), rel=1e-5)


def test_max_weight_and_normalisation(settings):
    trainer, batch = one_batch(settings, max_weight=1.2, normalize_weights=True)
    with torch.no_grad():
        live = live_log_probs(trainer.model, batch)
    weights = (batch["quality_log_prob"] - live).exp()
    assert (weights > 1.2).any()
    weights = weights.clamp(max=1.2)
    expected = -(weights / weights.mean() * live).mean()
    assert trainer.compute_loss(trainer.model, batch).item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_quality_checker_scores_the_rows_once_and_nothing_else_runs(settings, run, quality, monkeypatch):
    """One pass over 27 rows, one over the quality set for the report, and the steps of training."""
    calls = []

    def count(module, args, kwargs):
        calls.append((module is quality.backbone, module.training, len(kwargs["input_ids"])))

    model = tiny_model()
    handles = [part.register_forward_pre_hook(count, with_kwargs=True) for part in (model, quality.backbone)]
    run(
        DIMPTrainer,
        settings(DIMPConfig),
        tiny_rows(9),
        model=model,
        quality_model=quality,
        quality_dataset=tiny_rows(4, seed=7),
    )
    for handle in handles:
        handle.remove()
    assert sorted(rows for checker, _, rows in calls if checker) == [12, 27]
    steps = [rows for checker, training, rows in calls if not checker and training]
    assert steps == [8, 8, 8, 3] * 2
    assert len(calls) == 2 + len(steps)


def test_quality_comes_from_the_checker(settings, run, quality):
    rows = tiny_rows(9)
    trainer = run(DIMPTrainer, settings(TrainingArguments), rows, quality_model=quality)
    np.testing.assert_allclose(trainer.row_weights_.quality, quality.log_prob(rows), atol=1e-6)


def test_the_checker_may_be_the_model_that_is_trained(settings, run, quality):
    model, rows = tiny_model(), tiny_rows()
    expected = LabelConfidence.from_classifier(tiny_model(), processing_class=tiny_tokenizer()).log_prob(rows)
    trainer = run(DIMPTrainer, settings(DIMPConfig), rows, model=model, quality_model=model)
    np.testing.assert_allclose(trainer.row_weights_.quality, expected, atol=1e-6)


def test_a_checker_may_be_a_folder(settings, run, quality, tmp_path):
    quality.save_pretrained(tmp_path / "checker")
    rows = tiny_rows(9)
    one = run(DIMPTrainer, settings(TrainingArguments), rows, quality_model=tmp_path / "checker")
    np.testing.assert_allclose(one.row_weights_.quality, quality.log_prob(rows), atol=1e-6)


def test_what_the_live_model_said_is_recorded_each_epoch(settings, run):
    said = []

    class Spy(DIMPTrainer):
        def _row_weights(self, columns, log_probs):
            said.append((columns["row_index"].tolist(), log_probs.tolist()))
            return super()._row_weights(columns, log_probs)

    rows = scored(tiny_rows(9))
    trainer = run(Spy, settings(DIMPConfig, group_column="label"), rows)
    kept = trainer.row_weights_
    assert kept.weights.shape == kept.diversity.shape == (2, 27)
    for epoch, batches in enumerate((said[:4], said[4:])):
        expected = np.empty(27)
        for positions, values in batches:
            expected[positions] = values
        np.testing.assert_allclose(kept.diversity[epoch], expected, rtol=1e-6)
        weights = np.exp(np.array(rows["quality_log_prob"][:]) - expected)
        np.testing.assert_allclose(kept.weights[epoch], weights, rtol=1e-4)
    logged = [entry for entry in trainer.state.log_history if "weight_mean" in entry]
    assert [entry["epoch"] for entry in logged] == [1.0, 2.0]
    assert logged[1]["weight_mean"] == pytest.approx(kept.weights[1].mean(), rel=1e-5)
    assert {"weight_mean_fruit", "weight_mean_metal", "weight_mean_bird"} <= set(logged[0])


def test_recording_does_not_touch_the_run(settings, run, assert_same_model):
    class Unrecorded(DIMPTrainer):
        def _begin_run(self):
            pass

    rows = scored(tiny_rows(9))
    one, two = (run(kind, settings(DIMPConfig), rows) for kind in (DIMPTrainer, Unrecorded))
    assert_same_model(one, two)
    assert len(two.row_weights_.weights) == 0


def test_fitting_the_checker_does_not_touch_the_run(settings, run, assert_same_model):
    """The scores of a fitted checker, given back ready-made, train the same model."""
    rows = tiny_rows(9)
    one = run(DIMPTrainer, settings(DIMPConfig), rows, quality_dataset=tiny_rows(4, seed=7))
    ready = scored(rows, one.row_weights_.quality.tolist())
    assert_same_model(one, run(DIMPTrainer, settings(DIMPConfig), ready))


@pytest.mark.parametrize("stop", [5, 6])
def test_a_killed_run_resumes_to_the_same_model(settings, run, assert_same_model, tmp_path, stop):
    """Killed within the second epoch; the second process draws another head."""
    args = {"save_strategy": "steps", "save_steps": 3, "num_train_epochs": 3, "checker_learning_rate": 3e-3}
    given = {"quality_dataset": tiny_rows(4, seed=7)}
    config = settings(DIMPConfig, output_dir=str(tmp_path / "whole"), **args)
    whole = run(DIMPTrainer, config, tiny_rows(9), **given)
    config = settings(DIMPConfig, **args)
    with pytest.raises(KeyboardInterrupt):
        run(DIMPTrainer, config, tiny_rows(9), callbacks=[KillAt(stop)], **given)
    checkpoint = True if stop == 5 else str(tmp_path / "run" / "checkpoint-3")
    other = tiny_model(33, dropout=0.1)
    again = run(DIMPTrainer, config, tiny_rows(9), model=other, resume=checkpoint, **given)
    assert_same_model(again, whole)
    np.testing.assert_array_equal(again.row_weights_.quality, whole.row_weights_.quality)
    assert again.checker_reports() == whole.checker_reports()
    # Step 3 of 4 was the last one saved in the first epoch, which is therefore recorded again in part.
    kept, _ = load_weights(tmp_path / "run" / "importance_weights")
    assert kept.weights.shape == (3, 27)
    assert np.isnan(kept.weights[0]).sum() == 24
    np.testing.assert_array_equal(kept.weights[1:], whole.row_weights_.weights[1:])


def test_training_twice_records_the_second_run(settings, run):
    trainer = run(DIMPTrainer, settings(DIMPConfig), scored(tiny_rows(9)))
    trainer.train()
    assert trainer.row_weights_.weights.shape == (2, 27)


def test_a_checker_fitted_in_bf16(settings, run):
    """Mixed precision reaches fit and scores, and nothing of it stays on the model."""
    args = settings(DIMPConfig, bf16=True, checker_learning_rate=3e-3)
    trainer = run(DIMPTrainer, args, tiny_rows(9), quality_dataset=tiny_rows(4, seed=7))
    exact = run(
        DIMPTrainer,
        settings(DIMPConfig, checker_learning_rate=3e-3),
        tiny_rows(9),
        quality_dataset=tiny_rows(4, seed=7),
    )
    assert trainer.row_weights_.quality.dtype == np.float32
    assert not np.array_equal(trainer.row_weights_.quality, exact.row_weights_.quality)
    np.testing.assert_allclose(trainer.row_weights_.quality, exact.row_weights_.quality, atol=0.1)


def test_a_fitted_checker_reads_the_trainers_tokens_whatever_they_are(settings):
    """Without a tokenizer, with rows of one length: as Trainer takes them."""
    tokenizer = tiny_tokenizer()
    rows, real = (
        part.map(lambda row: tokenizer(row["text"], padding="max_length", max_length=8), remove_columns=["text"])
        for part in (tiny_rows(4), tiny_rows(2, seed=7))
    )
    trainer = DIMPTrainer(model=tiny_model(), args=settings(DIMPConfig), train_dataset=rows, quality_dataset=real)
    trainer.train()
    assert trainer.row_weights_.weights.shape == (2, 12)


def test_bf16(settings, run):
    trainer = run(DIMPTrainer, settings(DIMPConfig, bf16=True), scored(tiny_rows(9)))
    assert trainer.row_weights_.weights.dtype == np.float32
    assert math.isfinite(trainer.state.log_history[-1]["train_loss"])
    half = copy.deepcopy(trainer.model).to(torch.bfloat16)
    loss = trainer.compute_loss(half.train(), next(iter(trainer.get_train_dataloader())))
    assert loss.dtype == torch.float32


def test_a_callback_that_evaluates_sees_the_plain_loss(settings, run):
    seen = []

    class Look(TrainerCallback):
        def on_evaluate(self, args, state, control, metrics, **kwargs):
            seen.append(metrics["eval_loss"])

    rows = tiny_rows(9)
    args = settings(DIMPConfig, eval_strategy="epoch")
    trainer = run(DIMPTrainer, args, scored(rows), eval_dataset=rows, callbacks=[Look()])
    batch = {name: torch.tensor(rows[name][:]) for name in ("input_ids", "attention_mask", "token_type_ids")}
    batch["labels"] = torch.tensor(rows["label"][:])
    trainer.model.eval()
    with torch.no_grad():
        expected = -live_log_probs(trainer.model, batch).mean().item()
    assert seen[-1] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([-1.0, 0.5] * 3, "3 of 6 numbers in column 'quality_log_prob' are no log-probabilities"),
        ([float("nan")] + [-1.0] * 5, "1 of 6"),
        ([-math.inf] * 6, "all 6 probabilities"),
    ],
)
def test_bad_ready_scores(settings, run, values, message):
    with pytest.raises(RowError, match=message):
        run(DIMPTrainer, settings(DIMPConfig), scored(tiny_rows(2), values))


def test_mistakes(settings, run, quality):
    rows = tiny_rows(2)
    with pytest.raises(SettingError, match="cannot be a ImportanceWeightedConfig"):
        run(DIMPTrainer, settings(ImportanceWeightedConfig), rows, quality_model=quality)
    with pytest.raises(SettingError, match="pass `quality_dataset=`"):
        run(DIMPTrainer, settings(DIMPConfig), rows)
    with pytest.raises(RowError, match="`quality_dataset` is empty"):
        run(DIMPTrainer, settings(DIMPConfig), rows, quality_dataset=rows.select([]))
    with pytest.warns(UserWarning, match="6 of 6 training rows"):
        run(DIMPTrainer, settings(DIMPConfig), rows, quality_dataset=rows)
