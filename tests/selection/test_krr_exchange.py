"""Rows chosen for kernel ridge regression, by rank-one updates."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from condensers.embedding import EmbeddedRows, VectorRows, vectors
from condensers.errors import BudgetError, RowError, SettingError
from condensers.placement.label_moments import LabelMoments
from condensers.selection import KRRExchange, SupervisedSelector
from condensers.selection.exchange_view import ExchangeView


def unit(n, dim=4, seed=0):
    x = np.random.default_rng(seed).normal(size=(n, dim))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def labelled(n=24, n_classes=3, seed=0):
    x = unit(n, seed=seed)
    codes = np.arange(n) % n_classes
    return EmbeddedRows([f"text {i}" for i in range(n)], x), codes


def loss(rows, codes, chosen, ridge=1.0):
    moments = LabelMoments.of(rows.vectors, codes)
    return moments.loss(rows.vectors[chosen], moments.labels(codes[chosen]), ridge)


def test_by_hand():
    # One row a class. The pairs at 1 and -1 predict a quarter of x (see the hand-made case of the loss); all others
    # predict less, and every row lies on the side of its class.
    x = np.array([0.1, 1, -0.1, -1, 0.2, -0.2], np.float32)[:, None]
    codes = np.array([0, 0, 1, 1, 0, 1])
    found = KRRExchange(ridge=2.0, typical=1.0).select_by_class(EmbeddedRows(list("abcdef"), x), codes, {0: 1, 1: 1})
    assert {code: own.tolist() for code, own in found.items()} == {0: [1], 1: [3]}


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 5.0))
@example(seed=365, ridge=0.05)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_change_of_rank_one_is_a_fit_from_scratch(dtype, seed, ridge):
    rng = np.random.default_rng(seed)
    x, codes = unit(30, seed=seed).astype(dtype), np.sort(np.arange(30) % 3)
    # A step divides by the pivot, a difference of numbers around 2 that may be as small as the ridge, twice.
    accuracy = 8 * float(np.finfo(dtype).eps) / min(ridge, 1.0) ** 2
    moments = LabelMoments.of(x, codes)
    view = ExchangeView(x, codes, moments, ridge, n_places=6)
    chosen = rng.permutation(30)[:5]
    for place, row in enumerate(chosen.tolist()):
        view.fill(place, row)
    view.solve()

    def fresh(rows):
        return moments.loss(x[rows], moments.labels(codes[rows]), ridge)

    assert view.loss == pytest.approx(fresh(chosen), rel=1e-5)
    exchanged = [fresh([*chosen[:2], row, *chosen[3:]]) for row in range(30)]
    np.testing.assert_allclose(view.losses(2, slice(0, 30)), exchanged, rtol=accuracy, atol=accuracy)
    joined = [fresh([*chosen, row]) for row in range(10, 30)]
    np.testing.assert_allclose(view.losses(5, slice(10, 30)), joined, rtol=accuracy, atol=accuracy)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_no_single_exchange_betters_what_it_finds(seed):
    rows, codes = labelled(seed=seed)
    found = KRRExchange(typical=1.0).select_by_class(rows, codes, {0: 2, 1: 2, 2: 1})
    chosen = np.concatenate([found[code] for code in range(3)])
    assert codes[chosen].tolist() == [0, 0, 1, 1, 2]
    reached = loss(rows, codes, chosen)
    for place, row in np.ndindex(len(chosen), len(codes)):
        if codes[row] == codes[chosen[place]] and row not in chosen:
            other = chosen.copy()
            other[place] = row
            assert loss(rows, codes, other) > reached - 1e-5


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_it_is_no_worse_than_choosing_greedily(seed):
    rows, codes = labelled(seed=seed)
    greedy = []
    for code in (0, 1, 2, 0, 1, 2):
        free = [i for i in np.flatnonzero(codes == code) if i not in greedy]
        greedy.append(min(free, key=lambda row: loss(rows, codes, [*greedy, row])))
    found = KRRExchange(typical=1.0).select_by_class(rows, codes, dict.fromkeys(range(3), 2))
    assert loss(rows, codes, np.concatenate(list(found.values()))) <= loss(rows, codes, greedy) + 1e-5


def test_the_same_rows_from_blocks_and_views_and_in_rotated_space(monkeypatch):
    rows, codes = labelled()
    counts = dict.fromkeys(range(3), 3)
    whole = KRRExchange(typical=1.0).select_by_class(rows, codes, counts)
    turned = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0].astype(np.float32)
    monkeypatch.setattr(vectors.iter_blocks, "__defaults__", (7,))
    for x in (VectorRows(rows.vectors, np.arange(24)), rows.vectors @ turned):
        again = KRRExchange(typical=1.0).select_by_class(EmbeddedRows(rows.texts, x), codes, counts)
        assert {code: own.tolist() for code, own in again.items()} == {c: own.tolist() for c, own in whole.items()}


def test_equal_rows_are_told_apart_by_index():
    rows = EmbeddedRows(["same"] * 6, np.ones((6, 2), np.float32) / np.sqrt(2, dtype=np.float32))
    found = KRRExchange(typical=1.0).select_by_class(rows, np.array([0, 1] * 3), {0: 3, 1: 2})
    assert sorted(found[0].tolist()) == [0, 2, 4]
    assert found[1].tolist() == [1, 3]


def test_rows_that_look_like_the_other_class_are_not_typical():
    x = np.concatenate([unit(40, seed=2) * 0.1 + [[1, 0, 0, 0]], unit(40, seed=3) * 0.1 + [[-1, 0, 0, 0]]])
    codes = np.repeat([0, 1], 40)
    codes[:4], codes[40:44] = 1, 0  # mislabelled
    rows = EmbeddedRows(["x"] * 80, x.astype(np.float32))
    found = KRRExchange(typical=0.5).select_by_class(rows, codes, {0: 20, 1: 20})
    assert not set(found[0].tolist()) & set(range(40, 44))
    assert not set(found[1].tolist()) & set(range(4))


def test_a_small_class_is_taken_whole_however_few_are_typical():
    rows, codes = labelled()
    found = KRRExchange(typical=0.01, max_candidates=1).select_by_class(rows, codes, {0: 8, 1: 1, 2: 2})
    assert sorted(found[0].tolist()) == list(range(0, 24, 3))
    assert [len(found[code]) for code in range(3)] == [8, 1, 2]


def test_candidates_are_evenly_spaced():
    rows, codes = labelled(n=24, n_classes=2)
    found = KRRExchange(typical=1.0, max_candidates=3).select_by_class(rows, codes, {0: 3, 1: 3})
    assert sorted(found[0].tolist()) == [0, 8, 16]


def test_words_decide_where_the_vectors_are_equal():
    texts = ["good film", "good film", "odd thing", "bad film", "odd matter", "bad film"]
    codes = np.array([0, 0, 0, 1, 1, 1])
    rows = EmbeddedRows(texts, np.ones((6, 3), np.float32) / np.sqrt(3, dtype=np.float32))
    found = KRRExchange(typical=1.0, words=True).select_by_class(rows, codes, {0: 1, 1: 1})
    # Which of two equal rows it is, rounding decides.
    assert [[texts[i] for i in found[code]] for code in (0, 1)] == [["good film"], ["bad film"]]


class TestOtherTexts:
    """`select_among`: what is chosen from is not what is predicted."""

    def test_of_the_rows_themselves_it_chooses_the_same(self):
        rows, codes = labelled()
        counts = {0: 2, 1: 3, 2: 1}
        found = KRRExchange(typical=1.0).select_among(rows, codes, rows, codes, counts)
        among = KRRExchange(typical=1.0).select_by_class(rows, codes, counts)
        assert {code: own.tolist() for code, own in found.items()} == {c: own.tolist() for c, own in among.items()}

    def test_by_hand(self):
        # The rows lie at 1 and -1. Of three texts a class, in any order, those that lie there predict them best.
        rows = EmbeddedRows(list("ab"), np.array([1, -1], np.float32)[:, None])
        texts = EmbeddedRows(list("cdefgh"), np.array([-0.3, 0.2, -1, 1, -0.1, 0.4], np.float32)[:, None])
        of_texts = np.array([1, 0, 1, 0, 1, 0])
        found = KRRExchange(ridge=2.0).select_among(texts, of_texts, rows, np.array([0, 1]), {0: 1, 1: 1})
        assert {code: own.tolist() for code, own in found.items()} == {0: [3], 1: [2]}

    def test_words(self):
        same = np.ones((4, 3), np.float32) / np.sqrt(3, dtype=np.float32)
        rows = EmbeddedRows(["good film", "good film", "bad film", "bad film"], same)
        texts = EmbeddedRows(["bad thing", "good one", "odd thing", "odd matter"], same)
        found = KRRExchange(words=True).select_among(
            texts, np.array([1, 0, 0, 1]), rows, np.array([0, 0, 1, 1]), {0: 1, 1: 1}
        )
        assert {code: own.tolist() for code, own in found.items()} == {0: [1], 1: [0]}

    def test_mistakes(self):
        rows, codes = labelled()
        other = EmbeddedRows(rows.texts, np.ones((24, 5), np.float32))
        with pytest.raises(SettingError, match="texts have 5 dimensions, those of the rows 4"):
            KRRExchange().select_among(other, codes, rows, codes, dict.fromkeys(range(3), 1))
        with pytest.raises(BudgetError, match="cannot select 9 of the 8 rows of class 1"):
            KRRExchange().select_among(rows, codes, rows, codes, {0: 1, 1: 9, 2: 1})


def test_sets_share_no_row_and_each_is_the_best_of_what_is_left():
    rows, codes = labelled(n=30)
    counts = {0: 2, 1: 1, 2: 3}
    found = KRRExchange(typical=1.0).select_sets(rows, codes, counts, 3)
    assert {code: len(set(own.tolist())) for code, own in found.items()} == {0: 6, 1: 3, 2: 9}
    first = KRRExchange(typical=1.0).select_by_class(rows, codes, counts)
    assert all(found[code][:n].tolist() == first[code].tolist() for code, n in counts.items())
    left = np.setdiff1d(np.arange(30), np.concatenate(list(first.values())))
    others = EmbeddedRows([rows.texts[i] for i in left], rows.vectors[left])
    second = KRRExchange().select_among(others, codes[left], rows, codes, counts)
    assert all(found[code][n : 2 * n].tolist() == left[second[code]].tolist() for code, n in counts.items())


def test_sets_end_with_the_rows_of_a_class():
    rows, codes = labelled(n=15)
    found = KRRExchange(typical=1.0).select_sets(rows, codes, {0: 2, 1: 1, 2: 4}, 9)
    assert {code: len(own) for code, own in found.items()} == {0: 4, 1: 2, 2: 5}


def test_it_sees_all_classes():
    assert isinstance(KRRExchange(), SupervisedSelector)


def test_mistakes():
    for setting in ({"ridge": 0.0}, {"typical": 0.0}, {"typical": 1.5}, {"max_candidates": 0}):
        with pytest.raises(SettingError, match=f"`{next(iter(setting))}` must be"):
            KRRExchange(**setting)
    rows, codes = labelled()
    with pytest.raises(BudgetError, match="cannot select 9 of the 8 rows of class 1"):
        KRRExchange(typical=1.0).select_by_class(rows, codes, {0: 1, 1: 9, 2: 1})
    broken = EmbeddedRows(rows.texts, np.full((24, 4), np.nan, np.float32))
    with pytest.raises(RowError, match="vector 0"):
        KRRExchange(typical=1.0).select_by_class(broken, codes, dict.fromkeys(range(3), 1))
