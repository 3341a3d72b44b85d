import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from condensers.errors import RowError, SettingError
from condensers.hub import copies
from condensers.hub.copies import find_copies

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "leak_guard.py"


def test_the_similarity_is_that_of_the_equation():
    # "abcde fghij" becomes "abcde fghix": one character out, one in, of 11 and 11: 1 - 2 / 22.
    found = find_copies(["abcde fghix"], ["zz", "abcde fghij"])
    assert [(copy.row, copy.source_row, copy.similarity) for copy in found.near] == [(0, 1, round(1 - 2 / 22, 4))]
    assert not find_copies(["abcde fghix"], ["zz", "abcde fghij"], threshold=0.92).near


def test_case_and_spaces_do_not_hide_a_copy_and_marks_make_it_a_near_one():
    found = find_copies(["A  Fine\nfilm", "a fine film!", "a poor play"], ["a fine film"])
    assert [copy.row for copy in found.verbatim] == [0]
    assert [(copy.row, copy.similarity) for copy in found.near] == [(1, 1.0)]
    assert found.share == pytest.approx(2 / 3)


def test_a_passage_inside_a_longer_row_is_told():
    passage = " ".join(f"w{chr(97 + i)}" for i in range(13))
    found = find_copies([f"before {passage} and then some more of it", "short"], [f"other {passage} end of the row"])
    assert found.passages == (0,) and not found.verbatim


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text("abc ", min_size=1, max_size=12), min_size=1, max_size=8), st.data())
def test_a_source_row_is_always_found_wherever_the_blocks_end(source, data):
    rows = data.draw(st.lists(st.sampled_from(source), min_size=1, max_size=5))
    whole = find_copies(rows, source)
    assert whole.share == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copies, "_BLOCK_ROWS", 2)
        patch.setattr(copies, "_BLOCK_SOURCES", 3)
        others = ["".join(reversed(row)) + "x" for row in rows]
        in_blocks = find_copies(others, source, threshold=0.5)
    assert in_blocks == find_copies(others, source, threshold=0.5)


def test_the_most_similar_is_the_one_a_loop_would_find():
    from rapidfuzz.distance import Indel

    rng = np.random.default_rng(0)
    texts, source = (["".join(rng.choice(list("abcd "), size=30)) for _ in range(n)] for n in (20, 50))
    best = [max(Indel.normalized_similarity(copies._words(t), copies._words(s)) for s in source) for t in texts]
    found = {copy.row: copy.similarity for copy in find_copies(texts, source, threshold=0.6).near}
    assert found == {i: pytest.approx(score, abs=1e-4) for i, score in enumerate(best) if score >= 0.6}
    assert 0 < len(found) <= 20


@pytest.mark.parametrize("threshold", [0, 1.1])
def test_a_threshold_out_of_range(threshold):
    with pytest.raises(SettingError, match="threshold"):
        find_copies(["a"], ["a"], threshold=threshold)


def test_no_rows():
    with pytest.raises(RowError):
        find_copies([], ["a"])


@pytest.mark.parametrize(
    ("edit", "least", "most"),
    [
        ("verbatim", 1, 1),
        ("other case and spaces", 1, 1),
        ("one word in 20 changed", 0.9, 1),
        ("one word in 10 changed", 0.7, 1),
        ("one word in 3 changed", 0, 0.05),
        ("another row", 0, 0),
    ],
)
def test_planted_copies_are_found_at_the_stated_rates(edit, least, most):
    share, _ = runpy.run_path(str(BENCHMARK))["copied_rate"](edit)
    assert least <= share <= most
