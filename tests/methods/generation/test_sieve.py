"""Which texts may stay: each reason by hand, and what holds for all."""

import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from methods.scripted import ScriptedLLM

from condensers.data import Columns, QuestionColumns, read_rows
from condensers.errors import RowError
from condensers.llm import Desk, Events, Prompt
from condensers.methods.generation import AnswerWriter, Drop, Sieve, as_prompts, as_questions

ROWS = read_rows(Dataset.from_dict({"text": ["apple pear", "plum fig"]}), Columns(("text",)))
PAIRS = read_rows(Dataset.from_dict({"a": ["one two", "x"], "b": ["three", "y"]}), Columns(("a", "b")))
LETTERS = [f"{letter}x" for letter in "abcdefghijklmnop"]


def sieve(rows=ROWS, references=(), **given_):
    return Sieve(rows, list(references), **{"num_clusters": 3, "dim": 2, "seed": 0} | given_)


def test_every_reason_by_hand():
    long = " ".join(LETTERS[:13])
    texts = ["Apple  pear", "melon", "", "tin", "MELON", f"9 {long.title()}!", "gold", f"{LETTERS[1]} {long}"]
    known = {3: Drop("cut_off", "no end")}
    found = sieve(references=["nothing", f"so, {long} 1"]).sift(texts, known)
    assert sorted(found.order.tolist()) == [1, 6]
    assert found.dropped == {
        0: Drop("copies_source", "it copies row 0"),
        2: Drop("empty", "it is empty"),
        3: known[3],
        4: Drop("repeats", "it repeats text 1"),
        5: Drop("contaminated", f"test row 1 holds '{long}', too"),
        7: Drop("contaminated", f"test row 1 holds '{long}', too"),
    }
    # Twelve words in a row are no match.
    assert sieve(references=[long]).leaks([" ".join(LETTERS[:12]), " ".join(LETTERS[1:14])]) == {}


def test_parts_that_are_missing():
    texts = ["ONE two [SEP] three", "one [SEP] two [SEP] three", "one", "[SEP] two", "two[SEP]one"]
    found = sieve(PAIRS).sift(texts, {})
    assert found.order.tolist() == [4]
    reasons = [found.dropped[i].reason for i in range(4)]
    assert reasons == ["copies_source", "separator", "separator", "empty"]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(["", "apple pear", "fig", "Fig", "tin gold", "crow", "swift tern", "a b c"])))
def test_every_text_is_kept_or_dropped_and_those_kept_are_new(texts):
    found = sieve().sift(texts, {})
    assert sorted([*found.order.tolist(), *found.dropped]) == list(range(len(texts)))
    kept = [texts[i].casefold() for i in found.order.tolist()]
    assert len(set(kept)) == len(kept) and not {"", "apple pear"} & set(kept)


def test_the_first_of_the_order_come_from_different_clusters():
    texts = ["apple plum" + " apple" * i for i in range(20)] + ["tin gold", "crow finch"]
    order = sieve(dim=4).sift(texts, {}).order
    assert {20, 21} <= set(order[:3].tolist()) and sorted(order.tolist()) == list(range(22))
    np.testing.assert_array_equal(order, sieve(dim=4).sift(texts, {}).order)


@pytest.mark.parametrize(
    ("reply", "truth"),
    [
        ("True", True),
        ("yes, it is", True),
        ("**No**", False),
        ("The answer is: false.", False),
        ("Answer: True", True),
    ],
)
def test_true_and_false_are_read(reply, truth):
    llm = ScriptedLLM(lambda *_: reply)
    questions = QuestionColumns(Columns(("passage", "question")), "answer")
    desk = Desk(llm, Events(), n_samples=1)
    writer = AnswerWriter(desk, Prompt.load("softsrv/boolq/answer"), questions, kind="riddle", is_boolean=True)
    assert writer.answer(["Tin is a metal. [SEP] is tin a metal"]) == [truth]
    [(messages, _, _)] = llm.asked
    assert "Tin is a metal.\n\nis tin a metal" in messages[-1]["content"]


def test_what_is_neither_true_nor_false_is_asked_for_again():
    replies = iter(["Nobody knows.", "True", "Nothing is sure.", "Who knows?", "Well, true."])
    llm = ScriptedLLM(lambda *_: next(replies))
    questions = QuestionColumns(Columns(("question",)), "answer")
    writer = AnswerWriter(Desk(llm, Events(), n_samples=1), Prompt.load("softsrv/bare"), questions, is_boolean=True)
    assert writer.answer(["is tin a metal"]) == [True]
    assert "must begin with True" in llm.asked[1][0][-1]["content"]
    assert writer.answer(["is lead a metal"]) == [None]


def test_prompts_end_with_a_line_break_and_keep_what_stays():
    rows = Dataset.from_dict({"p": ["a"], "q": ["b"], "answer": [True], "label": [3], "final": ["x"]})
    made = as_prompts(rows, QuestionColumns(Columns(("p", "q"), "label"), "answer"), ["label"])
    assert made.to_dict() == {"prompt": ["a\n\nb\n"], "completion": ["True"], "label": [3]}
    # A column of that name in the source is no obstacle.
    code = Dataset.from_dict({"prompt": ["a"], "code": ["b"]})
    assert as_prompts(code, QuestionColumns(Columns(("prompt",)), "code"), []).to_dict() == {
        "prompt": ["a\n"],
        "completion": ["b"],
    }


@pytest.mark.parametrize("names", [("p",), ("p", "q"), ("prompt",)])
def test_prompts_become_questions_again(names):
    questions = QuestionColumns(Columns(names, "label"), "answer")
    rows = Dataset.from_dict(
        {**{name: [f"a {name}", "b\nc"] for name in names}, "answer": ["x", "y"], "label": [3, 4]}
    )
    prompts = as_prompts(rows, questions, ["label"])
    assert as_questions(prompts, questions).to_dict() == rows.remove_columns("answer").to_dict()


def test_a_prompt_that_is_not_its_parts():
    questions = QuestionColumns(Columns(("p", "q")), "answer")
    prompts = Dataset.from_dict({"prompt": ["a\n\nb\n", "a\n\nb\n\nc\n"], "completion": ["x", "y"]})
    with pytest.raises(RowError, match="prompt of row 1 has 3 paragraphs, and the columns p, q are 2"):
        as_questions(prompts, questions)
