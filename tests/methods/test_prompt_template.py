"""SoftSRV's baselines: a language model is asked for rows, criticises them, answers them."""

import re

import pytest
from conftest import make_rows
from datasets import Dataset
from methods.scripted import ScriptedLLM, word
from word_embedder import WordEmbedder

from condensers import PromptTemplateCondenser, SelfRefineCondenser
from condensers.errors import BudgetError, SettingError, SourceNotFoundError
from condensers.llm import Completion
from condensers.llm.testing import FakeServer
from condensers.methods import AutoCondenser

SHOWN = re.compile(r"<text>(.*?)</text>", re.DOTALL)


def reply(messages, sample=0, schema=None):
    asked = messages[-1]["content"]
    shown = SHOWN.findall(asked)
    if "What should be changed" in asked:
        return f"remark on {shown[0]}"
    if "STOP" in asked:
        return "STOP" if int(word(shown[0]), 16) % 2 else f"better {shown[0]}"
    n = re.search(r"Make up (\d+) more", asked)
    if n:
        # One of them copies what was shown, and the first is always the same.
        unique = [f"{shown[0]} {word(shown[0], sample, i)}" for i in range(int(n[1]) - 2)]
        return "\n".join(f"Question {i}: {text}" for i, text in enumerate(["why?", shown[0], *unique], 1))
    return f"since {shown[0]}"


@pytest.fixture
def questions():
    texts = [f"how many {name}s?" for name in ("apple", "pear", "plum", "tin", "iron", "crow")]
    return Dataset.from_dict({"question": texts, "answer": ["two"] * 6})


def make(cls=PromptTemplateCondenser, llm=None, **settings):
    llm = llm or ScriptedLLM(reply)
    return cls(embedder=WordEmbedder(), llm=llm, **{"per_row": 5, "num_clusters": 4} | settings)


def test_rows_are_asked_for_in_turn_sifted_and_answered(questions):
    llm = ScriptedLLM(reply)
    condenser = make(llm=llm, domain="gsm8k")
    rows = condenser.condense(questions, total=10)
    assert len(set(rows["prompt"][:])) == 10
    assert all(row["completion"] == f"since {row['prompt'].strip()}" for row in rows)
    for row in rows:
        parent = questions["question"][row["condensed_parents"][0]]
        assert row["prompt"].startswith(parent) or row["prompt"] == "why?\n"
    asked = [messages[-1]["content"] for messages, _, _ in llm.asked]
    writing = [text for text in asked if "Make up" in text]
    # 20 texts in requests of five, each after another row.
    assert len(writing) == 4 and len(set(writing)) == 4
    assert all("Here is a grade-school math problem" in text for text in writing)
    assert all("Solve this grade-school math problem" in text for text in asked if text not in writing)
    found = condenser.run_.generation
    assert found["written"] == 16 == 10 + found["left_over"] + found["dropped"]["repeats"]


def test_self_refinement_criticises_what_was_written(questions):
    llm = ScriptedLLM(reply)
    condenser = make(SelfRefineCondenser, llm, refinements=2)
    rows = condenser.condense(questions, total=8)
    asked = [messages[-1]["content"] for messages, _, _ in llm.asked]
    assert sum("What should be changed" in text for text in asked) == sum("STOP" in text for text in asked) > 13
    better = [prompt for prompt in rows["prompt"][:] if prompt.startswith("better ")]
    assert better and all(prompt.count("better") <= 2 for prompt in better)


@pytest.mark.parametrize("cls", [PromptTemplateCondenser, SelfRefineCondenser])
def test_a_second_run_asks_nothing_and_gives_the_same(cls, questions, tmp_path):
    def unreliable(messages, sample, schema):
        text = reply(messages, sample)
        refuses = int(word(str(messages), sample), 16) % 5 == 0
        return Completion("", problem="refusal: no") if refuses else text

    llm = ScriptedLLM(unreliable)
    first = make(cls, llm.cached(tmp_path / "replies.sqlite")).condense(questions, total=12)
    n_asked = len(llm.asked)
    again = make(cls, llm.cached(tmp_path / "replies.sqlite")).condense(questions, total=12)
    assert again.to_dict() == first.to_dict() and len(llm.asked) == n_asked


@pytest.mark.parametrize("cls", [PromptTemplateCondenser, SelfRefineCondenser])
def test_the_estimate_counts_the_requests_of_a_run(cls, questions, tmp_path):
    questions.to_parquet(tmp_path / "rows.parquet")
    faultless = ScriptedLLM(
        lambda messages, sample, schema: (
            "\n".join(f"{word(str(messages), sample, i)} why" for i in range(5))
            if "Make up" in messages[-1]["content"]
            else f"new {word(str(messages))}"
        )
    )
    condenser = make(cls, faultless, total=10)
    needed = condenser.estimate(tmp_path / "rows.parquet")
    assert not faultless.asked and needed.max_output_tokens > needed.n_output_tokens > 0
    condenser.condense(tmp_path / "rows.parquet")
    assert needed.n_requests == len(faultless.asked) == (14 if cls is PromptTemplateCondenser else 14 + 3 * 2 * 20)


def test_each_class_has_requests_of_its_own(tmp_path):
    make_rows(4).to_parquet(tmp_path / "rows.parquet")
    llm = ScriptedLLM(lambda messages, sample, schema: f"{word(str(messages), sample)} why\n{word(sample)} how")
    condenser = make(llm=llm, per_class=3, per_row=2, num_written=21)
    needed = condenser.estimate(tmp_path / "rows.parquet")
    rows = condenser.condense(tmp_path / "rows.parquet")
    assert rows["label"][:] == [0] * 3 + [1] * 3 + [2] * 3
    assert needed.n_requests == len(llm.asked) == 3 * 4 and needed.own_work == {"texts written": 21}


def test_answers_are_drawn_at_a_temperature_of_their_own_within_the_same_limits(questions):
    with FakeServer(lambda request: reply(request.body["messages"], request.body["seed"])) as server:
        llm = f"fake@{server.base_url}"
        condenser = make(llm=llm, temperature=1.5)
        condenser.condense(questions, total=6)
        drawn = {("Make up" in str(r.body["messages"]), r.body["temperature"]) for r in server.requests}
        assert drawn == {(True, 1.5), (False, 0.0)}
        assert condenser.run_.llm["usage"]["requests"] == server.n_requests
        # The questions are in the cache, at their temperature; two answers at another are all that is left.
        limited = make(llm=llm, temperature=1.5, answer_temperature=0.5, max_requests=2, concurrency=1)
        assert len(limited.condense(questions, total=6)) == 2
        with pytest.raises(BudgetError, match="limit was reached"):
            make(llm=llm, temperature=0.6, max_requests=0).condense(questions, total=6)


def test_a_passage_and_a_question(questions):
    def pairs(messages, sample, schema):
        asked = messages[-1]["content"]
        if "Make up" not in asked:
            return "True"
        assert "Between passage and question put [SEP]" in asked
        shown = SHOWN.findall(asked)[0]
        return "\n".join(f"{i}. {word(shown, sample, i)} is. [SEP] is {i}" for i in range(5)) + "\nno separator"

    rows = {"passage": ["tin is", "gold is"], "question": ["is it", "was it"], "answer": [True, False]}
    condenser = make(llm=ScriptedLLM(pairs), domain="boolq", per_row=6)
    made = condenser.condense(Dataset.from_dict(rows), total=6)
    assert set(made["completion"][:]) == {"True"} and all("\n\nis " in prompt for prompt in made["prompt"][:])
    assert condenser.run_.generation["dropped"] == {"separator": 2}


@pytest.mark.parametrize("cls", [PromptTemplateCondenser, SelfRefineCondenser])
def test_saved_and_loaded_it_gives_the_same(cls, questions, tmp_path):
    questions.to_parquet(tmp_path / "rows.parquet")
    llm = ScriptedLLM(reply)
    condenser = make(cls, llm, total=5, kind="riddle", answer_temperature=0.3)
    rows = condenser.condense(tmp_path / "rows.parquet")
    condenser.save_pretrained(tmp_path / "saved")
    loaded = AutoCondenser.from_pretrained(tmp_path / "saved", embedder=WordEmbedder(), llm=llm)
    assert type(loaded) is cls and loaded.config == condenser.config
    assert loaded.condense().to_dict() == rows.to_dict()


def test_mistakes(questions, tmp_path):
    with pytest.raises(SettingError, match="asks a language model, and none is set"):
        PromptTemplateCondenser(embedder=WordEmbedder(), total=3, answer=None).condense(questions)
    with pytest.raises(SettingError, match="`domain` must be one of mbpp, gsm8k, boolq; got 'law'"):
        make(domain="law")
    with pytest.raises(SettingError, match="`refinements` must be at least 1; got 0"):
        make(SelfRefineCondenser, refinements=0)
    with pytest.raises(SourceNotFoundError, match="neither a file nor a prompt that ships"):
        make(question_prompt=str(tmp_path / "mine.jinja")).condense(questions, total=3)
    (tmp_path / "mine.jinja").write_text("{% block user %}{{ kind }}{{ n }}: {{ example | data }}{% endblock %}")
    llm = ScriptedLLM(lambda messages, sample, schema: f"why {word(str(messages), sample)}")
    rows = make(llm=llm, question_prompt=str(tmp_path / "mine.jinja"), answer=None).condense(questions, total=3)
    assert len(rows) == 3 and llm.asked[0][0][0]["content"].startswith("question5: <text>how many")
