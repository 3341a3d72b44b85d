"""Texts that are written for points: which may stay, and what becomes of the others."""

from dataclasses import dataclass

import numpy as np
import pytest
from conftest import make_rows
from datasets import Dataset
from methods.scripted import ScriptedLLM, word

from condensers.errors import SettingError
from condensers.inversion import LLMWriter
from condensers.methods import EmbeddingCondenser, KCenterCondenser
from condensers.placement import KMeansCentroids
from condensers.refinement import LLMRefiner


@dataclass(frozen=True)
class Scribe:
    """Writes what a function of the draw and the number of the text says."""

    say: object
    draw: int = 0

    def realise(self, points, rows):
        return [self.say(self.draw, i, rows) for i in range(len(points))]

    def redrawn(self, draw):
        return Scribe(self.say, draw)


class Once:
    """Cannot draw anew."""

    def __init__(self, say):
        self.say = say

    def realise(self, points, rows):
        return [self.say(i, rows) for i in range(len(points))]


def condensed(realiser, embedder, dataset=None, per_class=2, **settings):
    condenser = EmbeddingCondenser(realiser=realiser, embedder=embedder)
    rows = condenser.condense(dataset or make_rows(), per_class=per_class, **settings)
    return rows, condenser.run_.stages["writing"]


def test_a_copy_of_a_source_row_is_drawn_anew_and_counted(embedder):
    def say(draw, i, rows):
        return f"new {i} {rows.texts[0]}" if draw or i else f"  {rows.texts[3].upper()} "

    rows, writing = condensed(Scribe(say), embedder)
    assert len(rows) == 6 and not set(rows["text"][:]) & set(make_rows()["text"][:])
    assert writing["source_rows"] == []
    counted = [writing["events"][name] for name in ("wrote_copies_source", "drawn_anew", "drawn_anew_helped")]
    assert counted == [3, 3, 3]


def test_a_text_that_two_points_share_stays_once_even_across_classes(embedder):
    def say(draw, i, rows):
        return f"new {i} {rows.texts[0]}" if draw else "the same"

    rows, writing = condensed(Scribe(say), embedder)
    assert len({text.casefold() for text in rows["text"][:]}) == 6
    assert writing["events"]["wrote_repeats"] == 5 and writing["source_rows"] == []


def test_what_nothing_helps_becomes_the_nearest_free_source_row(embedder, caplog):
    source = make_rows()
    rows, writing = condensed(Once(lambda i, rows: rows.texts[0]), embedder, source)
    assert rows["label"][:] == [0, 0, 1, 1, 2, 2] and len(set(rows["text"][:])) == 6
    assert set(rows["text"][:]) <= set(source["text"][:])
    assert writing["source_rows"] == [0, 1, 2, 3, 4, 5] and writing["events"]["source_row_taken"] == 6
    assert "6 of 6 points got their nearest source row" in caplog.text
    # Each is the row nearest to its point: what K-Center keeps, since no two of these points ask for one row.
    kept = KCenterCondenser(embedder=embedder).condense(source, per_class=2)
    assert sorted(rows["text"][:]) == sorted(kept["text"][:])
    assert writing["cosine"] == [[None] * 6]


@pytest.mark.parametrize("broken", ["no separator here", "question [SEP] ", "a [SEP] b [SEP] c"])
def test_a_row_that_lost_its_separator_is_drawn_anew(embedder, broken):
    pairs = Dataset.from_dict({"question": [f"q{i} x" for i in range(6)], "answer": [f"a{i}" for i in range(6)]})

    def say(draw, i, rows):
        return f"what {i} [SEP] that {i}" if draw or i else broken

    condenser = EmbeddingCondenser(realiser=Scribe(say), embedder=embedder)
    rows = condenser.condense(pairs, total=3)
    assert rows["question"][:] == ["what 0", "what 1", "what 2"] and rows["answer"][:] == [
        "that 0",
        "that 1",
        "that 2",
    ]
    events = condenser.run_.stages["writing"]["events"]
    assert events["drawn_anew_helped"] == 1
    assert events.get("wrote_separator", 0) + events.get("wrote_empty", 0) == 1


def test_classes_go_to_the_language_model_in_one_batch(embedder, tmp_path):
    batches = []

    class Counting(ScriptedLLM):
        def stream(self, requests, *, schema=None):
            batches.append(len(requests))
            return super().stream(requests, schema=schema)

    def reply(messages, sample, schema):
        return f"text {word(messages, sample)}"

    llm = Counting(reply)
    condenser = EmbeddingCondenser(
        placement=KMeansCentroids(),
        realiser=LLMWriter(llm, embedder, num_candidates=2),
        polisher=LLMRefiner(llm, embedder, num_rounds=2, num_variants=3),
        embedder=embedder,
    )
    rows = condenser.condense(make_rows(), per_class=2)
    # 6 points: 2 candidates each, which are far, so 2 more in other words; then two rounds of 3 variants each.
    assert [n for n in batches if n] == [12, 12, 18, 18]
    assert rows["label"][:] == [0, 0, 1, 1, 2, 2]
    said = [messages[0]["content"] for messages, _, _ in llm.asked[24:]]
    assert all(any(f"<label>{name}</label>" in text for text in said) for name in ("fruit", "metal", "bird"))


def test_real_rows_can_be_polished_and_copies_do_not_stay(embedder):
    """K-Center and a refiner: the nearest rows are what is said in other words."""
    llm = ScriptedLLM(lambda messages, sample, schema: f"other words {word(messages, sample)}")
    polisher = LLMRefiner(llm, embedder, num_rounds=1)
    source = make_rows()
    condenser = EmbeddingCondenser(polisher=polisher, embedder=embedder)
    rows = condenser.condense(source, per_class=2)
    assert not set(rows["text"][:]) & set(source["text"][:])
    assert condenser.run_.stages["writing"]["events"]["came_copies_source"] == 6
    assert condenser.run_.components["polisher"]["type"] == "LLMRefiner"


def test_a_refiner_that_only_repeats_the_row_does_not_get_it_in(embedder):
    source = make_rows()
    text = source["text"][0]
    llm = ScriptedLLM(lambda messages, sample, schema: text)
    condenser = EmbeddingCondenser(polisher=LLMRefiner(llm, embedder, num_rounds=1), embedder=embedder)
    rows = condenser.condense(source, per_class=1)
    assert condenser.run_.stages["writing"]["source_rows"] == [0, 1, 2]
    assert condenser.run_.llm is None and rows["label"][:] == [0, 1, 2]


def test_points_stand_beside_their_rows(embedder):
    condenser = EmbeddingCondenser(realiser=Scribe(lambda draw, i, rows: f"t{i} {rows.texts[0]}"), embedder=embedder)
    rows = condenser.condense(make_rows(), per_class=3)
    vectors = embedder.encode(rows["text"][:])
    points = condenser.points_ / np.linalg.norm(condenser.points_, axis=1, keepdims=True)
    np.testing.assert_allclose((vectors * points).sum(1), rows["condensed_similarity"][:], atol=1e-5)
    (stage,) = condenser.run_.stages["writing"]["cosine"]
    np.testing.assert_allclose(stage, rows["condensed_similarity"][:], atol=1e-4)


def test_a_polisher_needs_its_method(embedder):
    with pytest.raises(SettingError, match="`polisher` needs a method `refine`"):
        EmbeddingCondenser(polisher=KMeansCentroids(), embedder=embedder)
