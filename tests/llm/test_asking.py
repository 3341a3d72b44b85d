"""Replies that cannot be used: repaired once, generated anew, let go; and each counted."""

import pytest
from methods.scripted import ScriptedLLM

from condensers.llm import Completion, Desk, Events, Question, Unusable
from condensers.llm.asking import Unfinished
from condensers.methods.writing.replies import UniversalFeatures

CHAT = [{"role": "user", "content": "Say a number."}]


def number(completion):
    if not completion.text.isdigit():
        raise Unusable("wrong_counts", f"{completion.text!r} is no number")
    return int(completion.text)


def ask(*replies, second_chances=True, schema=None, read=number, max_tokens=None, **options):
    left = list(replies)
    llm = ScriptedLLM(lambda *_: left.pop(0))
    events = Events()
    desk = Desk(llm, events, n_samples=4, second_chances=second_chances, **options)
    (answer,) = desk.ask([Question(CHAT, 1, read, schema, max_tokens)])
    assert not left
    return answer, events, llm, desk


def test_a_good_reply():
    answer, events, llm, _ = ask("5")
    assert (answer.value, answer.problem) == (5, None)
    assert events.to_dict() == {"replies": 1, "unusable": {}} | {"regenerated": 0, "repair_asked": 0}


def test_the_repair_shows_the_reply_and_what_was_wrong():
    answer, events, llm, _ = ask("five", "5")
    assert answer.value == 5
    messages, sample, _ = llm.asked[1]
    assert [m["role"] for m in messages] == ["user", "assistant", "user"] and sample == 1
    assert messages[1]["content"] == "five" and "'five' is no number" in messages[2]["content"]
    assert events.unusable == {"wrong_counts": 1}
    assert (events.steps["repair_asked"], events.steps["repair_helped"], events.steps["regenerated"]) == (1, 1, 0)


def pair(completion):
    question, _, rest = completion.text.partition("\nA: ")
    if not rest:
        raise Unfinished(question, ["A"], lambda more: f"{question}\nA: {more}")
    return question, rest


def test_of_an_unfinished_reply_only_the_rest_is_asked_for():
    answer, events, llm, _ = ask("How many?", "4", read=pair)
    assert answer.value == ("How many?", "4")
    messages, sample, _ = llm.asked[1]
    assert [m["role"] for m in messages] == ["user", "assistant", "user"] and sample == 1
    assert messages[1]["content"] == "How many?" and messages[2]["content"] == "Go on with A alone."
    assert events.unusable == {"unfinished": 1} and events.steps["repair_helped"] == 1


def test_who_does_not_finish_is_asked_for_a_whole_reply_again():
    answer, events, llm, _ = ask("How many?", "", "Who?\nA: I", read=pair)
    assert answer.value == ("Who?", "I") and llm.asked[2][:2] == (CHAT, 1 + 4)
    assert events.unusable == {"unfinished": 1, "malformed": 1} and events.steps["regeneration_helped"] == 1


def test_then_another_sample_of_the_first_chat():
    answer, events, llm, _ = ask("five", "six", "7")
    assert answer.value == 7
    assert llm.asked[2][:2] == (CHAT, 1 + 4)
    assert (events.steps["repair_helped"], events.steps["regeneration_helped"]) == (0, 1)
    assert events.unusable == {"wrong_counts": 2} and not events.steps["dropped"]


def test_then_it_is_let_go():
    answer, events, llm, _ = ask("five", "six", "seven")
    assert (answer.value, answer.problem) == (None, "wrong_counts")
    assert events.n_replies == 3 and events.steps["dropped"] == 1 and llm.usage.dropped == {"wrong_counts": 1}


def test_a_trial_asks_once():
    answer, events, _, _ = ask("five", second_chances=False)
    assert answer.value is None and events.n_replies == 1


@pytest.mark.parametrize("problem", ["refusal: no", "failed: HTTP 500"])
def test_what_no_repair_mends_is_generated_anew_at_once(problem):
    answer, events, llm, _ = ask(Completion("", problem=problem), "5")
    assert answer.value == 5 and llm.asked[1][:2] == (CHAT, 5)
    assert events.unusable == {problem.partition(":")[0]: 1} and events.steps["repair_asked"] == 0


@pytest.mark.parametrize(
    ("first", "reason", "said"),
    [
        ("no JSON", "malformed", "no JSON"),
        ('{"features": [1]}', "malformed", "features.0"),
        (
            Completion('{"features": ["a', finish_reason="length", problem="truncated: after 5"),
            "truncated",
            "be brief",
        ),
    ],
)
def test_schemas_and_cut_replies_are_repaired(first, reason, said):
    answer, events, llm, _ = ask(first, '{"features": ["a"]}', schema=UniversalFeatures, read=lambda c: c.parsed)
    assert answer.value == UniversalFeatures(features=["a"])
    assert events.unusable == {reason: 1} and said in llm.asked[1][0][-1]["content"]


def test_who_overran_room_of_its_own_is_not_asked_to_mend_it():
    cut = Completion("5, that is to say", finish_reason="length", problem="truncated: after 5 tokens")
    answer, events, llm, _ = ask(cut, "5", max_tokens=5)
    assert answer.value == 5 and llm.asked[1][:2] == (CHAT, 5)
    assert events.unusable == {"truncated": 1} and events.steps["repair_asked"] == 0


def test_a_chat_that_is_too_long_is_neither_repaired_nor_dropped():
    answer, events, llm, _ = ask(Completion("", problem="too_long: 9000 tokens"))
    assert (answer.value, answer.problem) == (None, "too_long")
    assert events.unusable == {"too_long": 1} and not events.steps["dropped"]


def test_a_chat_that_is_known_to_be_too_long_is_not_sent():
    answer, events, llm, _ = ask(max_input_tokens=2)
    assert answer.problem == "too_long" and not llm.asked


def test_a_limit_stops_and_is_no_fault_of_a_reply():
    answer, events, _, desk = ask(Completion("", problem="limit"))
    assert desk.stopped and answer.problem == "limit"
    assert events.to_dict()["replies"] == 0 and not events.unusable


def test_answers_stand_in_the_order_of_questions_of_several_schemas():
    llm = ScriptedLLM(lambda messages, sample, schema: '{"features": ["a"]}' if schema else "5")
    desk = Desk(llm, Events(), n_samples=4)
    questions = [
        Question(CHAT, i, number) if i % 2 else Question(CHAT, i, lambda c: c.parsed.features, UniversalFeatures)
        for i in range(4)
    ]
    assert [answer.value for answer in desk.ask(questions)] == [["a"], 5, ["a"], 5]


@pytest.mark.parametrize("reads_truncated", [True, False])
def test_a_reply_that_was_cut_off_is_read_on_request(reads_truncated):
    cut = Completion("12", problem="truncated: after 2 tokens")
    llm = ScriptedLLM(lambda *_: cut)
    desk = Desk(llm, Events(), n_samples=1, second_chances=False)
    (answer,) = desk.ask([Question(CHAT, 0, number, reads_truncated=reads_truncated)])
    assert (answer.value, answer.problem) == ((12, None) if reads_truncated else (None, "truncated"))
