import copy
import random

import datasets
import numpy as np
import pytest
import torch
from conftest import make_rows
from datasets import ClassLabel, Dataset
from sklearn.utils import check_random_state
from tiny_classifiers import NAMES, tiny_model, tiny_rows, tiny_tokenizer
from torch import nn
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer, BertConfig, BertModel

from condensers.data import temporary_seed
from condensers.errors import ColumnError, RowError, SettingError, SourceNotFoundError
from condensers.rewards import FitRecipe, LabelConfidence, fitting, score_rows

QUICK = FitRecipe(learning_rate=5e-3, max_steps=40, batch_size=12)


def confidence(**options):
    return LabelConfidence.from_classifier(tiny_model(**options), processing_class=tiny_tokenizer())


@pytest.fixture(scope="module")
def fitted():
    return confidence(names=3).fit(make_rows(8), recipe=QUICK)


def test_wrapping_changes_no_weight_and_no_logit():
    model = tiny_model()
    before = copy.deepcopy(model.state_dict())
    batch = tiny_tokenizer()(["apple pear", "crow"], return_tensors="pt", padding=True)
    logits = model.eval()(**batch).logits
    wrapped = LabelConfidence.from_classifier(model).eval()
    assert wrapped.backbone is model
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert torch.equal(wrapped(**batch).logits, logits)


def test_wrapping_keeps_the_mode():
    for mode in (True, False):
        model = tiny_model().train(mode)
        LabelConfidence.from_classifier(model, processing_class=tiny_tokenizer()).log_prob(make_rows(2))
        assert model.training is mode


def test_wrapping_what_is_wrapped_returns_it(fitted):
    assert LabelConfidence.from_classifier(fitted) is fitted


@pytest.mark.parametrize("auto", [AutoModel, AutoModelForSequenceClassification, LabelConfidence])
def test_auto_classes_give_it_back(fitted, tmp_path, auto):
    fitted.save_pretrained(tmp_path)
    again = auto.from_pretrained(tmp_path)
    batch = tiny_tokenizer()(["apple pear", "crow iron fig"], return_tensors="pt", padding=True)
    assert type(again) is LabelConfidence
    assert torch.equal(again(**batch).logits, fitted(**batch).logits)
    assert again.config.id2label == dict(enumerate(NAMES))
    assert again.config.recipe["max_steps"] == 40
    assert again.digest() == fitted.digest()
    # The tokenizer lies beside it, so text can be scored at once.
    assert type(AutoTokenizer.from_pretrained(tmp_path)) is type(tiny_tokenizer())
    rows = make_rows(2, seed=3)
    np.testing.assert_array_equal(again.log_prob(rows), fitted.log_prob(rows))


def test_a_folder_is_a_classifier_too(fitted, tmp_path):
    fitted.save_pretrained(tmp_path / "wrapped")
    fitted.backbone.save_pretrained(tmp_path / "bare")
    tiny_tokenizer().save_pretrained(tmp_path / "bare")
    rows = make_rows(2, seed=3)
    for folder in ("wrapped", "bare"):
        again = LabelConfidence.from_classifier(tmp_path / folder)
        np.testing.assert_array_equal(again.log_prob(rows), fitted.log_prob(rows))


def test_an_encoder_gets_a_head_of_the_size_that_was_asked_for(tmp_path):
    BertModel(BertConfig(vocab_size=99, hidden_size=8, num_hidden_layers=1, num_attention_heads=1)).save_pretrained(
        tmp_path
    )
    assert LabelConfidence.from_classifier(tmp_path, label_names=("a", "b", "c", "d")).config.num_labels == 4


def test_fitting_learns_and_takes_the_names(fitted):
    assert fitted.config.id2label == fitted.backbone.config.id2label == dict(enumerate(NAMES))
    rows = make_rows(8)
    assert (fitted.predict_log_proba(rows).argmax(axis=1) == rows["label"][:]).mean() > 0.8
    assert not fitted.training


def test_log_prob_is_the_log_softmax_at_the_label(fitted):
    rows = make_rows(3, seed=1)
    batch = tiny_tokenizer()(rows["text"][:], return_tensors="pt", padding=True)
    with torch.no_grad():
        expected = torch.log_softmax(fitted(**batch).logits, -1)
    np.testing.assert_allclose(fitted.predict_log_proba(rows, batch_size=2), expected, atol=2e-6)
    picked = expected[range(9), rows["label"][:]]
    np.testing.assert_allclose(fitted.log_prob(rows), picked, atol=2e-6)


def test_rows_keep_their_order_whatever_their_length(fitted):
    texts = ["apple", "crow robin finch heron eagle", "iron zinc", "crow robin finch heron eagle stork swift"]
    rows = Dataset.from_dict({"text": texts})
    together = fitted.predict_log_proba(rows, batch_size=2)
    alone = [fitted.predict_log_proba(rows.select([i]))[0] for i in range(4)]
    np.testing.assert_allclose(together, alone, atol=2e-6)


def test_another_order_of_classes_gives_the_same_scores(fitted):
    rows = make_rows(4, seed=1)
    names = list(reversed(NAMES))
    other = rows.cast_column("label", datasets.Value("int64"))
    other = other.map(lambda row: {"label": 2 - row["label"]}).cast_column("label", ClassLabel(names=names))
    np.testing.assert_array_equal(fitted.log_prob(rows), fitted.log_prob(other))


def test_fitting_on_another_order_of_classes_learns_the_models_order():
    rows = make_rows(8).map(lambda row: {"text": row["text"].split()[0]})
    other = rows.cast_column("label", datasets.Value("int64"))
    other = other.map(lambda row: {"label": 2 - row["label"]}).cast_column("label", ClassLabel(names=NAMES[::-1]))
    model = confidence().fit(other, recipe=QUICK)
    assert model.config.id2label == dict(enumerate(NAMES))
    assert model.log_prob(rows, cache=False).mean() > -0.7


def test_scores_are_cached_under_weights_and_tokens(fitted, monkeypatch):
    rows = make_rows(3, seed=1)
    first = fitted.log_prob(rows)
    calls = []

    def counted(*args, **kwargs):
        calls.append(1)
        return score_rows(*args, **kwargs)

    monkeypatch.setattr("condensers.rewards.label_confidence.score_rows", counted)
    np.testing.assert_array_equal(fitted.log_prob(rows), first)
    assert not calls
    fitted.log_prob(rows.select(range(4)))
    fitted.log_prob(rows, cache=False)
    assert len(calls) == 2
    changed = copy.deepcopy(fitted)
    changed.backbone.classifier.bias.data += torch.tensor([1.0, 0.0, 0.0])
    assert not np.allclose(changed.log_prob(rows), first)
    assert len(calls) == 3


def test_softmax_is_float32_under_bf16(fitted):
    half = copy.deepcopy(fitted).to(torch.bfloat16)
    scores = half.predict_log_proba(make_rows(2), cache=False)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(np.exp(scores.astype(np.float64)).sum(axis=1), 1.0, atol=1e-6)


def test_two_columns_are_read_as_a_pair(fitted):
    rows = Dataset.from_dict({"text_a": ["apple pear"], "text_b": ["iron zinc"]})
    tokens = fitted.tokenize(rows)
    assert tokens["input_ids"][0] == tiny_tokenizer()("apple pear", "iron zinc")["input_ids"]
    assert tokens["token_type_ids"][0] == [0, 0, 0, 0, 1, 1, 1]


def test_long_texts_are_cut():
    rows = Dataset.from_dict({"text": ["apple " * 100]})
    assert len(confidence().tokenize(rows)["input_ids"][0]) == 32
    short = LabelConfidence.from_classifier(tiny_model(), processing_class=tiny_tokenizer(), max_input_length=5)
    assert len(short.tokenize(rows)["input_ids"][0]) == 5


def test_fitting_leaves_the_random_state_alone():
    model = confidence()
    with temporary_seed(3):
        model.fit(make_rows(4), recipe=FitRecipe(max_steps=2), seed=11)
        after = draws()
    with temporary_seed(3):
        assert draws() == after


def draws():
    return random.random(), check_random_state(None).random_sample(), torch.rand(1).item(), torch.initial_seed()


def test_a_seed_fixes_the_fit():
    recipe = FitRecipe(learning_rate=1e-3, max_steps=4, batch_size=4, dropout=0.1)
    one, two, other = (confidence().fit(make_rows(4), recipe=recipe, seed=seed).digest() for seed in (1, 1, 2))
    assert one == two != other


def test_a_recipe_sets_every_dropout():
    model = confidence(dropout=0.1).fit(make_rows(2), recipe=FitRecipe(max_steps=1, dropout=0.3))
    assert {module.p for module in model.modules() if isinstance(module, nn.Dropout)} == {0.3}
    assert model.config.backbone.hidden_dropout_prob == model.config.backbone.attention_probs_dropout_prob == 0.3


def test_recipes_reach_the_trainer(monkeypatch):
    seen = {}

    class Spy(fitting.Trainer):
        def __init__(self, **kwargs):
            seen.update(vars(kwargs["args"]))
            super().__init__(**kwargs)

    monkeypatch.setattr(fitting, "Trainer", Spy)
    confidence().fit(make_rows(4), recipe="representability", seed=7)
    wanted = {"learning_rate": 1e-5, "num_train_epochs": 1, "per_device_train_batch_size": 32, "warmup_steps": 0.1}
    wanted |= {"weight_decay": 0.01, "max_grad_norm": 1.0, "seed": 7, "max_steps": -1}
    assert {name: seen[name] for name in wanted} == wanted


def test_mistakes(fitted, tmp_path):
    with pytest.raises(SourceNotFoundError, match="neither a model folder"):
        LabelConfidence.from_classifier(str(tmp_path / "nothing"))
    with pytest.raises(SettingError, match=r"must name the 3 classes of the model; got 2: a, b"):
        LabelConfidence.from_classifier(tiny_model(), label_names=("a", "b"))
    with pytest.raises(SettingError, match="num_labels=1"):
        LabelConfidence.from_classifier(tiny_model(names=1))
    with pytest.raises(RowError, match="no rows to score"):
        fitted.predict_log_proba(make_rows(2).select([]))
    with pytest.raises(RowError, match="empty"):
        confidence().fit(make_rows(2).select([]))
    with pytest.raises(RowError, match="unknown to the model"):
        fitted.log_prob(make_rows(2).cast_column("label", ClassLabel(names=["fruit", "metal", "fish"])))
    with pytest.raises(ColumnError, match="several columns could be the text"):
        fitted.predict_log_proba(Dataset.from_dict({"one": ["a"], "two": ["b"]}))
    with pytest.raises(RowError, match="1 rows have no text in column 'text'"):
        fitted.predict_log_proba(Dataset.from_dict({"text": ["apple", None]}))


def test_without_a_tokenizer_text_cannot_be_read():
    model = LabelConfidence.from_classifier(tiny_model())
    with pytest.raises(SettingError, match="processing_class"):
        model.predict_log_proba(make_rows(2))
    with pytest.raises(SettingError, match="no tokenizer to pad with"):
        model.predict_log_proba(tiny_rows(2))


def test_nan_is_not_a_score(fitted):
    broken = copy.deepcopy(fitted)
    broken.backbone.classifier.bias.data[1] = float("nan")
    with pytest.raises(RowError, match=r"NaN for 6 of 6 rows \(the first is row 0\)"):
        broken.log_prob(make_rows(2))


def test_a_peft_model_scores_but_is_not_saved(tmp_path):
    from peft import LoraConfig, get_peft_model

    adapted = get_peft_model(tiny_model(), LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["query"]))
    model = LabelConfidence.from_classifier(adapted, processing_class=tiny_tokenizer())
    model.fit(make_rows(4), recipe=FitRecipe(max_steps=2))
    assert model.log_prob(make_rows(2)).shape == (6,)
    with pytest.raises(SettingError, match="merge_and_unload"):
        model.save_pretrained(tmp_path)
