import copy
import json

import numpy as np
import pytest
from conftest import make_rows
from datasets import ClassLabel, Value
from tiny_classifiers import NAMES, KillAt, tiny_model, tiny_rows, tiny_tokenizer
from transformers import BertTokenizer, TrainingArguments

from condensers.errors import ColumnError, NotFittedError, RowError, SettingError
from condensers.rewards import FitRecipe, LabelConfidence
from condensers.trainers import DIMPConfig, ImportanceWeightedConfig, ImportanceWeightedTrainer, load_weights


def checker(seed, *, names=NAMES, steps=30):
    model = LabelConfidence.from_classifier(tiny_model(seed, names=names), processing_class=tiny_tokenizer())
    rows = make_rows(6, seed=90 + seed).cast_column("label", Value("int64"))
    rows = rows.map(lambda row: {"label": [list(names).index(name) for name in NAMES][row["label"]]})
    rows = rows.cast_column("label", ClassLabel(names=list(names)))
    return model.fit(rows, recipe=FitRecipe(learning_rate=3e-3, max_steps=steps, batch_size=6))


@pytest.fixture(scope="module")
def quality():
    return checker(1)


@pytest.fixture(scope="module")
def diversity():
    return checker(2, steps=10)


def test_weights_are_quality_over_diversity(settings, run, quality, diversity):
    """Eq. 6, from two given checkers."""
    rows = tiny_rows(9)
    trainer = run(
        ImportanceWeightedTrainer,
        settings(TrainingArguments),
        rows,
        quality_model=quality,
        diversity_model=diversity,
    )
    expected = np.exp(quality.log_prob(rows).astype(np.float64) - diversity.log_prob(rows))
    np.testing.assert_allclose(trainer.row_weights_.weights[0], expected, rtol=1e-5)
    np.testing.assert_allclose(trainer.train_dataset["importance_weight"][:], expected, rtol=1e-5)
    assert expected.std() > 0.05


def test_both_checkers_are_fitted_from_the_users_model(settings, run):
    rows, real = tiny_rows(9), tiny_rows(4, seed=7)
    args = settings(
        ImportanceWeightedConfig, checker_learning_rate=3e-3, checker_num_train_epochs=8, checker_batch_size=6, seed=5
    )
    start = tiny_model()
    trainer = ImportanceWeightedTrainer(
        model=copy.deepcopy(start),
        args=args,
        train_dataset=rows,
        quality_dataset=real,
        processing_class=tiny_tokenizer(),
    )
    trainer.prepare_weights()
    recipe = FitRecipe(learning_rate=3e-3, num_train_epochs=8, batch_size=6)
    by_hand = [
        LabelConfidence.from_classifier(copy.deepcopy(start), processing_class=tiny_tokenizer())
        .fit(part, recipe=recipe, seed=5, args=settings(TrainingArguments))
        .log_prob(rows)
        for part in (real, rows)
    ]
    np.testing.assert_allclose(trainer.row_weights_.quality, by_hand[0], atol=1e-5)
    np.testing.assert_allclose(trainer.row_weights_.diversity[0], by_hand[1], atol=1e-5)
    # The model itself has not moved.
    assert all((a == b).all() for a, b in zip(trainer.model.parameters(), start.parameters(), strict=True))
    reports = trainer.checker_reports()
    assert reports["quality"].in_sample
    assert not reports["diversity"].in_sample
    assert reports["quality"].n_rows == len(real)


def test_max_weight_and_normalisation(settings, run, quality, diversity):
    shared = {"quality_model": quality, "diversity_model": diversity}
    plain = run(ImportanceWeightedTrainer, settings(ImportanceWeightedConfig), tiny_rows(9), **shared)
    limit = float(np.quantile(plain.row_weights_.weights, 0.7))
    args = settings(ImportanceWeightedConfig, max_weight=limit, normalize_weights=True)
    trainer = run(ImportanceWeightedTrainer, args, tiny_rows(9), **shared)
    clipped = plain.row_weights_.weights[0].clip(max=limit)
    np.testing.assert_allclose(trainer.row_weights_.weights[0], clipped, rtol=1e-6)
    carried = np.asarray(trainer.train_dataset["importance_weight"][:])
    np.testing.assert_allclose(carried, clipped / clipped.mean(), rtol=1e-5)
    summary = trainer.weight_diagnostics()[0]
    assert summary.share_clipped == pytest.approx((plain.row_weights_.weights[0] > limit).mean())


def test_ready_weights_need_no_checker(settings, run):
    rows = tiny_rows(9)
    weights = [0.5 + i % 3 for i in range(27)]
    args = settings(ImportanceWeightedConfig, max_weight=2.0)
    trainer = run(ImportanceWeightedTrainer, args, rows.add_column("importance_weight", weights))
    np.testing.assert_allclose(trainer.train_dataset["importance_weight"][:], np.minimum(weights, 2.0))
    assert trainer.checker_reports() == {}


def test_a_checker_with_another_order_of_labels_is_mapped_by_name(settings, run, quality):
    turned = checker(1, names=NAMES[::-1])
    rows = tiny_rows(9)
    trainer = run(
        ImportanceWeightedTrainer, settings(TrainingArguments), rows, quality_model=turned, diversity_model=turned
    )
    np.testing.assert_allclose(trainer.row_weights_.quality, turned.log_prob(rows), atol=1e-6)
    assert turned.log_prob(rows).mean() > -0.8


def test_a_quality_set_with_another_order_of_labels_is_mapped_by_name(settings):
    real = tiny_rows(5, seed=7)
    turned = real.cast_column("label", Value("int64")).map(lambda row: {"label": 2 - row["label"]})
    turned = turned.cast_column("label", ClassLabel(names=NAMES[::-1]))
    quality = []
    for part in (real, turned):
        trainer = ImportanceWeightedTrainer(
            model=tiny_model(),
            args=settings(ImportanceWeightedConfig, checker_learning_rate=3e-3),
            train_dataset=tiny_rows(4),
            quality_dataset=part,
            processing_class=tiny_tokenizer(),
        )
        trainer.prepare_weights()
        quality.append(trainer.row_weights_.quality)
    np.testing.assert_array_equal(*quality)


def test_integers_are_named_by_the_model(settings, run, quality, diversity):
    rows = tiny_rows(4).cast_column("label", Value("int64"))
    given = {"quality_model": quality, "diversity_model": diversity}
    trainer = run(ImportanceWeightedTrainer, settings(TrainingArguments), rows, **given)
    np.testing.assert_allclose(trainer.row_weights_.quality, quality.log_prob(tiny_rows(4)), atol=1e-6)
    with pytest.raises(RowError, match="only one side has names"):
        run(ImportanceWeightedTrainer, settings(TrainingArguments), rows, model=tiny_model(names=3), **given)


def test_a_checker_with_a_tokenizer_of_its_own_reads_the_text(settings, run, quality):
    vocab = tiny_tokenizer().get_vocab()
    shuffled = BertTokenizer(vocab={word: (i if i < 5 else len(vocab) + 4 - i) for word, i in vocab.items()})
    other = LabelConfidence.from_classifier(tiny_model(4), processing_class=shuffled)
    rows = tiny_rows(4)
    trainer = run(
        ImportanceWeightedTrainer, settings(TrainingArguments), rows, quality_model=other, diversity_model=quality
    )
    text = rows.remove_columns(["input_ids", "attention_mask", "token_type_ids"])
    np.testing.assert_allclose(trainer.row_weights_.quality, other.log_prob(text), atol=1e-6)
    with pytest.raises(SettingError, match="a tokenizer of its own"):
        run(ImportanceWeightedTrainer, settings(TrainingArguments), rows.remove_columns("text"), quality_model=other)


def test_diagnostics_are_logged_and_saved(settings, run, quality, diversity, tmp_path):
    rows = tiny_rows(9).add_column("part", ["original", "swapped", "duplicated"] * 9)
    trainer = run(
        ImportanceWeightedTrainer,
        settings(ImportanceWeightedConfig, group_column="part", max_weight=1.5),
        rows,
        quality_model=quality,
        diversity_model=diversity,
        quality_dataset=tiny_rows(4, seed=7),
    )
    saved, record = load_weights(tmp_path / "run" / "importance_weights")
    np.testing.assert_array_equal(saved.weights, trainer.row_weights_.weights)
    np.testing.assert_array_equal(saved.quality, trainer.row_weights_.quality)
    assert saved.groups == tuple(rows["part"][:])
    assert record["settings"]["max_weight"] == 1.5
    assert set(record["checkers"]) == {"quality", "diversity"}
    assert set(record["weights"][0]["groups"]) == {"original", "swapped", "duplicated"}
    weights = trainer.row_weights_.weights[0].astype(float)
    expected = weights.sum() ** 2 / (weights**2).sum()
    assert record["weights"][0]["effective_sample_size"] == pytest.approx(expected)
    first = trainer.state.log_history[0]
    assert first["weight_effective_share"] == pytest.approx(expected / 27)
    assert first["quality_checker_accuracy"] == trainer.checker_reports()["quality"].accuracy
    assert {"weight_mean_swapped", "quality_checker_calibration_error", "weight_clipped_share"} <= set(first)
    json.dumps(record, allow_nan=False)


def test_a_killed_run_resumes_to_the_same_model(settings, run, assert_same_model, tmp_path):
    """The second process draws another head, so it must not fit the checkers again."""
    args = {"save_strategy": "steps", "save_steps": 3, "checker_learning_rate": 3e-3}
    given = {"quality_dataset": tiny_rows(4, seed=7)}
    whole = run(
        ImportanceWeightedTrainer,
        settings(ImportanceWeightedConfig, output_dir=str(tmp_path / "whole"), **args),
        tiny_rows(9),
        **given,
    )
    config = settings(ImportanceWeightedConfig, **args)
    with pytest.raises(KeyboardInterrupt):
        run(ImportanceWeightedTrainer, config, tiny_rows(9), callbacks=[KillAt(5)], **given)
    again = run(
        ImportanceWeightedTrainer, config, tiny_rows(9), model=tiny_model(33, dropout=0.1), resume=True, **given
    )
    np.testing.assert_array_equal(again.row_weights_.weights, whole.row_weights_.weights)
    assert_same_model(again, whole)


def test_scores_of_other_rows_are_not_taken_on_resuming(settings, run, tmp_path, caplog):
    config = settings(ImportanceWeightedConfig, save_strategy="steps", save_steps=3)
    real = tiny_rows(4, seed=7)
    one = run(ImportanceWeightedTrainer, config, tiny_rows(9), quality_dataset=real)
    two = run(ImportanceWeightedTrainer, config, tiny_rows(9, seed=4), quality_dataset=real, resume=True)
    assert "fitting the checkers again" in caplog.text
    assert not np.array_equal(one.row_weights_.weights, two.row_weights_.weights)


def test_an_empty_quality_set(settings, run):
    with pytest.raises(RowError, match="`quality_dataset` is empty"):
        run(
            ImportanceWeightedTrainer,
            settings(TrainingArguments),
            tiny_rows(2),
            quality_dataset=tiny_rows(2).select([]),
        )


def test_an_overlapping_quality_set_is_warned_of_with_the_count(settings, run):
    rows = tiny_rows(4)
    with pytest.warns(UserWarning, match=r"5 of 12 training rows also occur in the quality set of 5 rows"):
        run(ImportanceWeightedTrainer, settings(TrainingArguments), rows, quality_dataset=rows.select(range(5)))


def test_a_quality_set_without_a_class_is_warned_of(settings, run):
    real = tiny_rows(4, seed=7).filter(lambda row: row["label"] != 1)
    with pytest.warns(UserWarning, match=r"no row of the class\(es\) metal"):
        run(ImportanceWeightedTrainer, settings(TrainingArguments), tiny_rows(4), quality_dataset=real)


def test_checkers_with_other_labels_are_refused(settings, run):
    other = LabelConfidence.from_classifier(tiny_model(names=("fruit", "metal", "fish")))
    with pytest.raises(RowError, match=r"bird.*unknown to the quality checker.*fruit, metal, fish"):
        run(ImportanceWeightedTrainer, settings(TrainingArguments), tiny_rows(2), quality_model=other)
    real = tiny_rows(2, seed=7).cast_column("label", ClassLabel(names=["fruit", "metal", "fish"]))
    with pytest.raises(RowError, match=r"fish.*unknown to the training rows"):
        run(ImportanceWeightedTrainer, settings(TrainingArguments), tiny_rows(2), quality_dataset=real)


@pytest.mark.parametrize(
    ("weights", "message"),
    [([1.0, float("nan")] * 3, "3 of 6 weights"), ([-1.0] + [1.0] * 5, "1 of 6"), ([0.0] * 6, "all 6 weights")],
)
def test_bad_ready_weights(settings, run, weights, message):
    with pytest.raises(RowError, match=message):
        run(
            ImportanceWeightedTrainer,
            settings(TrainingArguments),
            tiny_rows(2).add_column("importance_weight", weights),
        )


def test_unclear_sources(settings, run, quality):
    rows = tiny_rows(2)
    args = settings(TrainingArguments)
    with pytest.raises(SettingError, match="pass `quality_dataset=`"):
        run(ImportanceWeightedTrainer, args, rows)
    with pytest.raises(SettingError, match="pass `quality_dataset=`"):
        run(ImportanceWeightedTrainer, args, rows, diversity_model=quality)
    with pytest.raises(SettingError, match="nothing to do"):
        run(ImportanceWeightedTrainer, args, rows.add_column("importance_weight", [1.0] * 6), quality_model=quality)
    with pytest.raises(SettingError, match=r"score a `datasets.Dataset`; got list"):
        run(ImportanceWeightedTrainer, args, list(rows), quality_model=quality)
    with pytest.raises(SettingError, match="cannot be a DIMPConfig"):
        run(ImportanceWeightedTrainer, settings(DIMPConfig), rows, quality_model=quality)
    with pytest.raises(ColumnError, match="no column 'part' to group by"):
        run(
            ImportanceWeightedTrainer,
            settings(ImportanceWeightedConfig, group_column="part"),
            rows,
            quality_model=quality,
        )
    with pytest.raises(RowError, match="but the model has 2 classes"):
        run(ImportanceWeightedTrainer, args, rows, quality_model=quality, model=tiny_model(names=2))


@pytest.mark.parametrize(
    "setting",
    [
        {"max_weight": 0.0},
        {"scoring_batch_size": 0},
        {"checker_learning_rate": 0.0},
        {"checker_num_train_epochs": 0},
        {"checker_batch_size": 0},
    ],
)
def test_settings_out_of_range(settings, setting):
    with pytest.raises(SettingError, match="must be"):
        settings(ImportanceWeightedConfig, **setting)


def test_nothing_is_fitted_to_evaluate(settings):
    trainer = ImportanceWeightedTrainer(
        model=tiny_model(), args=settings(TrainingArguments), processing_class=tiny_tokenizer()
    )
    assert trainer.evaluate(tiny_rows(2))["eval_loss"] > 0
    with pytest.raises(NotFittedError, match="no weights yet"):
        trainer.weight_diagnostics()
