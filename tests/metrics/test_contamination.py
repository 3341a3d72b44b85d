"""Matches of long n-grams and overlap of words, by hand and against loops over pairs."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from condensers.errors import ColumnError, RowError, SettingError
from condensers.metrics import assess
from condensers.metrics.contamination import Contamination, Leak, decontaminate, ngram_matches

NAMES = ["ngram_contaminated", "word_overlap", "word_overlap_above_40"]
THIRTEEN = "one two three four five six seven eight nine ten eleven twelve thirteen"
# Words of the tests that are no stop words.
WORDS = ["film", "plot", "actor", "scene", "music", "story", "dull", "fine", "bold", "warm", "slow", "loud"]


def texts(n, seed, *, least=0, most=9, words=(*WORDS, "the", "of", "and")):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(words, size=rng.integers(least, most))) for _ in range(n)]


def slowly(predictions, references, n):
    def grams(text):
        words = text.split()
        return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}

    def content(text):
        return {word for word in text.split() if word not in ENGLISH_STOP_WORDS}

    matches = [any(grams(a) & grams(b) for b in references) for a in predictions]
    overlap = [
        max(len(content(a) & content(b)) for b in references) / len(content(a)) for a in predictions if content(a)
    ]
    return matches, {
        "ngram_contaminated": np.mean(matches),
        "word_overlap": np.mean(overlap) if overlap else 0.0,
        "word_overlap_above_40": np.sum(np.array(overlap) > 0.4) / len(predictions),
    }


def test_thirteen_words_in_a_row():
    holder = f"before {THIRTEEN} after"
    predictions = [
        THIRTEEN.upper().replace(" ", ", 7 ") + "!",  # case, punctuation and digits do not hide it
        THIRTEEN.replace("seven", "other"),
        " ".join(THIRTEEN.split()[:12]),  # a part, but of twelve words
        f"so {THIRTEEN}",
    ]
    comparison = Contamination(predictions, ["nothing", holder])
    assert comparison.value()["ngram_contaminated"] == pytest.approx(2 / 4)
    assert comparison.contaminated().tolist() == [0, 3]
    assert ngram_matches(predictions, ["nothing", holder]).tolist() == [True, False, False, True]
    assert ngram_matches(predictions, [holder], n=12).tolist() == [True, False, True, True]
    assert ngram_matches(predictions, [holder], n=6).all()


def test_an_ngram_does_not_cross_from_one_text_into_the_next():
    assert not ngram_matches(["a b c d"], ["a b", "c d"], n=3).any()
    assert not ngram_matches(["a b", "c d"], ["a b c d"], n=3).any()


def test_word_overlap_by_hand():
    references = ["The film's plot is dull.", "A bold actor and a fine scene"]
    predictions = [
        "the film was fine, and the plot warm",  # film fine plot warm: "film" is not "films", so plot or fine; 1/4
        "Bold, bold scene!",  # 2/2
        "it is the of and",  # no word is left
        "fine bold actor story music",  # 3/5
        "fine bold story music slow",  # 2/5, which is not above 40%
    ]
    found = Contamination(predictions, references).value()
    assert found["word_overlap"] == pytest.approx((1 / 4 + 1 + 3 / 5 + 2 / 5) / 4)
    assert found["word_overlap_above_40"] == pytest.approx(2 / 5)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [2, 3, 5])
def test_as_loops_over_pairs(seed, n):
    predictions, references = texts(23, seed), texts(19, seed + 30)
    comparison = Contamination(predictions, references, n=n)
    matches, expected = slowly(predictions, references, n)
    assert comparison.value() == pytest.approx(expected)
    assert comparison.contaminated().tolist() == np.flatnonzero(matches).tolist()
    assert ngram_matches(predictions, references, n).tolist() == matches


def test_the_null_distribution_leaves_each_row_out():
    references = [*texts(20, 0), *texts(3, 0)]
    pool = Contamination(["film"], references, n=3)._pool
    for row in range(23):
        _, expected = slowly([references[row]], references[:row] + references[row + 1 :], 3)
        assert {name: np.nan_to_num(pool[name][row]) for name in NAMES} == pytest.approx(expected)


def test_order_changes_nothing_and_a_copy_is_a_match():
    predictions, references = texts(20, 1, least=6), texts(40, 2, least=6)
    found = Contamination(predictions, references, n=3).value()
    assert Contamination(predictions[::-1], references[::-1], n=3).value() == pytest.approx(found)
    copied = [f"{THIRTEEN} {text} film" for text in references]
    assert Contamination(copied[:7], copied).value() == dict.fromkeys(NAMES, 1.0)


def test_leaks_are_told_from_fresh_rows():
    words = [f"{a}{b}{c}" for a in "bdfgk" for b in "aeiou" for c in "lmnprst"]
    rows = texts(500, 5, least=15, most=30, words=words)
    for name, score in assess(Contamination(rows[:60], rows[60:])).items():
        assert score.informative and score.like_a_sample, name
    for score in assess(Contamination(rows[60:120], rows[60:])).values():
        assert score.value == 1 and score.informative and score.value > score.null_high


def test_references_that_are_too_short_to_match_say_nothing():
    found = assess(Contamination(["fine film", "dull plot"], ["bold scene", "warm story"]), n_resamples=20)
    assert found["ngram_contaminated"].value == 0 and not found["ngram_contaminated"].informative
    assert found["word_overlap"].informative


def test_texts_without_words():
    comparison = Contamination(["", "?!", "7 8 9"], ["", "film"])
    assert comparison.value() == dict.fromkeys(NAMES, 0.0)
    assert comparison.contaminated().shape == (0,)
    for score in assess(Contamination([""], [""]), n_resamples=20).values():
        assert score.value == score.null_high == 0 and not score.informative


def test_mistakes():
    for make in (Contamination, ngram_matches):
        with pytest.raises(RowError, match="there are no predictions"):
            make([], ["a"])
        with pytest.raises(RowError, match="there are no references"):
            make(["a"], [])
        with pytest.raises(ColumnError, match="references must be texts; number 0 is NoneType"):
            make(["a"], [None])
        with pytest.raises(SettingError, match="`n` must be at least 1; got 0"):
            make(["a"], ["a"], n=0)


def test_decontamination_says_what_leaked_and_from_where():
    references = ["nothing", f"before {THIRTEEN} after", THIRTEEN]
    rows = [
        "clean",
        THIRTEEN.replace(" ", ", 7 ") + "!",
        " ".join(THIRTEEN.split()[:12]),
        f"so {THIRTEEN}, after",
    ]
    found = decontaminate(rows, references)
    assert found.kept.tolist() == [0, 2]
    assert found.leaks == {1: Leak(1, THIRTEEN), 3: Leak(1, THIRTEEN)}
    assert decontaminate(rows, ["nothing"]).kept.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("seed", range(3))
def test_decontamination_drops_what_the_slow_way_finds(seed):
    rows, references = texts(30, seed, words=WORDS[:3]), texts(20, seed + 9, words=WORDS[:3])
    matches, _ = slowly(rows, references, 4)
    found = decontaminate(rows, references, 4)
    assert sorted(found.leaks) == np.flatnonzero(matches).tolist()
    assert 0 < len(found.leaks) < 30
    for i, leak in found.leaks.items():
        assert leak.words in rows[i] and leak.words in references[leak.reference]
        assert not slowly([rows[i]], references[: leak.reference] or ["none"], 4)[0][0]


def test_decontamination_refuses_what_the_metric_refuses():
    with pytest.raises(RowError, match="there are no references"):
        decontaminate(["a"], [])
    with pytest.raises(SettingError, match="`n` must be at least 1; got 0"):
        decontaminate(["a"], ["b"], 0)
