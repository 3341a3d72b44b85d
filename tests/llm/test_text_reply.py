"""Lines are read leniently: what models put around a text is no part of it."""

import pytest

from condensers.llm.text_reply import bare, lines_of, single_of, untagged


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
