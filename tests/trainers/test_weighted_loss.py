"""The loss that all weighting trainers share: its size, its gradient, and how it adds up over batches."""

import pickle

import pytest
import torch
from tiny_classifiers import tiny_model, tiny_rows, tiny_tokenizer
from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

from condensers.errors import ColumnError, SettingError
from condensers.trainers import DIMPConfig, DIMPTrainer, ImportanceWeightedTrainer
from condensers.trainers.carried_columns import CarriedColumns


def weighted(rows, weights=None):
    return rows.add_column("importance_weight", weights if weights is not None else [1.0] * len(rows))


def losses(trainer):
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def uneven(n_rows):
    return [0.1 + (7 * i % 5) for i in range(n_rows)]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("max_grad_norm", [1.0, 0.0])
def test_weights_of_one_give_the_run_of_trainer(settings, run, assert_same_model, smoothing, max_grad_norm):
    """Bit for bit, with dropout, shuffling, Adam and a last batch of three rows."""
    rows = tiny_rows(9)
    args = settings(TrainingArguments, label_smoothing_factor=smoothing, max_grad_norm=max_grad_norm)
    plain = run(Trainer, args, rows)
    ours = run(ImportanceWeightedTrainer, args, weighted(rows))
    assert_same_model(ours, plain)
    assert losses(ours) == pytest.approx(losses(plain), abs=1e-6)
    if not smoothing:
        assert ours.model.config.problem_type == plain.model.config.problem_type


def test_dimp_with_a_live_denominator_of_one_is_the_run_of_trainer(settings, run, assert_same_model):
    """P' = 1 and no denominator: the weight is 1."""
    rows = tiny_rows(9)
    plain = run(Trainer, settings(TrainingArguments), rows)
    args = settings(DIMPConfig, use_diversity_checker=False)
    ours = run(DIMPTrainer, args, rows.add_column("quality_log_prob", [0.0] * len(rows)))
    assert_same_model(ours, plain)


def test_gradient_of_one_batch_is_that_of_the_weighted_mean(settings):
    rows = weighted(tiny_rows(2), uneven(6))
    model = tiny_model()
    trainer = ImportanceWeightedTrainer(
        model=model, args=settings(TrainingArguments), train_dataset=rows, processing_class=tiny_tokenizer()
    )
    trainer.prepare_weights()
    batch = next(iter(trainer.get_train_dataloader()))
    model.train()
    loss = trainer.compute_loss(model, batch)
    ours = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    weights, labels = batch.pop("importance_weight"), batch.pop("labels")
    log_probs = torch.log_softmax(model(**batch).logits, -1)[range(6), labels]
    expected = -(weights * log_probs).sum() / 6
    torch.testing.assert_close(loss, expected)
    theirs = torch.autograd.grad(expected, list(model.parameters()), allow_unused=True)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_accumulation_changes_nothing(settings, run, assert_same_model, smoothing):
    """Batches of 8, of 4 in two parts and of 2 in four, the last one uneven; SGD, so that a factor would show."""
    rows = weighted(tiny_rows(9), uneven(27))
    shared = {"label_smoothing_factor": smoothing, "optim": "sgd", "learning_rate": 0.1, "max_grad_norm": 0.0}
    runs = [
        run(
            ImportanceWeightedTrainer,
            settings(
                TrainingArguments, per_device_train_batch_size=size, gradient_accumulation_steps=8 // size, **shared
            ),
            rows,
            model=tiny_model(),
        )
        for size in (8, 4, 2)
    ]
    for other in runs[1:]:
        assert_same_model(other, runs[0], atol=1e-6)
        assert losses(other) == pytest.approx(losses(runs[0]), abs=1e-5)


def test_dimp_accumulation_changes_nothing(settings, run, assert_same_model):
    rows = tiny_rows(9).add_column("quality_log_prob", [-0.05 * i for i in range(27)])
    shared = {"optim": "sgd", "learning_rate": 0.01, "max_grad_norm": 0.0}
    one, two = (
        run(
            DIMPTrainer,
            settings(
                TrainingArguments, per_device_train_batch_size=size, gradient_accumulation_steps=8 // size, **shared
            ),
            rows,
            model=tiny_model(),
        )
        for size in (8, 4)
    )
    assert_same_model(one, two, atol=1e-6)


def test_bf16_weights_and_loss_are_float32(settings, run):
    rows = weighted(tiny_rows(9), uneven(27))
    trainer = run(ImportanceWeightedTrainer, settings(TrainingArguments, bf16=True), rows)
    exact = run(ImportanceWeightedTrainer, settings(TrainingArguments), rows)
    assert losses(trainer) == pytest.approx(losses(exact), rel=0.05)
    half = tiny_model().to(torch.bfloat16)
    batch = next(iter(trainer.get_train_dataloader()))
    assert trainer.compute_loss(half, batch).dtype == torch.float32


def test_evaluation_is_not_weighted(settings):
    rows = tiny_rows(4)
    args = settings(TrainingArguments, per_device_eval_batch_size=5)
    shared = {"args": args, "eval_dataset": rows, "processing_class": tiny_tokenizer()}
    plain = Trainer(model=tiny_model(), **shared)
    ours = ImportanceWeightedTrainer(
        model=tiny_model(), train_dataset=weighted(rows), **(shared | {"eval_dataset": weighted(rows, uneven(12))})
    )
    assert ours.evaluate()["eval_loss"] == pytest.approx(plain.evaluate()["eval_loss"], rel=1e-6)
    predicted, expected = ours.predict(rows), plain.predict(rows)
    assert (predicted.predictions == expected.predictions).all()
    assert (predicted.label_ids == expected.label_ids).all()


def test_text_is_tokenised_and_other_columns_are_dropped(settings, run):
    rows = tiny_rows(9)
    text = rows.remove_columns(["input_ids", "attention_mask", "token_type_ids"])
    one = run(ImportanceWeightedTrainer, settings(TrainingArguments), weighted(rows), eval_dataset=rows)
    two = run(ImportanceWeightedTrainer, settings(TrainingArguments), weighted(text), eval_dataset={"a": text})
    assert losses(one) == losses(two)
    assert two.evaluate()["eval_a_loss"] == one.evaluate()["eval_loss"]


class Strict:
    """A collator that fails on columns it does not know."""

    def __init__(self):
        self.inner = DataCollatorWithPadding(tiny_tokenizer())

    def __call__(self, features):
        for row in features:
            assert set(row) <= {"input_ids", "attention_mask", "token_type_ids", "label"}
        return self.inner(features)


def test_any_collator_will_do(settings, run, assert_same_model):
    rows = weighted(tiny_rows(9), uneven(27))
    one = run(ImportanceWeightedTrainer, settings(TrainingArguments), rows, data_collator=Strict())
    assert_same_model(one, run(ImportanceWeightedTrainer, settings(TrainingArguments), rows))


def test_the_collator_can_be_sent_to_workers_and_shows_the_one_within():
    collate = pickle.loads(pickle.dumps(CarriedColumns(DataCollatorWithPadding(tiny_tokenizer()), ["w"])))
    assert collate.tokenizer.vocab_size == tiny_tokenizer().vocab_size
    batch = collate([{"input_ids": [2, 3], "w": 0.5}, {"input_ids": [2, 5, 3], "w": 2.0}])
    assert batch["w"].tolist() == [0.5, 2.0]
    with pytest.raises(AttributeError):
        _ = collate.nothing


def test_rows_that_are_no_dataset_carry_their_weights(settings, run, assert_same_model):
    rows = weighted(tiny_rows(9), uneven(27))
    columns = ["input_ids", "attention_mask", "label", "importance_weight"]
    listed = [{name: row[name] for name in columns} for row in rows]
    one = run(ImportanceWeightedTrainer, settings(TrainingArguments), listed)
    assert_same_model(one, run(ImportanceWeightedTrainer, settings(TrainingArguments), rows))
    with pytest.raises(ColumnError, match="no column 'importance_weight'"):
        run(ImportanceWeightedTrainer, settings(TrainingArguments), [{k: row[k] for k in columns[:3]} for row in rows])


def test_mistakes(settings, run):
    rows = weighted(tiny_rows(2))
    with pytest.raises(SettingError, match="drop `compute_loss_func`"):
        run(ImportanceWeightedTrainer, settings(TrainingArguments), rows, compute_loss_func=lambda *a, **k: 0)
    with pytest.raises(SettingError, match="num_labels=1"):
        run(ImportanceWeightedTrainer, settings(TrainingArguments), rows, model=tiny_model(names=1))
    with pytest.raises(ColumnError, match="no 'labels'"):
        run(ImportanceWeightedTrainer, settings(TrainingArguments), rows.remove_columns("label"))
