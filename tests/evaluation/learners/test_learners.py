"""What holds for every learner, then what is particular to each."""

import logging
import random
import subprocess
import sys

import numpy as np
import pytest

from condensers.embedding import load_embedder
from condensers.errors import RowError, SettingError, SourceNotFoundError
from condensers.evaluation import (
    LEARNERS,
    Classifier,
    FineTuned,
    Learner,
    LinearProbe,
    TextRNN,
    TfidfLinear,
    load_learner,
)
from condensers.evaluation.learners import fine_tuned, text_rnn
from condensers.evaluation.learners.batching import iter_by_length
from condensers.evaluation.learners.text_rnn import _build, _logits


@pytest.fixture(params=sorted(LEARNERS))
def learner(request, embedder, tiny_bert):
    if request.param == "linear_probe":
        return LinearProbe(embedder)
    if request.param == "tfidf_linear":
        return TfidfLinear()
    if request.param == "text_rnn":
        return TextRNN(tiny_bert, embedding_dim=16, hidden_dim=16, num_epochs=15, learning_rate=5e-3, batch_size=4)
    return FineTuned(tiny_bert, max_steps=40, learning_rate=3e-3)


def accuracy(classifier, rows):
    return np.mean(classifier.predict(rows.texts) == rows.codes)


def with_tokenizer(folder, tiny_bert, model, **tokens):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    for name, token in tokens.items():
        setattr(tokenizer, name, token)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


class TestEveryLearner:
    def test_learns_what_can_be_learned(self, learner, train, test):
        classifier = learner.fit(train.texts, train.codes, 3, seed=0)
        assert isinstance(learner, Learner)
        assert isinstance(classifier, Classifier)
        assert accuracy(classifier, test) > 0.9
        predicted = classifier.predict(test.texts)
        assert (predicted.shape, predicted.dtype) == ((60,), np.int64)

    def test_learns_nothing_from_shuffled_labels(self, learner, train, test):
        codes = np.random.default_rng(3).permutation(train.codes)
        assert accuracy(learner.fit(train.texts, codes, 3, seed=0), test) < 0.7

    def test_the_seed_fixes_everything_and_nothing_leaks(self, learner, train, test):
        import torch

        random.seed(5)
        np.random.seed(5)  # noqa: NPY002
        torch.manual_seed(5)
        first = learner.fit(train.texts, train.codes, 3, seed=1).predict(test.texts)
        drawn = random.random(), np.random.random(), torch.rand(1).item()  # noqa: NPY002
        random.seed(5)
        np.random.seed(5)  # noqa: NPY002
        torch.manual_seed(5)
        assert drawn == (random.random(), np.random.random(), torch.rand(1).item())  # noqa: NPY002
        np.testing.assert_array_equal(learner.fit(train.texts, train.codes, 3, seed=1).predict(test.texts), first)

    def test_a_prediction_does_not_depend_on_its_neighbours(self, learner, train):
        classifier = learner.fit(train.texts, train.codes, 3, seed=0)
        long = " ".join(["iron"] * 40)
        alone = [int(classifier.predict([text])[0]) for text in train.texts[:6]]
        assert classifier.predict([*train.texts[:6], long])[:6].tolist() == alone

    def test_a_class_without_training_rows_is_allowed(self, learner, train, test):
        classifier = learner.fit(train.texts, train.codes, 5, seed=0)
        assert accuracy(classifier, test) > 0.6

    def test_rows_without_weight_teach_nothing(self, learner, train, test):
        wrong = np.concatenate([train.codes, (train.codes + 1) % 3, (train.codes + 1) % 3])
        texts, weights = train.texts * 3, np.repeat([1.0, 0.0, 0.0], len(train))
        assert accuracy(learner.fit(texts, wrong, 3, seed=0, weights=weights), test) > 0.9
        assert accuracy(learner.fit(texts, wrong, 3, seed=0), test) < 0.5

    def test_equal_weights_are_none(self, learner, train, test):
        plain = learner.fit(train.texts, train.codes, 3, seed=0).predict(test.texts).tolist()
        weights = np.full(len(train), 0.5)
        assert learner.fit(train.texts, train.codes, 3, seed=0, weights=weights).predict(test.texts).tolist() == plain

    def test_bad_weights(self, learner):
        for weights, message in (([1.0], "one number for each of 2 texts"), ([1, -1], "negative"), ([0, 0], "all 2")):
            with pytest.raises(RowError, match=message):
                learner.fit(["a", "b"], np.array([0, 1]), 2, seed=0, weights=np.array(weights))

    def test_bad_rows(self, learner):
        with pytest.raises(RowError, match="no rows to train on"):
            learner.fit([], np.array([], dtype=np.int64), 2, seed=0)
        with pytest.raises(RowError, match="one whole number for each of 1 texts"):
            learner.fit(["a"], np.array([0, 1]), 2, seed=0)
        with pytest.raises(RowError, match="0 to 1 for 2 classes; got 2"):
            learner.fit(["a"], np.array([2]), 2, seed=0)


@pytest.mark.parametrize("name", ["linear_probe", "tfidf_linear"])
def test_a_whole_weight_is_that_row_as_often(name, embedder, train, test):
    learner = load_learner(name, embedder=embedder)
    weights = np.random.default_rng(0).integers(1, 4, size=len(train))
    repeated = [text for text, n in zip(train.texts, weights.tolist(), strict=True) for _ in range(n)]
    weighted = learner.fit(train.texts, train.codes, 3, seed=0, weights=weights)
    often = learner.fit(repeated, np.repeat(train.codes, weights), 3, seed=0)
    if name == "linear_probe":
        # The penalty is that of as many rows as there are.
        often = LinearProbe(embedder, C=len(train) / len(repeated)).fit(
            repeated, np.repeat(train.codes, weights), 3, seed=0
        )
        np.testing.assert_allclose(weighted.model.coef_, often.model.coef_, atol=1e-3)
    assert weighted.predict(test.texts).tolist() == often.predict(test.texts).tolist()


class TestTfidfLinear:
    def test_it_knows_the_words_of_its_rows_and_no_others(self):
        found = TfidfLinear().fit(["good film", "a bad film"], np.array([1, 0]), 2, seed=0)
        assert sorted(found.vectoriser.vocabulary_) == ["a", "a bad", "bad", "bad film", "film", "good", "good film"]
        assert found.predict(["good", "bad", "so good a film"]).tolist() == [1, 0, 1]

    def test_rows_without_words_and_of_one_class(self):
        weights = np.array([1.0, 3.0, 1.0])
        found = TfidfLinear().fit(["!", "?", "..."], np.array([0, 1, 0]), 2, seed=0, weights=weights)
        assert found.predict(["anything"]).tolist() == [1]  # the class that weighs most
        assert TfidfLinear().fit(["a b", "c"], np.array([2, 2]), 3, seed=0).predict(["x"]).tolist() == [2]


def test_linear_probe_with_one_class(embedder):
    assert LinearProbe(embedder).fit(["a", "b"], np.array([1, 1]), 3, seed=0).predict(["c"]).tolist() == [1]


class TestFineTuned:
    @pytest.fixture
    def trainers(self, monkeypatch):
        """The trainers that `fit` makes."""
        import transformers

        made = []

        class Watched(transformers.Trainer):
            def __init__(self, **arguments):
                super().__init__(**arguments)
                self.rates, self.batches = [], []
                made.append(self)

            def training_step(self, model, inputs, *rest, **more):
                self.rates.append(self.optimizer.param_groups[0]["lr"])
                self.batches.append(inputs["input_ids"].shape[0])
                return super().training_step(model, inputs, *rest, **more)

        monkeypatch.setattr(transformers, "Trainer", Watched)
        return made

    def test_the_protocol_is_condenselms(self, trainers, tiny_bert, train):
        import torch

        FineTuned(tiny_bert).fit(train.texts, train.codes, 3, seed=7)
        (trainer,) = trainers
        expected = [1e-4 * step / 100 for step in range(100)] + [1e-4 * (200 - step) / 100 for step in range(100, 200)]
        np.testing.assert_allclose(trainer.rates, expected, rtol=1e-6)
        assert trainer.batches == [24] * 200
        assert isinstance(trainer.optimizer.optimizer, torch.optim.AdamW)
        assert {group["weight_decay"] for group in trainer.optimizer.param_groups} == {0.0, 0.01}
        assert (trainer.args.max_grad_norm, trainer.args.seed) == (1.0, 7)

    def test_dropout_is_set_wherever_the_architecture_names_it(self, tiny_bert, train):
        model = FineTuned(tiny_bert, max_steps=1, dropout=0.3).fit(train.texts, train.codes, 3, seed=0).model
        assert (model.config.hidden_dropout_prob, model.config.attention_probs_dropout_prob) == (0.3, 0.3)
        assert not model.training

    def test_dropout_follows_the_names_of_other_architectures(self, tmp_path, tiny_bert, train):
        from transformers import DistilBertConfig, DistilBertModel

        config = DistilBertConfig(vocab_size=29, dim=16, n_layers=1, n_heads=2, hidden_dim=16, seq_classif_dropout=0.2)
        folder = with_tokenizer(tmp_path, tiny_bert, DistilBertModel(config))
        model = FineTuned(folder, max_steps=1, dropout=0.3).fit(train.texts, train.codes, 3, seed=0).model
        assert model.dropout.p == 0.3  # before the classifier, from `seq_classif_dropout`
        assert (model.config.dropout, model.config.attention_dropout) == (0.3, 0.3)

    def test_a_tokenizer_without_padding(self, tmp_path, tiny_bert, train, test):
        from transformers import GPT2Config, GPT2Model

        config = GPT2Config(vocab_size=29, n_embd=16, n_layer=1, n_head=2, n_positions=64)
        folder = with_tokenizer(tmp_path, tiny_bert, GPT2Model(config), pad_token=None, eos_token="[SEP]")
        learner = FineTuned(folder, max_steps=40, learning_rate=1e-2, dropout=0.05)
        classifier = learner.fit(train.texts, train.codes, 3, seed=0)
        assert classifier.model.config.resid_pdrop == 0.05
        assert accuracy(classifier, test) > 0.9

    def test_texts_longer_than_the_model_reads(self, tiny_bert, train):
        classifier = FineTuned(tiny_bert, max_steps=1).fit([*train.texts, "iron " * 99], [*train.codes, 0], 3, seed=0)
        assert classifier.max_length == 64
        assert classifier.predict(["iron " * 99]).shape == (1,)

    def test_a_step_sees_one_batch_however_many_devices_share_it(self, monkeypatch, tmp_path):
        from transformers import TrainingArguments

        monkeypatch.setattr(TrainingArguments, "n_gpu", 4)
        assert FineTuned()._arguments(str(tmp_path), 0).train_batch_size == 64

    def test_nothing_is_printed(self, tiny_bert, train, capfd):
        # Their handler keeps the stderr it was made with, which `capfd` does not see.
        records, logger, handler = [], logging.getLogger("transformers"), logging.Handler()
        handler.emit = records.append
        logger.addHandler(handler)
        level = logger.level
        try:
            FineTuned(tiny_bert, max_steps=2).fit(train.texts, train.codes, 3, seed=0)
        finally:
            logger.removeHandler(handler)
        assert (records, logger.level) == ([], level)
        assert capfd.readouterr() == ("", "")

    def test_nothing_is_left_on_disk(self, tiny_bert, train, tmp_path, monkeypatch):
        monkeypatch.setattr(fine_tuned.tempfile, "tempdir", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        FineTuned(tiny_bert, max_steps=1).fit(train.texts, train.codes, 3, seed=0)
        assert list(tmp_path.iterdir()) == []


class TestTextRNN:
    def test_threads_change_nothing(self, tiny_bert, train):
        import torch

        n_threads = torch.get_num_threads()
        tables = []
        try:
            for n in (1, 2):
                torch.set_num_threads(n)
                network = (
                    TextRNN(tiny_bert, embedding_dim=32, num_epochs=2).fit(train.texts, train.codes, 3, seed=0).network
                )
                assert torch.get_num_threads() == n
                tables.append(network["words"].weight)
        finally:
            torch.set_num_threads(n_threads)
        assert torch.equal(*tables)

    def test_one_thread_at_work(self, tiny_bert, train, monkeypatch):
        import torch

        seen = []
        monkeypatch.setattr(text_rnn, "_train", lambda *rest: seen.append(torch.get_num_threads()))
        n_threads = torch.get_num_threads()
        try:
            torch.set_num_threads(2)
            TextRNN(tiny_bert, embedding_dim=8).fit(train.texts, train.codes, 3, seed=0)
        finally:
            torch.set_num_threads(n_threads)
        assert seen == [1]

    def test_the_network_is_pinrs(self):
        import torch

        network = _build(TextRNN(), torch.zeros(5, 100), 4)
        lstm = network["recurrent"]
        assert (lstm.input_size, lstm.hidden_size, lstm.num_layers) == (100, 100, 2)
        assert (lstm.bidirectional, lstm.dropout) == (True, 0.5)
        assert network["output"].weight.shape == (4, 200)

    def test_padding_cannot_matter(self):
        import torch

        torch.manual_seed(0)
        network = _build(TextRNN(), torch.randn(9, 100), 2).eval()
        short, long = torch.tensor([1, 2]), torch.arange(9)
        together = _logits(network, [short, long])
        torch.testing.assert_close(together[:1], _logits(network, [short]))
        torch.testing.assert_close(together[1:], _logits(network, [long]))

    def test_word_vectors_are_principal_components(self, tiny_bert):
        from safetensors.numpy import load_file

        from condensers.evaluation.learners.word_vectors import read_word_vectors

        table = load_file(tiny_bert / "model.safetensors")["embeddings.word_embeddings.weight"].astype(np.float64)
        found = read_word_vectors(tiny_bert, 4).astype(np.float64)
        _, _, axes = np.linalg.svd(table - table.mean(axis=0), full_matrices=False)
        expected = (table - table.mean(axis=0)) @ axes[:4].T
        expected *= 0.4 / np.sqrt((expected**2).mean())
        signs = np.sign((expected * found).sum(axis=0))
        np.testing.assert_allclose(found * signs, expected, atol=1e-5)

    def test_more_dimensions_than_the_table_has(self, tiny_bert, train):
        with pytest.raises(SettingError, match="at most 32"):
            TextRNN(tiny_bert).fit(train.texts, train.codes, 3, seed=0)

    def test_random_words(self, tiny_bert, train):
        classifier = TextRNN(tiny_bert, pretrained=False, num_epochs=1).fit(train.texts, train.codes, 3, seed=0)
        assert classifier.network["words"].weight.shape[1] == 100


@pytest.mark.parametrize("name", ["fine_tuned", "text_rnn"])
def test_weights_depend_on_the_seed_alone(name, tiny_bert, train):
    import torch

    def weights(seed, outer):
        torch.manual_seed(outer)
        if name == "fine_tuned":
            return FineTuned(tiny_bert, max_steps=2, learning_rate=1e-2).fit(*rows, seed=seed).model.classifier.weight
        return TextRNN(tiny_bert, embedding_dim=8, num_epochs=1).fit(*rows, seed=seed).network["output"].weight

    rows = train.texts, train.codes, 3
    assert torch.equal(weights(seed=1, outer=5), weights(seed=1, outer=6))
    assert not torch.allclose(weights(seed=1, outer=5), weights(seed=2, outer=5))


def test_batches_go_from_long_to_short():
    batches = [batch.tolist() for batch in iter_by_length([3, 9, 3, 5, 9], 2)]
    assert batches == [[1, 4], [3, 0], [2]]


@pytest.mark.parametrize(
    ("cls", "settings", "message"),
    [
        (FineTuned, {"max_steps": 0}, "`max_steps` must be a whole number of at least 1; got 0"),
        (FineTuned, {"warmup_ratio": 1.0}, "`warmup_ratio` must be at least 0 and below 1; got 1.0"),
        (FineTuned, {"weight_decay": -0.1}, "`weight_decay` must be at least 0; got -0.1"),
        (TextRNN, {"batch_size": 2.5}, "`batch_size` must be a whole number of at least 1; got 2.5"),
        (TextRNN, {"dropout": 1}, "`dropout` must be at least 0 and below 1; got 1"),
        (TextRNN, {"learning_rate": 0}, "`learning_rate` must be above 0; got 0"),
        (TfidfLinear, {"max_words": 0}, "`max_words` must be a whole number of at least 1; got 0"),
        (LinearProbe, {"embedder": None, "C": -1.0}, "`C` must be above 0; got -1.0"),
    ],
)
def test_settings_are_checked(cls, settings, message):
    with pytest.raises(SettingError, match=message):
        cls(**settings)


@pytest.mark.models
class TestBundledModel:
    def test_text_rnn(self, train, test):
        learner = load_learner("text_rnn", embedder=load_embedder("offline"), num_epochs=6)
        assert accuracy(learner.fit(train.texts, train.codes, 3, seed=0), test) > 0.8

    def test_fine_tuned(self, train):
        learner = load_learner("fine_tuned", embedder=load_embedder("offline"), max_steps=8, learning_rate=3e-4)
        rows = train.select(np.arange(6))
        assert accuracy(learner.fit(rows.texts, rows.codes, 3, seed=0), rows) > 0.8


def test_learners_by_name(embedder):
    assert load_learner("linear_probe", embedder=embedder).embedder is embedder
    assert load_learner("fine_tuned", embedder=embedder, max_steps=3).max_steps == 3
    assert load_learner("tfidf_linear", embedder=embedder, max_words=1).max_words == 1
    with pytest.raises(
        SettingError, match="no learner 'svm'; choose one of fine_tuned, linear_probe, text_rnn, tfidf"
    ):
        load_learner("svm", embedder=embedder)
    with pytest.raises(SettingError, match="'linear_probe' has no setting max_steps; it has C"):
        load_learner("linear_probe", embedder=embedder, max_steps=3)


def test_another_model_gives_a_learner_another_name(embedder, tiny_bert, train):
    learner = load_learner(f"text_rnn={tiny_bert}", embedder=embedder, embedding_dim=8, num_epochs=1)
    assert isinstance(learner, Learner) and learner.name == f"text_rnn={tiny_bert.name}"
    weights = np.ones(len(train))
    plain = TextRNN(tiny_bert, embedding_dim=8, num_epochs=1).fit(train.texts, train.codes, 3, seed=0, weights=weights)
    found = learner.fit(train.texts, train.codes, 3, seed=0, weights=weights)
    assert found.predict(train.texts).tolist() == plain.predict(train.texts).tolist()
    with pytest.raises(SettingError, match="'linear_probe' has no setting model"):
        load_learner("linear_probe=some/model", embedder=embedder)


def test_importing_the_room_is_cheap():
    heavy = "'torch', 'transformers', 'sklearn', 'scipy.stats'"
    code = f"import condensers.evaluation, sys; print([name for name in ({heavy}) if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_a_model_that_is_not_there(tmp_path, train):
    with pytest.raises(SourceNotFoundError, match="no config.json"):
        FineTuned(tmp_path).fit(train.texts, train.codes, 3, seed=0)
