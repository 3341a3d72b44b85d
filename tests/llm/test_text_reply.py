"""Lines are read leniently: what models put around a text is no part of it."""

import pytest

from condensers.llm.text_reply import bare, lines_of, sections_of, single_of, untagged


@pytest.mark.parametrize(
    "line",
    [
        "a good film",
        "1. a good film",
        "2) a good film",
        "(3) a good film",
        "#4. a good film",
        "- a good film",
        "* a good film",
        "• a good film",
        '"a good film"',
        "\u201ca good film\u201d",
        '5. "a good film"',
        "<text>a good film</text>",
        "- <text> a  good film </text>",
        "  a good film  ",
    ],
)
def test_what_stands_around_a_text(line):
    assert bare(line) == "a good film"


@pytest.mark.parametrize("text", ["3 stars", "1984 is a book", "-5 degrees", 'he said "no" and left', "it's 'fine'"])
def test_what_belongs_to_a_text(text):
    assert bare(text) == text


def test_lines_and_an_opening_remark():
    reply = "Sure! Here are two reviews:\n```\n1. good film\n\n2. bad film\n```"
    assert lines_of(reply) == ["good film", "bad film"]
    assert lines_of("only one line:") == ["only one line:"]
    assert lines_of("") == []


def test_a_single_text():
    assert single_of('Here is the new text:\n\n"good\nfilm"') == "good film"
    assert single_of("") == ""
    assert untagged(" <text>a - b</text>") == "a - b"


@pytest.mark.parametrize(
    "reply",
    [
        "Q: How many?\nA: 2 + 2 = 4\nSo 4.",
        "Here is the corrected pair.\n\n**Q:** How many?\n\n**A:** 2 + 2 = 4\nSo 4.\n",
        "```\nq : How many?\na: <text>2 + 2 = 4\nSo 4.</text>\n```",
    ],
)
def test_sections(reply):
    assert sections_of(reply, ("Q", "A")) == ("How many?", "2 + 2 = 4\nSo 4.")


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("", ()),
        ("How many? 4", ()),
        ("A: 4\nQ: How many?", ()),
        ("Q: How many?", ("How many?",)),
        ("Q: a\nA: ", ("a",)),
        ("Q: a\n\nQ: b\nA: c", ("a",)),
        ("Q:\nA: c", ()),
        ("Q: a A: b", ("a A: b",)),
    ],
)
def test_sections_end_where_the_next_is_not_as_asked(reply, found):
    assert sections_of(reply, ("Q", "A")) == found


@pytest.mark.parametrize("more", ["Q: c", "Q: c\nA: d", "Q: c\nA: d\n\nQ: e"])
def test_of_a_reply_that_goes_on_with_further_samples_the_first_is_taken(more):
    assert sections_of(f"Q: a\nA: b\nso b\n\n{more}", ("Q", "A")) == ("a", "b\nso b")
    assert sections_of(f"A: b\nQ: a\n{more}", ("Q", "A")) == ()


def test_names_of_sections_are_no_patterns():
    assert sections_of("a.b (c): one\n2+2: two", ("a.b (c)", "2+2")) == ("one", "two")
    assert sections_of("axb (c): one\n2+2: two", ("a.b (c)", "2+2")) == ()
