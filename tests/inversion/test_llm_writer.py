"""Texts after the rows around a point: which rows are shown, which text is taken, and what small models are asked."""

import re

import numpy as np
import pytest
from injection_attacks import ATTACKS, holds_its_sample
from methods.scripted import TEXT, ScriptedLLM
from refinement.conftest import AngleEmbedder

from condensers import LLMWriter
from condensers.data import Columns
from condensers.embedding import EmbeddedRows
from condensers.errors import RowError, SettingError
from condensers.inversion import Realiser, RowRealiser
from condensers.llm import Completion, Prompt

EMBEDDER = AngleEmbedder()
QA = Columns(("question", "answer"))


def rows_at(*degrees, text="row @{}"):
    texts = [text.format(angle) for angle in degrees]
    return EmbeddedRows(texts, EMBEDDER.encode([f"@{angle}" for angle in degrees]))


ROWS = rows_at(80, 0, 30, 10, 60)


def point_at(*degrees):
    return EMBEDDER.encode([f"@{angle}" for angle in degrees])


def write(reply, points, rows=ROWS, embedder=EMBEDDER, llm=None, **settings):
    llm = llm or ScriptedLLM(reply)
    writer = LLMWriter(llm, embedder, **settings)
    return writer.write(points, rows), llm, writer.events


def shown(messages):
    return TEXT.findall(messages[-1]["content"])


def test_the_nearest_rows_are_shown_and_the_closest_text_taken():
    written, llm, events = write(
        lambda m, sample, _: f"new @{[50, 25, 5, 18][sample]}", point_at(20), num_neighbours=3
    )
    # Cosines of the rows: 30 and 10 are 10 degrees away, the first among equals first; then 0.
    assert written.neighbours.tolist() == [[2, 3, 1]]
    assert [(shown(m), sample) for m, sample, _ in llm.asked] == [
        (["row @30", "row @10", "row @0"], sample) for sample in range(4)
    ]
    assert written.texts == ["new @18"] and np.allclose(written.cosine, np.cos(np.deg2rad(2)), atol=1e-6)
    assert not written.is_row.any() and not written.stopped and not events.unusable


def test_neighbours_across_blocks_and_vectors_of_any_length(monkeypatch):
    from condensers.embedding import vectors

    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 6)).astype(np.float32)
    points = rng.normal(size=(4, 6)) * 9
    cosine = (points @ x.T) / np.linalg.norm(points, axis=1)[:, None] / np.linalg.norm(x, axis=1)
    monkeypatch.setattr(vectors.iter_blocks, "__defaults__", (7,))
    rows = EmbeddedRows([f"row {i}" for i in range(50)], x)
    written, _, _ = write(lambda *_: Completion("", problem="refusal: no"), points, rows, num_neighbours=9)
    assert np.array_equal(written.neighbours, np.argsort(-cosine, axis=1)[:, :9])


def test_each_point_gets_a_text_of_its_own():
    written, llm, _ = write(lambda m, sample, _: f"new @{sample}", point_at(1, 1, 1), num_candidates=2)
    assert written.texts[:2] == ["new @1", "new @0"]
    assert written.is_row.tolist() == [False, False, True] and written.texts[2] == "row @0"


def test_it_is_a_realiser_but_not_of_rows():
    writer = LLMWriter(ScriptedLLM(lambda *_: "new @3"), EMBEDDER)
    assert isinstance(writer, Realiser) and not isinstance(writer, RowRealiser)
    assert writer.realise(point_at(3), ROWS) == ["new @3"]


def test_lines_count_as_texts():
    reply = "Here are some:\n1. one @50\n2. two @21\n3. row @10"
    written, _, events = write(lambda *_: reply, point_at(20), num_candidates=1)
    assert written.texts == ["two @21"] and not events.unusable


def test_rows_of_several_lines_do_not():
    rows = rows_at(0, 10, text="row\n@{}")
    written, _, _ = write(lambda *_: "one\ntwo @20", point_at(20), rows, num_candidates=1)
    assert written.texts == ["one two @20"]


def test_copies_are_refused():
    written, llm, events = write(lambda m, *_: "ROW  @10" if shown(m) else "new @20", point_at(20), num_candidates=2)
    assert written.texts == ["new @20"] and events.unusable == {"copies_source": 2}
    assert "is a copy" in llm.asked[2][0][-1]["content"]


def is_simple(messages):
    return "in other words" in messages[0]["content"]


def test_texts_that_are_further_than_the_rows_are_not_enough():
    def reply(messages, sample, schema):
        return "other words @28" if is_simple(messages) else f"new @{[44, 95][sample]}"

    # The rows shown are 10 degrees away.
    written, llm, events = write(reply, point_at(20), num_candidates=2, num_neighbours=2)
    assert written.texts == ["other words @28"] and events.steps["put_simply"] == 1
    written, llm, events = write(lambda *_: "new @29", point_at(20), num_candidates=2, num_neighbours=2)
    assert written.texts == ["new @29"] and events.steps["put_simply"] == 0 and len(llm.asked) == 2


def test_a_small_model_is_asked_more_simply():
    def reply(messages, sample, schema):
        return "other words @12" if is_simple(messages) else "row @10"

    written, llm, events = write(reply, point_at(20, 60), num_candidates=3, num_neighbours=2)
    simple = [shown(m) for m, _, _ in llm.asked if is_simple(m)]
    # Each candidate has a row of its own, in turns.
    assert simple == [["row @30"], ["row @10"], ["row @30"], ["row @60"], ["row @80"], ["row @60"]]
    assert events.steps["put_simply"] == 2 and events.unusable["copies_source"] == 18
    assert written.texts == ["other words @12", "row @60"] and written.is_row.tolist() == [False, True]


@pytest.mark.parametrize(("form", "words"), [("single", "in other words"), ("rows", "have in common")])
def test_a_form_of_the_users(form, words):
    _, llm, events = write(lambda *_: Completion("", problem="refusal: no"), point_at(20), form=form)
    assert llm.asked and all(any(words in turn["content"] for turn in m) for m, _, _ in llm.asked)
    assert events.steps["put_simply"] == 0 and events.steps["nearest_row_taken"] == 1


@pytest.mark.parametrize(
    ("reason", "reply"),
    [
        ("malformed", Completion("", problem="malformed: the reply is empty")),
        ("truncated", Completion("a good", finish_reason="length", problem="truncated: after 5")),
        ("refusal", Completion("", problem="refusal: no")),
        ("failed", Completion("", problem="failed: HTTP 500")),
        ("too_long", Completion("", problem="too_long: 9000")),
        ("empty", "```\n```"),
        ("copies_source", "row @30"),
    ],
)
def test_faults_are_counted_and_the_nearest_free_row_taken(reason, reply):
    written, _, events = write(lambda *_: reply, point_at(31, 31))
    assert written.texts == ["row @30", "row @10"] and written.is_row.all()
    assert np.allclose(written.cosine, np.cos(np.deg2rad([1, 21])), atol=1e-6)
    assert set(events.unusable) == {reason} and events.steps["nearest_row_taken"] == 2


def test_a_limit_stops_with_what_there_is():
    def reply(messages, sample, schema):
        return Completion("", problem="limit") if "row @80" in shown(messages) else "new @20"

    written, llm, events = write(reply, point_at(20, 75), num_neighbours=3, num_candidates=2)
    assert written.stopped and written.texts == ["new @20", "row @80"] and len(llm.asked) == 4


def test_questions_with_answers():
    rows = rows_at(0, 10, text="How far? [SEP] It is @{}")
    written, llm, events = write(
        lambda m, sample, _: "Q: How near?\nA: @4" if sample else "How near? @3",
        point_at(2),
        rows,
        columns=QA,
        num_candidates=2,
    )
    assert "Q: <text>How far?</text>\nA: <text>It is @0</text>" in llm.asked[0][0][-1]["content"]
    assert written.texts == ["How near? [SEP] @4"] and set(events.unusable) == {"separator"}
    _, llm, _ = write(lambda *_: "Q: How near?\nA: @4", point_at(2), rows, columns=QA, form="single")
    system, *_, last = llm.asked[0][0]
    assert "in the same form" in system["content"]
    assert last["content"] == "Q: <text>How far?</text>\nA: <text>It is @0</text>"


def test_a_question_without_its_answer_is_not_lost():
    def reply(messages, sample, schema):
        return "@4" if "Go on with A" in messages[-1]["content"] else "Q: How near?"

    rows = rows_at(0, 10, text="How far? [SEP] It is @{}")
    written, _, events = write(reply, point_at(2), rows, columns=QA, num_candidates=1)
    assert written.texts == ["How near? [SEP] @4"] and events.unusable == {"unfinished": 1}
    assert events.steps["repair_helped"] == 1


def test_a_reply_has_room_for_its_text_and_not_for_an_essay():
    asked = []

    class Spy(ScriptedLLM):
        def stream(self, requests, *, schema=None):
            asked.extend(request.max_tokens for request in requests)
            return super().stream(requests, schema=schema)

    write(None, point_at(0), llm=Spy(lambda *_: "new @1"), num_candidates=1, num_neighbours=1, form="rows")
    write(None, point_at(0), llm=Spy(lambda *_: "new @1"), num_candidates=1, reply_tokens=7, form="rows")
    assert asked == [48 + len("row @0") // 2, 7]


class Killed(BaseException):
    pass


def test_killed_and_started_again_it_asks_for_nothing_twice(tmp_path):
    def reply(messages, sample, schema):
        return "row @10" if (sample + len(messages)) % 3 == 0 else f"{len(shown(messages))} new @{sample * 7}"

    whole = ScriptedLLM(reply)
    expected, _, _ = write(None, point_at(20, 60), llm=whole.cached(tmp_path / "whole"))

    def dies(messages, sample, schema):
        if len(first.asked) > 5:
            raise Killed
        return reply(messages, sample, schema)

    first, second = ScriptedLLM(dies), ScriptedLLM(reply)
    with pytest.raises(Killed):
        write(None, point_at(20, 60), llm=first.cached(tmp_path / "replies"))
    again, _, _ = write(None, point_at(20, 60), llm=second.cached(tmp_path / "replies"))
    assert again.texts == expected.texts
    assert first.times_asked.total() - 1 + second.times_asked.total() == whole.times_asked.total()


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("form", ["rows", "single"])
@pytest.mark.parametrize("columns", [None, QA])
def test_a_row_changes_nothing_but_its_own_sample(attack, form, columns):
    harmless = "q" * len(attack)  # as long, since the room for a reply goes by length

    reply = "new @1" if columns is None else "Q: new\nA: new @1"

    def chats(row):
        texts = [row, "another @20"] if columns is None else [f"{row} [SEP] so", "what [SEP] that @20"]
        rows = EmbeddedRows(texts, point_at(0, 20))
        _, llm, _ = write(lambda *_: reply, point_at(1), rows, form=form, columns=columns)
        return [messages for messages, _, _ in llm.asked]

    plain, attacked = chats(harmless), chats(attack)
    assert len(plain) == len(attacked) == 4
    found = [holds_its_sample(one, other, harmless) for one, other in zip(plain, attacked, strict=True)]
    assert sum(found) == (4 if form == "rows" else 2)


def mine(body):
    return Prompt(f"{{% block user %}}{body}{{% endblock %}}", "mine")


def test_a_prompt_of_the_users():
    prompt = mine("{% for parts in rows %}{{ parts[0] | data }}{% endfor %}")
    _, llm, _ = write(lambda *_: "new @3", point_at(0), prompt=prompt, num_neighbours=2)
    assert llm.asked[0][0] == [{"role": "user", "content": "<text>row @0</text><text>row @10</text>"}]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_neighbours": 0}, "`num_neighbours` must be at least 1; got 0"),
        ({"num_candidates": 0}, "`num_candidates` must be at least 1; got 0"),
        ({"reply_tokens": -1}, "`reply_tokens` must be at least 1; got -1"),
        ({"form": "json"}, "`form` must be 'auto', 'rows' or 'single'; got 'json'"),
        ({"prompt": mine("{{ label }} {{ rows }}")}, "'mine' asks for label, rows. Change it"),
        ({"prompt": mine("go")}, "'mine' asks for nothing"),
    ],
)
def test_settings_that_are_not_allowed(settings, message):
    with pytest.raises(SettingError, match=re.escape(message)):
        LLMWriter(ScriptedLLM(), EMBEDDER, **settings)


@pytest.mark.parametrize(
    ("points", "rows", "error", "message"),
    [
        (point_at(0), EmbeddedRows([], np.zeros((0, 2))), RowError, "there are no rows"),
        (
            np.ones((1, 3)),
            ROWS,
            SettingError,
            "points must have the shape (n, 2), the dimension of the rows' vectors; got",
        ),
        (np.zeros((1, 2)), ROWS, RowError, "point 0 is zero or holds NaN"),
        (np.full((1, 2), np.nan), ROWS, RowError, "point 0 is zero or holds NaN"),
    ],
)
def test_arguments_that_do_not_fit(points, rows, error, message):
    with pytest.raises(error, match=re.escape(message)):
        LLMWriter(ScriptedLLM(lambda *_: "new @1"), EMBEDDER).write(points, rows)


def test_an_embedder_of_another_dimension():
    with pytest.raises(SettingError, match="points have 2 dimensions, vectors of the embedder 'angles' 3"):
        write(lambda *_: "new @1", point_at(0), embedder=AngleEmbedder(dim=3))
