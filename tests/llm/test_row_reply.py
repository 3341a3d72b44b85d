"""Rows of several texts out of replies: whole, unfinished, or no row."""

import pytest

from condensers.data import Columns
from condensers.llm import Unusable
from condensers.llm.asking import Unfinished
from condensers.llm.row_reply import row_of

PAIR = Columns(text=("question", "answer"), label=None, separator=" [SEP] ")
THREE = Columns(text=("title", "body", "end"), label=None, separator=" [SEP] ")


def unfinished(reply, columns):
    with pytest.raises(Unfinished) as caught:
        row_of(reply, columns)
    return caught.value


@pytest.mark.parametrize(
    "reply", ["Q: How many?\nA: 4", "**q:** How many?\n**a:** <text>4</text>", "How many? [SEP] 4"]
)
def test_a_whole_row(reply):
    assert row_of(reply, PAIR) == "How many? [SEP] 4"


@pytest.mark.parametrize(
    "reply", ["Q: How many?", "Q: <text>How many?</text>\nA:", "Q: How many?\n\nQ: And now?\nA: 5"]
)
def test_what_ends_too_soon_says_what_there_is_and_what_is_missing(reply):
    found = unfinished(reply, PAIR)
    assert (found.so_far, found.missing, found.reason) == ("Q: How many?", ("A",), "unfinished")


@pytest.mark.parametrize("rest", ["4", "A: 4", "**A:** 4", "A: 4\nQ: And now?\nA: 5", "4\nQ: And now?\nA: 5"])
def test_a_rest_of_one_text_needs_no_name(rest):
    assert row_of(unfinished("Q: How many?", PAIR).joined(rest), PAIR) == "How many? [SEP] 4"


def test_a_rest_of_two_texts_has_names():
    found = unfinished("title: One", THREE)
    assert found.missing == ("body", "end")
    assert row_of(found.joined("body: Two\nend: Three"), THREE) == "One [SEP] Two [SEP] Three"
    assert unfinished(found.joined("body: Two"), THREE).missing == ("end",)


@pytest.mark.parametrize(
    "reply", ["Q: How many? A: 4", "A: 4\nQ: How many?", "Q: a [SEP] b\nA: 4", "How many? 4", "Q:\nA: 4"]
)
def test_what_has_run_together_is_no_row_and_cannot_be_finished(reply):
    with pytest.raises(Unusable) as caught:
        row_of(reply, PAIR)
    assert not isinstance(caught.value, Unfinished) and caught.value.reason == "separator"


@pytest.mark.parametrize("rest", ["", "A:", "Q: How many?", "Q: How many?\nWho knows."])
def test_a_rest_that_is_none_leaves_it_unfinished(rest):
    with pytest.raises(Unfinished):
        row_of(unfinished("Q: How many?", PAIR).joined(rest), PAIR)


def test_a_whole_row_in_place_of_the_rest_is_not_put_behind_the_first_text():
    with pytest.raises(Unfinished):
        row_of(unfinished("Q: How many?", PAIR).joined("Q: And now?\nA: 5"), PAIR)
