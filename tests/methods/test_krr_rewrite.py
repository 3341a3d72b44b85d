"""Rows in other words, chosen for kernel ridge regression: what is rewritten, what is chosen, what goes wrong."""

import logging
import re

import numpy as np
import pytest
from conftest import make_rows
from methods.scripted import ScriptedLLM, word
from word_embedder import WordEmbedder

from condensers.errors import BudgetError, ColumnError, SettingError
from condensers.llm import Completion
from condensers.llm.testing import FakeServer
from condensers.methods import AutoCondenser
from condensers.placement.label_moments import LabelMoments


def shown(messages):
    last = next(m["content"] for m in reversed(messages) if "<text>" in m["content"])
    return re.findall(r"<text>(.*?)</text>", last)[-1]


def again(messages, sample, schema=None):
    return f"{shown(messages)} again {word(sample)}"


def make(reply=again, **settings):
    llm = reply if not callable(reply) else ScriptedLLM(reply)
    settings = {"per_class": 2, "rewritten": 2, "candidates": 3} | settings
    return AutoCondenser.from_method("krr_rewrite", embedder=WordEmbedder(), llm=llm, **settings), llm


def test_rows_are_written_and_say_what_they_were_made_of(dataset):
    made, llm = make()
    small = made.condense(dataset)
    texts = dataset["text"][:]
    assert small["label"][:] == [0, 0, 1, 1, 2, 2]
    assert len(set(small["text"][:])) == 6 and not set(small["text"][:]) & set(texts)
    for row in small:
        (parent,) = row["condensed_parents"]
        assert row["text"].startswith(texts[parent]) and dataset[parent]["label"] == row["label"]
        assert 0.5 < row["condensed_similarity"] < 1
    # Two sets of two rows a class, three replies for each row.
    assert len(llm.asked) == 2 * 2 * 3 * 3 and len(set(map(shown, (m for m, _, _ in llm.asked)))) == 12
    assert made.run_.llm["reply_format"] == "single" and made.run_.llm["events"]["replies"] == 36


def test_of_what_was_written_no_exchange_would_predict_the_labels_better(dataset):
    written = []

    def reply(messages, sample, schema):
        label = next(row["label"] for row in dataset if row["text"] == shown(messages))
        written.append((again(messages, sample), label))
        return written[-1][0]

    small = make(reply, by_words=False)[0].condense(dataset)
    embedder = WordEmbedder()
    codes, of_written = np.asarray(dataset["label"][:]), np.asarray([code for _, code in written])
    moments = LabelMoments.of(embedder.encode(dataset["text"][:]), codes)
    vectors = embedder.encode([text for text, _ in written])

    def loss(places):
        return moments.loss(vectors[places], moments.labels(of_written[places]), 1.0)

    texts = [text for text, _ in written]
    chosen = [texts.index(text) for text in small["text"][:]]
    least = loss(chosen)
    for place in range(len(chosen)):
        for other in np.flatnonzero(of_written == of_written[chosen[place]]).tolist():
            assert loss([*chosen[:place], other, *chosen[place + 1 :]]) > least - 1e-4


class _Blind(WordEmbedder):
    """Sees no text but those of the source."""

    def encode(self, texts):
        return super().encode([re.sub(r" again .*", "", text) for text in texts])


def test_of_texts_that_lie_at_one_place_words_decide(dataset):
    def reply(messages, sample, schema):
        text = shown(messages)
        return f"{text} again {text}" if sample == 1 else f"{text} again {word(sample)} {word(messages)}"

    def n_chosen(by_words):
        llm = ScriptedLLM(reply)
        settings = {"per_class": 2, "rewritten": 2, "candidates": 3, "by_words": by_words}
        made = AutoCondenser.from_method("krr_rewrite", embedder=_Blind(), llm=llm, **settings)
        return sum(len(set(text.split())) < len(text.split()) / 1.5 for text in made.condense(dataset)["text"][:])

    # To the vectors the three versions of a row are one; those of its own words say most of its class.
    assert n_chosen(by_words=True) > n_chosen(by_words=False)


def test_a_second_run_asks_nothing_and_gives_the_same(dataset):
    made, llm = make()
    rows, n_asked = made.condense(dataset).to_dict(), len(llm.asked)
    assert make(llm)[0].condense(dataset).to_dict() == rows and len(llm.asked) == n_asked


def test_no_text_is_taken_twice(dataset):
    # Half of the replies are one and the same text, told apart by nothing but case and blanks.
    made, _ = make(
        lambda m, sample, _: again(m, sample) if sample == 1 else ("Always  This", "", " always this")[sample % 3],
        per_class=3,
    )
    texts = [" ".join(text.casefold().split()) for text in made.condense(dataset)["text"][:]]
    assert len(set(texts)) == len(texts) == 9


def test_what_is_missing_is_asked_for_again_by_other_samples(dataset):
    def reply(messages, sample, schema):
        return again(messages, sample) if sample >= 6 else shown(messages)  # a copy of its row

    made, llm = make(reply)
    assert len(made.condense(dataset)) == 6
    assert made.run_.llm["events"]["unusable"]["copies_source"] > 0
    assert max(sample for _, sample, _ in llm.asked) in range(6, 9)


def test_too_little_that_can_be_used(dataset):
    made, _ = make(lambda m, sample, _: shown(m))
    with pytest.raises(BudgetError, match=r"0 of 2 of class 'fruit'.*copies_source.*raise `candidates`"):
        made.condense(dataset)


def test_a_limit_leaves_fewer_rows_and_says_so(dataset, caplog):
    with FakeServer(lambda request: again(request.body["messages"], request.body["seed"])) as server:
        spec = f"fake@{server.base_url}"
        made, _ = make(spec, per_class=4, rewritten=1, candidates=1, max_requests=11, concurrency=1)
        with caplog.at_level(logging.WARNING):
            assert len(made.condense(dataset)) == 11
        assert "the limit max_requests=11 was reached with 11 of 12 rows" in caplog.text
        nothing, _ = make(spec, max_requests=0, seed=1)
        with pytest.raises(BudgetError, match="0 of 2 of class 'fruit'.*the limit that was reached"):
            nothing.condense(dataset)


def test_of_a_pair_the_second_text_is_rewritten(pairs):
    made, llm = make(lambda m, sample, _: f"he may {word(m, sample)}")
    small = made.condense(pairs)
    assert len(small) == 4 and all(text.startswith("he may ") for text in small["hypothesis"][:])
    premises = pairs["premise"][:]
    assert [premises[parent] for (parent,) in small["condensed_parents"]] == small["premise"][:]


@pytest.mark.parametrize("at_length", [True, False])
def test_rows_are_told_at_length_unless_they_shall_stay_as_they_are(dataset, pairs, at_length):
    made, llm = make(at_length=at_length)
    made.condense(dataset)
    assert {"at greater length" in chat[0]["content"] for chat, _, _ in llm.asked} == {at_length}
    # What is added to a hypothesis may not follow any more.
    pair_made, pair_llm = make(lambda m, sample, _: f"he may {word(m, sample)}", at_length=at_length)
    pair_made.condense(pairs)
    assert not any("at greater length" in chat[0]["content"] for chat, _, _ in pair_llm.asked)


@pytest.mark.parametrize("at_length", [True, False])
def test_an_estimate_is_what_is_asked(dataset, at_length):
    made, llm = make(at_length=at_length)
    told = made.estimate(dataset)
    assert not llm.asked and told.n_requests == 36
    made.condense(dataset)
    assert len(llm.asked) == told.n_requests


def test_a_small_class_is_rewritten_whole():
    rows = make_rows(4)
    made, llm = make(rewritten=5, per_class=3)
    small = made.condense(rows)
    assert len(small) == 9 and len(set(map(shown, (m for m, _, _ in llm.asked)))) == len(rows)


def test_mistakes(dataset):
    for setting in ({"rewritten": 0}, {"candidates": 0}, {"ridge": 0.0}, {"typical": 2.0}):
        with pytest.raises(SettingError, match=f"`{next(iter(setting))}` must be"):
            make(**setting)
    with pytest.raises(ColumnError, match="no labels"):
        make()[0].condense(dataset.remove_columns("label"), label=None)
    with pytest.raises(SettingError, match="asks a language model, and none is set"):
        AutoCondenser.from_method("krr_rewrite", per_class=2, embedder=WordEmbedder()).condense(dataset)


def test_replies_that_were_cut_off_are_no_rows(dataset):
    def reply(messages, sample, schema):
        if sample == 0:
            return Completion("half a", finish_reason="length", problem="truncated: after 3 tokens")
        return again(messages, sample)

    small = make(reply)[0].condense(dataset)
    assert "half a" not in small["text"][:] and len(small) == 6
