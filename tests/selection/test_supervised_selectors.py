"""Selectors that read labels: what holds for all of them, equations by hand, and brute-force twins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from condensers.embedding import EmbeddedRows, VectorRows, vectors
from condensers.errors import BudgetError, RowError, SettingError
from condensers.selection import E2SCIS, EL2N, GDIG, SupervisedSelector, e2sc_is, el2n_scores
from condensers.selection.g_dig import sketched_gradients
from condensers.selection.influence import fisher_factors, gradient_factors, influences
from condensers.selection.softmax_regression import LinearHeads, SoftmaxRegression

ALL = [EL2N(), EL2N(hardest=False), E2SCIS(), E2SCIS(reduction=None), GDIG(), GDIG(normalized=False)]


def labelled(n=60, dim=6, n_classes=3, seed=0):
    """Unit vectors around one axis a class; codes with gaps."""
    rng = np.random.default_rng(seed)
    codes = rng.permutation(np.arange(n) % n_classes)
    x = rng.normal(size=(n, dim)) + 4 * np.eye(dim)[codes]
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32), codes * 2 + 1


def rows_of(x):
    return EmbeddedRows([str(i) for i in range(x.shape[0])], x)


def heads_of(slopes, intercepts):
    return LinearHeads(np.float32(slopes)[:, None], np.float32(intercepts)[None])


@pytest.mark.parametrize("selector", ALL, ids=repr)
class TestEverySupervisedSelector:
    def test_gives_different_rows_of_each_class_and_the_same_again(self, selector):
        x, codes = labelled()
        for counts in ({1: 1, 3: 4, 5: 2}, {1: 20, 3: 20, 5: 20}):
            first = selector.select_by_class(rows_of(x), codes, counts)
            again = selector.select_by_class(rows_of(x), codes, counts)
            assert {code: len(set(found.tolist())) for code, found in first.items()} == counts
            for code, found in first.items():
                assert found.dtype == np.int64
                assert (codes[found] == code).all()
                np.testing.assert_array_equal(found, again[code])

    def test_reads_blocks_and_views(self, selector, monkeypatch):
        x, codes = labelled()
        counts = {1: 3, 3: 3, 5: 3}
        whole = selector.select_by_class(rows_of(x), codes, counts)
        monkeypatch.setattr(vectors.iter_blocks, "__defaults__", (7,))
        monkeypatch.setattr(e2sc_is, "_TILE_ROWS", 7)
        blocks = selector.select_by_class(rows_of(VectorRows(x, np.arange(60))), codes, counts)
        for code, found in whole.items():
            np.testing.assert_array_equal(blocks[code], found)

    def test_more_than_there_are_and_one_class(self, selector):
        x, codes = labelled()
        with pytest.raises(BudgetError, match="cannot select 21 of the 20 rows of class 3"):
            selector.select_by_class(rows_of(x), codes, {1: 1, 3: 21, 5: 1})
        with pytest.raises(RowError, match="at least two classes"):
            selector.select_by_class(rows_of(x), np.ones(60, dtype=np.int64), {1: 3})

    def test_is_a_supervised_selector(self, selector):
        assert isinstance(selector, SupervisedSelector)


# The softmax regression that EL2N and G-DIG look at


def test_probabilities_by_hand():
    found = heads_of([[np.log(3), 0], [0, 0]], [0, np.log(2)]).predict_proba(np.float32([[1, 5], [0, 1]]))
    np.testing.assert_allclose(found[:, 0], [[0.6, 0.4], [1 / 3, 2 / 3]], rtol=1e-6)


def test_a_step_of_training_goes_down_the_gradient():
    x, codes = labelled(n=30, n_classes=2)
    codes //= 2
    start = SoftmaxRegression(num_epochs=1, learning_rate=1e-9, batch_size=30).fit(x, codes, seed=4)
    after = SoftmaxRegression(num_epochs=1, learning_rate=0.5, batch_size=30).fit(x, codes, seed=4)

    def loss(slopes):
        p = LinearHeads(slopes, start.intercepts).predict_proba(x)[:, 0]
        return -np.log(p[np.arange(30), codes], dtype=np.float64).mean()

    nudge = np.zeros_like(start.slopes)
    nudge[2, 0, 1] = 0.05
    slope = (loss(start.slopes + nudge) - loss(start.slopes - nudge)) / 0.1
    assert (after.slopes - start.slopes)[2, 0, 1] == pytest.approx(-0.5 * slope, rel=1e-3)


def test_models_begin_apart_and_learn_the_same():
    x, codes = labelled(n=90, n_classes=3)
    codes //= 2
    heads = SoftmaxRegression(num_epochs=20, batch_size=16).fit(x, codes, num_models=2)
    assert np.abs(heads.slopes[:, 0] - heads.slopes[:, 1]).max() > 1e-3
    assert (heads.predict_proba(x).argmax(axis=-1) == codes[:, None]).mean() > 0.9


@pytest.mark.parametrize("name", ["num_epochs", "learning_rate", "batch_size"])
def test_training_that_cannot_be(name):
    with pytest.raises(SettingError, match=f"`{name}` must be above 0; got 0"):
        SoftmaxRegression(**{name: 0}).fit(*labelled())
    with pytest.raises(SettingError, match=r"`momentum` must be in \[0, 1\); got 1"):
        SoftmaxRegression(momentum=1).fit(*labelled())


# EL2N


def test_el2n_scores_by_hand():
    # (0.7 - 1, 0.3) has length 0.3 * sqrt(2); (1, 0 - 1) sqrt(2). The mean over two models of row 0: 0.3 and 0.5.
    one = el2n_scores(np.float32([[0.7, 0.3], [1.0, 0.0]]), np.array([0, 1]))
    np.testing.assert_allclose(one, [0.3 * 2**0.5, 2**0.5], rtol=1e-6)
    two = el2n_scores(np.float32([[[0.7, 0.3], [0.5, 0.5]]]), np.array([0]))
    np.testing.assert_allclose(two, [0.4 * 2**0.5], rtol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5))
def test_el2n_is_zero_where_the_classifier_is_right_and_sure_and_at_most_the_root_of_two(seed, n_classes):
    rng = np.random.default_rng(seed)
    codes = rng.integers(n_classes, size=20)
    scores = el2n_scores(rng.dirichlet(np.full(n_classes, 0.3), size=(20, 3)), codes)
    assert (scores >= 0).all() and (scores <= 2**0.5 + 1e-6).all()
    np.testing.assert_array_equal(el2n_scores(np.eye(n_classes)[codes], codes), 0)


def test_a_row_with_a_wrong_label_is_the_hardest_of_its_class():
    x, codes = labelled(n=120)
    wrong = int(np.flatnonzero(codes == 1)[0])
    x[wrong] = np.eye(6)[1]
    hardest = EL2N().select_by_class(rows_of(x), codes, {1: 1, 3: 1, 5: 1})
    easiest = EL2N(hardest=False).select_by_class(rows_of(x), codes, {1: 39, 3: 1, 5: 1})
    assert hardest[1].tolist() == [wrong]
    assert wrong not in easiest[1]


# E2SC-IS


def test_removal_weights_by_hand():
    # Two neighbours each. Row 3 of class 1 lies among class 0 and gets no vote of its own. Row 2 has neighbours 1 and
    # 3, one vote each, and a tie goes to the first class. Rows 4 to 6 agree.
    x = np.float32([0, 1, 2.1, 3, 10, 11, 12])[:, None]
    weights = E2SCIS(num_neighbours=2).removal_weights(x, np.array([0, 0, 0, 1, 1, 1, 1]))
    np.testing.assert_allclose(weights, [1, 1, 0.5, 0, 1, 1, 1])


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10_000))
def test_removal_weights_are_votes_of_neighbours_other_than_the_row(seed):
    from sklearn.neighbors import KNeighborsClassifier

    x, codes = labelled(n=25, seed=seed)
    found = E2SCIS(num_neighbours=4).removal_weights(x, codes)
    for i in range(25):
        others = np.arange(25) != i
        model = KNeighborsClassifier(4).fit(x[others], codes[others])
        votes = model.predict_proba(x[i : i + 1])[0]
        own = votes[model.classes_.tolist().index(codes[i])]
        assert found[i] == pytest.approx(own if model.predict(x[i : i + 1])[0] == codes[i] else 0.0)


def test_rows_are_removed_in_proportion_to_their_weights(monkeypatch):
    monkeypatch.setattr(E2SCIS, "removal_weights", lambda *_: np.array([0.6, 0.3, 0.1, 0.0, 0.0, 0.0]))
    codes, counts = np.array([0, 0, 0, 0, 1, 1]), np.zeros(4)
    x = np.zeros((6, 1), dtype=np.float32)
    for seed in range(1500):
        kept = E2SCIS(reduction=0.2, seed=seed).select_by_class(rows_of(x), codes, {0: 3, 1: 2})[0]
        counts[np.setdiff1d(np.arange(4), kept[:3])] += 1
    # One of six rows goes; the three others of class 0 are kept, in any order.
    np.testing.assert_allclose(counts / 1500, [0.6, 0.3, 0.1, 0.0], atol=0.04)


def test_rows_that_neighbours_get_wrong_stay_and_are_all_that_stays_without_a_share():
    x, codes = labelled(n=90)
    wrong = np.flatnonzero(codes == 1)[:2]
    x[wrong] = np.eye(6)[2]
    for selector in (E2SCIS(reduction=0.99), E2SCIS(reduction=None)):
        weights = selector.removal_weights(x, codes)
        assert (weights[wrong] == 0).all()
        mistaken = int(np.count_nonzero(weights[codes == 1] == 0))
        found = selector.select_by_class(rows_of(x), codes, {1: mistaken, 3: 1, 5: 1})[1]
        assert (weights[found] == 0).all()


@pytest.mark.parametrize("wrong", [{"num_neighbours": 0}, {"max_references": 1}, {"reduction": 1.0}])
def test_instance_selection_that_cannot_be(wrong):
    x, codes = labelled()
    with pytest.raises(SettingError, match=next(iter(wrong))):
        E2SCIS(**wrong).select_by_class(rows_of(x), codes, {1: 1, 3: 1, 5: 1})


# G-DIG


def test_influences_are_those_of_explicit_gradients_and_an_explicit_fisher_matrix():
    x, codes = labelled(n=40, dim=4)
    codes //= 2
    heads = SoftmaxRegression(num_epochs=2).fit(x, codes)
    seeds = np.array([3, 8, 21])
    p = heads.predict_proba(x)[:, 0].astype(np.float64)
    inputs = np.c_[x, np.ones(40)].astype(np.float64)
    gradients = np.stack([np.outer(p[i] - np.eye(3)[codes[i]], inputs[i]).ravel() for i in range(40)])
    fisher = np.kron(np.mean([np.diag(row) - np.outer(row, row) for row in p], axis=0), inputs.T @ inputs / 40)
    damped = fisher + 0.1 * np.linalg.eigvalsh(fisher).mean() * np.eye(15)
    expected = gradients @ np.linalg.solve(damped, gradients[seeds].mean(axis=0))
    np.testing.assert_allclose(influences(x, codes, heads, seeds, damping=0.1), expected, rtol=2e-3, atol=1e-4)


def test_of_one_row_the_fisher_matrix_is_that_of_its_probabilities():
    outputs, inputs = fisher_factors(np.float32([[2.0]]), heads_of([[0.0, 0.0]], [np.log(3), 0]))
    np.testing.assert_allclose(outputs, [[0.1875, -0.1875], [-0.1875, 0.1875]], rtol=1e-6)
    np.testing.assert_allclose(inputs, [[4, 2], [2, 1]])


def test_the_influence_of_a_row_is_what_training_on_it_does_to_the_seed_rows():
    # With much damping the matrix is a multiple of the identity, and the score follows a plain step of descent.
    x, codes = labelled(n=40, n_classes=2)
    codes //= 2
    heads, seeds = SoftmaxRegression(num_epochs=1).fit(x, codes), np.arange(5)

    def seed_loss(heads):
        return -np.log(heads.predict_proba(x[seeds])[np.arange(5), 0, codes[seeds]], dtype=np.float64).mean()

    fall = []
    for i in range(40):
        errors, inputs = gradient_factors(x[i : i + 1], codes[i : i + 1], heads)
        step = 0.02 * inputs.T @ errors
        moved = LinearHeads(heads.slopes - step[:-1, None], heads.intercepts - step[None, -1])
        fall.append(seed_loss(heads) - seed_loss(moved))
    scores = influences(x, codes, heads, seeds, damping=1e6)
    assert np.corrcoef(fall, scores)[0, 1] > 0.999


def test_gradients_of_unit_length_point_the_same_way():
    x, codes = labelled(n=20)
    heads = SoftmaxRegression(num_epochs=1).fit(x, codes // 2)
    errors, inputs = gradient_factors(x, codes // 2, heads)
    plain = np.einsum("nc,nd->ncd", errors, inputs).reshape(20, -1)
    errors, inputs = gradient_factors(x, codes // 2, heads, normalized=True)
    unit = np.einsum("nc,nd->ncd", errors, inputs).reshape(20, -1)
    np.testing.assert_allclose(unit, plain / np.linalg.norm(plain, axis=1, keepdims=True), rtol=1e-4, atol=1e-6)


def test_sketches_keep_inner_products_of_gradients():
    x, codes = labelled(n=8)
    errors, inputs = gradient_factors(x, codes // 2, SoftmaxRegression(num_epochs=1).fit(x, codes // 2))
    exact = (errors @ errors.T) * (inputs @ inputs.T)
    sketch = sketched_gradients(errors, inputs, 40_000)
    np.testing.assert_allclose(sketch @ sketch.T, exact, atol=0.05 * np.abs(exact).max())


def test_rows_that_harm_the_seed_rows_are_passed_over():
    x, codes = labelled(n=120)
    wrong = np.flatnonzero(codes == 1)[:3]
    x[wrong] = np.eye(6)[1]
    found = GDIG(candidates_per_row=5).select_by_class(rows_of(x), codes, {1: 4, 3: 1, 5: 1})
    assert not set(found[1].tolist()) & set(wrong.tolist())


@pytest.mark.parametrize("name", ["num_seed_rows", "candidates_per_row", "damping", "sketch_size"])
def test_gradients_that_cannot_be(name):
    x, codes = labelled()
    with pytest.raises(SettingError, match=f"`{name}` must be above 0; got 0"):
        GDIG(**{name: 0}).select_by_class(rows_of(x), codes, {1: 1, 3: 1, 5: 1})
