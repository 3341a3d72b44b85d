"""Weights of synthetic rows as columns, against the trainers that take them."""

import numpy as np
import pytest
from conftest import make_rows
from datasets import Value
from tiny_classifiers import NAMES, tiny_model, tiny_rows, tiny_tokenizer
from transformers import DataCollatorWithPadding

from condensers import score_synthetic
from condensers.errors import RowError, SettingError
from condensers.rewards import FitRecipe, LabelConfidence
from condensers.trainers import ImportanceWeightedConfig, ImportanceWeightedTrainer

QUICK = FitRecipe(learning_rate=5e-3, max_steps=20, batch_size=12)


def checker(seed):
    return LabelConfidence.from_classifier(tiny_model(seed), processing_class=tiny_tokenizer())


@pytest.fixture
def bert(tmp_path):
    tiny_model().save_pretrained(tmp_path / "bert")
    tiny_tokenizer().save_pretrained(tmp_path / "bert")
    return tmp_path / "bert"


def test_weights_are_the_one_checker_over_the_other():
    """Equation 6, with both probabilities taken from the logits by hand."""
    rows, quality, diversity = make_rows(3), checker(1), checker(2)
    found = score_synthetic(rows, quality_model=quality, diversity_model=diversity)
    probs = [np.exp(each.predict_log_proba(rows))[np.arange(9), rows["label"][:]] for each in (quality, diversity)]
    np.testing.assert_allclose(found.dataset["importance_weight"][:], probs[0] / probs[1], rtol=1e-5)
    np.testing.assert_allclose(np.exp(found.dataset["quality_log_prob"][:]), probs[0], rtol=1e-5)
    np.testing.assert_allclose(np.exp(found.dataset["diversity_log_prob"][:]), probs[1], rtol=1e-5)
    assert found.dataset.remove_columns(["quality_log_prob", "diversity_log_prob", "importance_weight"])[:] == rows[:]
    weights = probs[0] / probs[1]
    assert found.diagnostics.effective_sample_size == pytest.approx(weights.sum() ** 2 / (weights**2).sum(), rel=1e-4)
    assert found.reports == {}


def test_one_checker_for_both_weighs_all_rows_alike():
    same = checker(1)
    found = score_synthetic(make_rows(3), quality_model=same, diversity_model=same)
    assert found.dataset["importance_weight"][:] == [1.0] * 9


def test_a_row_that_is_mislabelled_weighs_less_than_its_neighbours(bert):
    rows = make_rows(8).cast_column("label", Value("int64"))
    wrong = [0, 4, 8]
    labels = np.asarray(rows["label"][:])
    labels[wrong] = (labels[wrong] + 1) % 3
    synthetic = rows.remove_columns("label").add_column("label", labels)
    synthetic = synthetic.cast_column("label", make_rows(1).features["label"])
    recipe = FitRecipe(learning_rate=5e-3, max_steps=60, batch_size=12)
    found = score_synthetic(synthetic, model=bert, quality_dataset=make_rows(8, seed=5), recipe=recipe, max_weight=5)
    weights = np.asarray(found.dataset["importance_weight"][:])
    assert weights[wrong].max() < np.delete(weights, wrong).min()
    assert found.reports["quality"].in_sample and not found.reports["diversity"].in_sample
    assert found.reports["quality"].accuracy > 0.8


def test_a_seed_fixes_the_scores_and_scored_rows_can_be_scored_again(bert):
    options = {"model": bert, "quality_dataset": make_rows(4, seed=5), "recipe": QUICK}
    one, two, other = (score_synthetic(make_rows(4), seed=seed, **options).dataset for seed in (1, 1, 2))
    assert one["importance_weight"][:] == two["importance_weight"][:] != other["importance_weight"][:]
    again = score_synthetic(other, seed=1, **options).dataset
    assert again["importance_weight"][:] == one["importance_weight"][:]
    assert again.column_names == one.column_names


def test_the_trainer_takes_the_column(tmp_path):
    found = score_synthetic(tiny_rows(4), quality_model=checker(1), diversity_model=checker(2))
    trainer = ImportanceWeightedTrainer(
        model=tiny_model(),
        args=ImportanceWeightedConfig(output_dir=str(tmp_path), use_cpu=True, report_to="none", max_steps=1),
        train_dataset=found.dataset,
        data_collator=DataCollatorWithPadding(tiny_tokenizer()),
        processing_class=tiny_tokenizer(),
    )
    trainer.prepare_weights()
    np.testing.assert_allclose(trainer.row_weights_.weights[0], found.dataset["importance_weight"][:])


def test_mistakes(bert):
    rows = make_rows(2)
    with pytest.raises(SettingError, match="`quality_dataset=`"):
        score_synthetic(rows, model=bert)
    with pytest.raises(SettingError, match="pass `model=`"):
        score_synthetic(rows, quality_model=checker(1))
    with pytest.raises(SettingError, match="`max_weight` must be a number above 0"):
        score_synthetic(rows, model=bert, quality_dataset=rows, max_weight=0)
    strangers = LabelConfidence.from_classifier(
        tiny_model(), processing_class=tiny_tokenizer(), label_names=("fruit", "metal", "fish")
    )
    with pytest.raises(RowError, match="bird"):
        score_synthetic(rows, quality_model=strangers, diversity_model=strangers)
    assert NAMES == ("fruit", "metal", "bird")
