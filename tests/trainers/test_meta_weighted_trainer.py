"""Meta-weighting as a Trainer: what it learns of bad rows, and that batches, seeds and kills change nothing."""

import numpy as np
import pytest
import torch
from tiny_classifiers import KillAt, tiny_model, tiny_rows, tiny_tokenizer
from transformers import Trainer, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from condensers.errors import ColumnError, RowError, SettingError, SourceNotFoundError
from condensers.trainers import meta_weighted_trainer
from condensers.trainers.clean_batches import CleanBatches
from condensers.trainers.meta_weighted_config import MetaWeightedConfig
from condensers.trainers.meta_weighted_trainer import SCORES_FILE, MetaWeightedTrainer

VARIANTS = ("ren", "hu")


def swapped(rows, share=4):
    """Every fourth row, and so some of each class, gets the next class; returns the rows and which they are."""
    bad = np.arange(len(rows)) % share == 0
    labels = [(label + 1) % 3 if is_bad else label for label, is_bad in zip(rows["label"], bad, strict=True)]
    return rows.remove_columns("label").add_column("label", labels, feature=rows.features["label"]), bad


def losses(trainer):
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def weighted(run, settings, rows, model=None, resume=None, quality=None, callbacks=None, **changes):
    return run(
        MetaWeightedTrainer,
        settings(MetaWeightedConfig, quality_batch_size=12, **changes),
        rows,
        model=model,
        resume=resume,
        quality_dataset=quality or tiny_rows(4, seed=7),
        callbacks=callbacks,
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_mislabelled_rows_weigh_less(settings, run, variant):
    """For models that have begun to know the classes; over three seeds, since single rows can take whole steps."""
    rows, bad = swapped(tiny_rows(24))
    found = []
    for seed in range(3):
        model = tiny_model(seed)
        run(Trainer, settings(TrainingArguments), tiny_rows(24, seed=9), model=model)
        trainer = weighted(run, settings, rows, model, variant=variant, num_train_epochs=1, learning_rate=1e-4)
        found.append(trainer.row_weights_.numpy())
    weights = np.stack(found)
    # The weights of a step are 1 on average, or all 0 where no row helps.
    assert weights.mean() <= 1 + 1e-5
    assert np.median(weights[:, bad]) < 0.5 * np.median(weights[:, ~bad])
    if variant == "ren":
        assert (weights[:, bad] == 0).mean() > 0.6 > 0.5 > (weights[:, ~bad] == 0).mean()
    else:
        assert weights.mean() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_equal_shares_are_trainer(settings, run, assert_same_model, monkeypatch, smoothing):
    """Bit for bit, with dropout: finding the weights draws no random number and changes nothing in the model."""

    def equal(step):
        meta_weighted_trainer.updated_scores(
            step, torch.zeros(8), virtual_learning_rate=1.0, score_learning_rate=1.0, score_retention=1.0
        )
        n_rows = sum(len(batch.labels) for batch in step.train)
        return torch.full((n_rows,), 1 / n_rows)

    monkeypatch.setattr(meta_weighted_trainer, "rectified_shares", equal)
    rows = tiny_rows(8)
    plain = run(Trainer, settings(TrainingArguments, label_smoothing_factor=smoothing), rows)
    ours = weighted(run, settings, rows, label_smoothing_factor=smoothing)
    assert_same_model(ours, plain, atol=1e-6)
    assert losses(ours) == pytest.approx(losses(plain), abs=1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_accumulation_changes_nothing(settings, run, assert_same_model, variant):
    """Weights are shared out over the step and not over its batches; the last step is uneven."""
    shared = {"optim": "sgd", "learning_rate": 0.1, "max_grad_norm": 0.0, "variant": variant}
    rows, _ = swapped(tiny_rows(9))
    whole, parts = (
        weighted(
            run,
            settings,
            rows,
            model=tiny_model(),
            per_device_train_batch_size=size,
            gradient_accumulation_steps=8 // size,
            **shared,
        )
        for size in (8, 2)
    )
    assert_same_model(parts, whole, atol=2e-6)
    torch.testing.assert_close(parts.row_weights_, whole.row_weights_, rtol=1e-4, atol=1e-4)
    assert losses(parts) == pytest.approx(losses(whole), abs=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_killed_and_resumed_run_is_an_unbroken_one(settings, run, assert_same_model, tmp_path, variant):
    rows, _ = swapped(tiny_rows(8))
    shared = {"variant": variant, "save_strategy": "steps", "save_steps": 2}
    unbroken = weighted(run, settings, rows, output_dir=str(tmp_path / "whole"), **shared)
    with pytest.raises(KeyboardInterrupt):
        weighted(run, settings, rows, callbacks=[KillAt(5)], **shared)
    last = get_last_checkpoint(str(tmp_path / "run"))
    assert last.endswith("checkpoint-4")
    resumed = weighted(run, settings, rows, resume=last, **shared)
    assert_same_model(resumed, unbroken)
    assert resumed._scores.tolist() == unbroken._scores.tolist()
    if variant == "hu":
        assert len(set(resumed._scores.tolist())) > len(rows) // 2
        with pytest.raises(SettingError, match="run on 24 rows; now there are 27"):
            weighted(run, settings, tiny_rows(9), resume=last, **shared)
        (tmp_path / "run" / "checkpoint-4" / SCORES_FILE).unlink()
        with pytest.raises(SourceNotFoundError, match=SCORES_FILE):
            weighted(run, settings, rows, resume=last, **shared)


def test_seeds(settings, run, assert_same_model):
    rows, _ = swapped(tiny_rows(6))
    one, same, other = (weighted(run, settings, rows, model=tiny_model(), seed=seed) for seed in (1, 1, 2))
    assert_same_model(one, same)
    assert one.row_weights_.tolist() != other.row_weights_.tolist()


def test_bf16_weights_are_near_those_of_float32(settings, run):
    rows, _ = swapped(tiny_rows(8))
    exact, half = (
        weighted(run, settings, rows, model=tiny_model(), max_steps=1, num_train_epochs=1, bf16=bf16)
        for bf16 in (False, True)
    )
    seen = ~exact.row_weights_.isnan()
    assert half.row_weights_.dtype == torch.float32
    torch.testing.assert_close(half.row_weights_[seen], exact.row_weights_[seen], rtol=0.1, atol=0.1)


def test_text_and_clean_rows_that_count_their_classes_otherwise(settings, run, assert_same_model):
    rows, quality = tiny_rows(6), tiny_rows(4, seed=7)
    text = ["input_ids", "attention_mask", "token_type_ids"]
    names = quality.features["label"].names
    turned = quality.remove_columns([*text, "label"]).add_column(
        "label", [names[code].upper() for code in quality["label"]]
    )
    one = weighted(run, settings, rows, model=tiny_model(), quality=quality)
    two = weighted(run, settings, rows.remove_columns(text), model=tiny_model(), quality=turned)
    assert_same_model(one, two)


def test_clean_batches_are_shuffled_passes(settings):
    rows = tiny_rows(3).select_columns(["id"])
    batches = CleanBatches(rows, list, size=4, seed=3)
    seen = np.concatenate([batches.positions(step) for step in range(9)])
    for start in range(0, 36, 9):
        assert sorted(seen[start : start + 9]) == list(range(9))
    assert seen[:9].tolist() != seen[9:18].tolist()
    assert CleanBatches(rows, list, size=4, seed=3).positions(7).tolist() == batches.positions(7).tolist()
    assert CleanBatches(rows, list, size=4, seed=4).positions(7).tolist() != batches.positions(7).tolist()
    assert sorted(row["id"] for row in CleanBatches(rows, list, size=50, seed=0).batch(5)) == list(range(9))


def test_mistakes(settings, run):
    rows = tiny_rows(3)
    for changes in (
        {"variant": "wu"},
        {"quality_batch_size": 0},
        {"virtual_learning_rate": 0.0},
        {"score_learning_rate": float("nan")},
        {"score_retention": 1.5},
    ):
        with pytest.raises(SettingError, match=next(iter(changes))):
            settings(MetaWeightedConfig, **changes)

    def made(train=rows, **options):
        return MetaWeightedTrainer(
            model=tiny_model(),
            args=settings(TrainingArguments),
            train_dataset=train,
            processing_class=tiny_tokenizer(),
            **options,
        )

    with pytest.raises(SettingError, match="`quality_dataset=`"):
        made()
    with pytest.raises(SettingError, match=r"`datasets\.Dataset`"):
        made(list(rows), quality_dataset=tiny_rows(2, seed=7))
    with pytest.raises(RowError, match="empty"):
        made(quality_dataset=rows.select([]))
    with pytest.raises(ColumnError, match="label"):
        made(quality_dataset=tiny_rows(2, seed=7).remove_columns("label"))
    with pytest.warns(UserWarning, match="9 of 9 training rows also occur"):
        made(quality_dataset=rows)
