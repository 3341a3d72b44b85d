"""What a program can tell of a text's coherence."""

import pytest

from condensers.data import Columns
from condensers.refinement import coherence_check

QA = Columns(("question", "answer"))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a good film", None),
        ("42", None),
        ("好电影", None),
        ("", "empty"),
        (" ... !", "empty"),
        ("very very very very very very good", "repetition"),
        ("very very very very very good", None),
        ("Donny is a book reader and she has a book for the whole week. " * 4, "repetition"),
        ("电影很好看" * 4, "repetition"),
        ("Twice two is 4. Twice two is 4, of course.", None),
        ("We add 2 + 2 + 2 + 2 + 2 + 2 + 2 = 14, so x + x + x + x + x + x + x = 7x.", None),
    ],
)
def test_a_text(text, fault):
    assert coherence_check(text) == fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("How many? [SEP] Four.", None),
        ("How many?[SEP]Four.", None),
        ("How many? Four.", "separator"),
        ("How many? [SEP] Four. [SEP] Five.", "separator"),
        ("How many? [SEP] ", "empty"),
        ("How many? [SEP] " + "no " * 6, "repetition"),
    ],
)
def test_a_question_with_its_answer(text, fault):
    assert coherence_check(text, QA) == fault


def test_trigrams_by_hand():
    # "a b c" in a circle of n words: 3 distinct trigrams of n - 2.
    words = ["ab", "bc", "cd"]
    assert coherence_check(" ".join(words[i % 3] for i in range(13))) is None  # 11 trigrams are too few to judge
    assert coherence_check(" ".join(words[i % 3] for i in range(14))) == "repetition"  # 1 - 3 / 12
    half = [f"word{'abcdefgh'[i]}" for i in range(8)]
    assert coherence_check(" ".join([*half, *half])) is None  # 1 - 8 / 14 would be more, but they are 8 + 6 = 14
