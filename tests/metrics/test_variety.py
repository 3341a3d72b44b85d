"""Distinct-n, self-BLEU and the Vendi score, by hand and against loops."""

from collections import Counter

import numpy as np
import pytest

from condensers.errors import ColumnError, RowError, SettingError
from condensers.metrics import assess, variety
from condensers.metrics.variety import Diversity, distinct_n, self_bleu, vendi_score

TEXT_NAMES = ["distinct_1", "distinct_2", "distinct_3", "self_bleu"]


def texts(n, seed, *, least=0, most=9, n_words=9):
    """Words by Zipf's law, so that new ones keep coming."""
    rng = np.random.default_rng(seed)
    shares = 1 / np.arange(1, n_words + 1)
    return [
        " ".join(f"w{word}" for word in rng.choice(n_words, size=rng.integers(least, most), p=shares / shares.sum()))
        for _ in range(n)
    ]


def vectors(n, dim, seed=0):
    return np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)


def bleu_slowly(rows):
    """Self-BLEU by a loop over pairs."""
    rows = [row.split() for row in rows if row.split()]
    scores = []
    for i, row in enumerate(rows):
        others = rows[:i] + rows[i + 1 :]
        logs = []
        for n in range(1, min(4, len(row)) + 1):
            counts = [Counter(tuple(r[j : j + n]) for j in range(len(r) - n + 1)) for r in (row, *others)]
            matches = sum(min(c, max(o[gram] for o in counts[1:])) for gram, c in counts[0].items())
            logs.append(np.log((matches or 0.1) / (len(row) - n + 1)))
        nearest = min((len(other) for other in others), key=lambda length: (abs(length - len(row)), length))
        scores.append(min(1.0, np.exp(1 - nearest / len(row))) * np.exp(np.mean(logs)))
    return np.mean(scores)


def vendi_slowly(x):
    x = x.astype(np.float64) / np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
    shares = np.linalg.eigvalsh(x @ x.T / len(x))
    shares = shares[shares > 1e-12]
    return np.exp(-(shares * np.log(shares)).sum())


def test_distinct_by_hand():
    rows = ["a b a", "A, b!"]
    assert distinct_n(rows, 1) == pytest.approx(2 / 5)
    assert distinct_n(rows, 2) == pytest.approx(2 / 3)
    assert distinct_n(rows, 3) == 1
    assert distinct_n(rows, 4) == 0


def test_a_duplicate_makes_a_set_less_varied():
    rows = texts(30, 0, least=3)
    x = vectors(30, 50)
    for n in (1, 2, 3):
        assert distinct_n([*rows, rows[0]], n) < distinct_n(rows, n)
    assert self_bleu([*rows, rows[0]]) > self_bleu(rows)
    assert vendi_score(np.concatenate([x, x[:1]])) / 31 < vendi_score(x) / 30


def test_self_bleu_by_hand():
    # 3 of 4 words, 2 of 3 pairs, 1 of 2 triples, no quadruple.
    one = (3 / 4 * 2 / 3 * 1 / 2 * 0.1) ** (1 / 4)
    assert self_bleu(["a b c d", "a b c e"]) == pytest.approx(one)
    # "a" twice, but once in the other; the other is shorter by one: no pair of "b" has a match.
    both = (2 / 3 * 1 / 2 * 0.1) ** (1 / 3), np.exp(1 - 3 / 2) * (1 * 1) ** (1 / 2)
    assert self_bleu(["a b a", "a b"]) == pytest.approx(np.mean(both))
    assert self_bleu(["a b c", "d e f g"]) < 0.1


def test_self_bleu_of_copies_is_1():
    assert self_bleu(["a"] * 5) == pytest.approx(1)
    assert self_bleu(["a b c d e", "x", "a b c d e", "x"]) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(8))
def test_self_bleu_as_a_loop_over_pairs(seed):
    rows = texts(15 + seed, seed)
    assert self_bleu(rows) == pytest.approx(bleu_slowly(rows))


def test_self_bleu_of_many_texts_is_that_of_a_sample(monkeypatch):
    rows = texts(300, 0)
    whole = self_bleu(rows)
    monkeypatch.setattr(variety, "_MAX_TEXTS", 200)
    assert self_bleu(rows) == self_bleu(rows) != self_bleu(rows, seed=1)
    assert self_bleu(rows) == pytest.approx(whole, abs=0.1)
    comparison = Diversity(rows, rows, seed=1)
    assert comparison.value()["self_bleu"] == pytest.approx(self_bleu(rows, seed=1))
    assert 0 < comparison.bootstrap(50, np.random.default_rng(0))["self_bleu"].std() < 0.05
    for values in comparison.null(3, np.random.default_rng(0)).values():
        assert values.shape == (3,)


def test_vendi_by_hand():
    assert vendi_score(3 * np.eye(4)) == pytest.approx(4)
    assert vendi_score(np.ones((7, 3))) == pytest.approx(1)
    # Two of one kind and one of another: shares 2/3 and 1/3.
    x = np.eye(2)[[0, 0, 1]]
    assert vendi_score(x) == pytest.approx(np.exp(-(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3))))


@pytest.mark.parametrize("shape", [(5, 12), (12, 12), (40, 6), (1, 3)])
def test_vendi_from_either_side(shape):
    x = vectors(*shape)
    assert vendi_score(x) == pytest.approx(vendi_slowly(x))
    assert 1 - 1e-9 <= vendi_score(x) <= min(shape) + 1e-9
    assert vendi_score(x[::-1] * 2) == pytest.approx(vendi_score(x))


def test_vendi_is_that_of_its_authors():
    vendi = pytest.importorskip("vendi_score.vendi", exc_type=ImportError)
    for shape in ((5, 12), (40, 6)):
        x = vectors(*shape, 3).astype(np.float64)
        assert vendi_score(x) == pytest.approx(vendi.score_dual(x), rel=1e-5)


def test_scores_are_those_of_the_functions():
    rows, others, x, y = texts(20, 0), texts(50, 1), vectors(20, 8), vectors(50, 8, 1)
    found = Diversity(rows, others, prediction_vectors=x, reference_vectors=y).value()
    expected = {f"distinct_{n}": distinct_n(rows, n) for n in (1, 2, 3)}
    expected |= {"self_bleu": self_bleu(rows), "vendi_score": vendi_score(x), "vendi_share": vendi_score(x) / 20}
    assert found == pytest.approx(expected)
    assert list(Diversity(rows, others).value()) == TEXT_NAMES
    turned = Diversity(rows[::-1], others, prediction_vectors=x[::-1], reference_vectors=y).value()
    assert turned == pytest.approx(expected)


def test_null_and_foil_are_of_the_references():
    rows, x = texts(40, 2, least=1), vectors(40, 6)
    comparison = Diversity(["a b"] * 40, rows, prediction_vectors=np.ones((40, 6)), reference_vectors=x)
    whole = Diversity(rows, rows, prediction_vectors=x, reference_vectors=x)
    spread = {name: values.std() for name, values in whole.bootstrap(400, np.random.default_rng(0)).items()}
    for name, values in comparison.null(400, np.random.default_rng(0)).items():
        # A sample of as many rows as there are is the whole set, which differs from the law as from a fresh set.
        assert values.mean() == pytest.approx(whole.value()[name], abs=4 * spread[name] * np.sqrt(2 / 400))
        assert values.std() == pytest.approx(np.sqrt(2) * spread[name], rel=0.2)
    foil = comparison.foil(np.random.default_rng(0))
    assert foil["self_bleu"] == pytest.approx(1) and foil["vendi_score"] == pytest.approx(1)
    assert foil["distinct_1"] <= 1 / 40


def test_a_set_without_variety_is_told_from_fresh_rows():
    rows, x = texts(700, 3, least=4, most=12, n_words=300), vectors(700, 20)
    fresh = Diversity(rows[:80], rows[80:], prediction_vectors=x[:80], reference_vectors=x[80:])
    for name, score in assess(fresh).items():
        # The null interval is 3.3 standard deviations wide.
        assert score.informative and abs(score.value - score.null_mean) < score.null_high - score.null_low, name
        assert score.low < score.value < score.high
    twice = [*rows[:40], *rows[:40]]
    doubled = Diversity(twice, rows[80:], prediction_vectors=np.concatenate([x[:40]] * 2), reference_vectors=x[80:])
    for name, score in assess(doubled).items():
        assert score.value > score.null_high if name == "self_bleu" else score.value < score.null_low, name


@pytest.mark.parametrize("n", [30, 120])
def test_fresh_rows_lie_within_the_null_distribution(n):
    """Where 90 % of samples are, some 90 % of fresh sets are, be the references many times as many or as few."""
    inside = {}
    for seed in range(20):
        x, rows = vectors(n + 120, 10, seed), texts(n + 120, seed, least=3, n_words=200)
        comparison = Diversity(rows[:n], rows[n:], prediction_vectors=x[:n], reference_vectors=x[n:])
        null = comparison.null(40, np.random.default_rng(seed))
        for name, value in comparison.value().items():
            low, high = np.percentile(null[name], [5, 95])
            inside.setdefault(name, []).append(low <= value <= high)
    shares = {name: np.mean(found) for name, found in inside.items()}
    assert all(share >= 0.7 for share in shares.values()) and np.mean([*shares.values()]) >= 0.8, shares


def test_the_jackknife_varies_as_much_as_fresh_sets():
    fresh, drawn = {}, {}
    for seed in range(60):
        x = vectors(75, 10, seed) + 1
        rows = texts(75, seed, least=3, n_words=200)
        comparison = Diversity(rows, rows, prediction_vectors=x, reference_vectors=x)
        for name, value in comparison.value().items():
            fresh.setdefault(name, []).append(value)
        if seed < 20:
            for name, values in comparison.bootstrap(400, np.random.default_rng(seed)).items():
                drawn.setdefault(name, []).append(values.var())
                assert values.mean() == pytest.approx(fresh[name][-1], abs=5 * values.std() / 20 + 1e-9)
    for name in fresh:
        assert 0.75 < np.sqrt(np.mean(drawn[name])) / np.std(fresh[name]) < 1.4, name


def test_the_same_seed_gives_the_same_numbers():
    rows = texts(60, 0)
    assert assess(Diversity(rows[:20], rows), n_resamples=20) == assess(Diversity(rows[:20], rows), n_resamples=20)


def test_one_row_and_texts_without_words():
    assert self_bleu(["a b c"]) == self_bleu(["", "!", "a b"]) == self_bleu([""]) == 0
    assert distinct_n(["", "?!"], 1) == 0
    found = assess(Diversity(["", "!"], ["", ""]), n_resamples=20)
    assert {score.value for score in found.values()} == {0}
    x = vectors(1, 3)
    found = assess(Diversity(["a b c d"], ["a b"], prediction_vectors=x, reference_vectors=x), n_resamples=20)
    assert found["vendi_score"].value == pytest.approx(1)
    assert found["distinct_1"].value == found["distinct_1"].low == found["distinct_1"].high == 1
    # More predictions than references, of which rows must repeat.
    for score in assess(Diversity(texts(9, 0), texts(4, 1)), n_resamples=20).values():
        assert np.isfinite([score.value, score.low, score.null_low]).all()


def test_mistakes():
    x = vectors(2, 3)
    for function in (self_bleu, lambda rows: distinct_n(rows, 1), lambda rows: Diversity(rows, rows)):
        with pytest.raises(RowError, match="there are no"):
            function([])
        with pytest.raises(ColumnError, match="number 1 is int"):
            function(["a", 2])
    with pytest.raises(SettingError, match="`n` must be at least 1; got 0"):
        distinct_n(["a"], 0)
    with pytest.raises(RowError, match="there are no vectors"):
        vendi_score(x[:0])
    for zeros in (np.eye(3)[[0, 1, 2]] * [[1], [0], [1]], np.repeat(np.eye(3), [1, 0, 8], axis=0) * [[1], *[[0]] * 8]):
        with pytest.raises(RowError, match="vector 1 is zero"):
            vendi_score(zeros)
    with pytest.raises(SettingError, match="`reference_vectors` is None"):
        Diversity(["a", "b"], ["c"], prediction_vectors=x)
    with pytest.raises(RowError, match="`prediction_vectors` must have one row for each of 1 predictions; got 2"):
        Diversity(["a"], ["b", "c"], prediction_vectors=x, reference_vectors=x)
