import numpy as np
import pytest
from conftest import make_rows

from condensers.data import Columns, read_rows
from condensers.embedding import iter_blocks
from condensers.errors import ColumnError, RowError, SettingError
from condensers.evaluation import (
    LinearProbe,
    compare_methods,
    coverage_similarity,
    evaluate_rows,
    macro_f1_score,
    mean_interval,
    nearest_distances,
    paired_t_test,
    similarity,
)
from condensers.methods import AutoCondenser


class Fixed:
    """Predicts what it is told, another thing a seed."""

    name = "fixed"

    def __init__(self, by_seed):
        self.by_seed = by_seed
        self.trained_on = []

    def fit(self, texts, codes, n_classes, *, seed):
        self.trained_on.append((len(texts), n_classes, seed))
        predicted = np.asarray(self.by_seed[seed])
        return type("Fitted", (), {"predict": staticmethod(lambda texts: predicted)})()


def rows(n):
    return read_rows(make_rows(per_class=n), Columns(("text",), "label"))


def test_scores_by_hand():
    learner = Fixed({3: [0, 1, 2], 5: [0, 0, 0]})
    scores = evaluate_rows([rows(2), rows(3)], rows(1), learner, seeds=[3, 5])
    assert learner.trained_on == [(6, 3, 3), (9, 3, 5)]
    assert scores.accuracy == (1.0, pytest.approx(1 / 3))
    assert scores.macro_f1 == (1.0, pytest.approx((0.5 + 0 + 0) / 3))
    assert scores.mean == pytest.approx(2 / 3)
    assert scores.std == pytest.approx(np.sqrt(2) / 3)
    assert (scores.n, scores.seeds, scores.learner) == (2, (3, 5), "fixed")
    assert evaluate_rows(rows(2), rows(1), learner, seeds=[3]).std == 0.0


def test_weights_come_from_the_column_of_each_set():
    class Weighed(Fixed):
        def fit(self, texts, codes, n_classes, *, seed, weights):
            self.weights = [*getattr(self, "weights", []), weights.tolist()]
            return super().fit(texts, codes, n_classes, seed=seed)

    learner = Weighed({0: [0, 1, 2], 1: [0, 1, 2]})
    sets = [
        read_rows(make_rows(per_class=1).add_column("importance_weight", w), Columns(("text",), "label"))
        for w in ([1, 2, 3], [0.5, 0.0, 4.0])
    ]
    evaluate_rows(sets, rows(1), learner, seeds=[0, 1], weighted=True)
    assert learner.weights == [[1.0, 2.0, 3.0], [0.5, 0.0, 4.0]]
    with pytest.raises(ColumnError, match="no column 'importance_weight' to weight them by"):
        evaluate_rows(rows(2), rows(1), learner, seeds=[0], weighted=True)


def test_macro_f1_is_scikit_learns():
    from sklearn.metrics import f1_score

    rng = np.random.default_rng(0)
    for _ in range(20):
        codes, predicted = rng.integers(4, size=30), rng.integers(4, size=30)
        assert macro_f1_score(codes, predicted) == pytest.approx(f1_score(codes, predicted, average="macro"))


def test_seeds_and_classes_are_checked():
    learner = Fixed({0: [0, 1, 2]})
    for seeds in ([], [1, 1]):
        with pytest.raises(SettingError, match="different and at least one"):
            evaluate_rows(rows(2), rows(1), learner, seeds=seeds)
    with pytest.raises(SettingError, match="one for each of 1 seeds; got 2"):
        evaluate_rows([rows(2)] * 2, rows(1), learner, seeds=[0])
    unlabelled = read_rows(make_rows(per_class=1), Columns(("text",)))
    with pytest.raises(RowError, match="no labels"):
        evaluate_rows(unlabelled, unlabelled, learner, seeds=[0])
    with pytest.raises(RowError, match="code the same classes; got none and fruit"):
        evaluate_rows(unlabelled, rows(1), learner, seeds=[0])


def test_predictions_of_another_shape_are_refused():
    # A column would broadcast against the codes and give a plausible accuracy.
    with pytest.raises(RowError, match=r"'fixed' must predict one class for each of 3 test rows; got shape \(3, 1\)"):
        evaluate_rows(rows(2), rows(1), Fixed({0: [[0], [1], [2]]}), seeds=[0])


def test_paired_t_test_by_hand():
    # Differences 1, 2, 3: mean 2, standard error 1 / sqrt(3), t = 3.4641 with 2 degrees of freedom.
    test = paired_t_test([2, 4, 6], [1, 2, 3])
    assert (test.difference, test.n) == (2.0, 3)
    assert test.p_value == pytest.approx(0.0742, abs=1e-4)
    assert paired_t_test([1, 1], [1, 1]).p_value == 1.0
    assert paired_t_test([2, 2], [1, 1]).p_value == 0.0
    assert np.isnan(paired_t_test([2], [1]).p_value)
    with pytest.raises(SettingError, match="got 1 and 2"):
        paired_t_test([1], [1, 2])


def test_rounding_is_no_spread():
    # 0.8 - 0.7 and 0.7 - 0.6 differ in the last bit, which would be a t of 10^15.
    assert 0.8 - 0.7 != 0.7 - 0.6
    assert paired_t_test([0.8, 0.7], [0.7, 0.6]).p_value == 0.0
    assert paired_t_test([0.1 + 0.2, 0.3], [0.3, 0.3]).p_value == 1.0


def test_arrays_are_values_too():
    assert paired_t_test(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0])) == paired_t_test([2, 4, 6], [1, 2, 3])
    assert mean_interval(np.array([1.0, 2.0, 3.0])) == mean_interval([1, 2, 3])
    with pytest.raises(SettingError, match="got 0 and 0"):
        paired_t_test(np.array([]), np.array([]))


def test_interval_by_hand():
    # Mean 2, standard error 1 / sqrt(3), t(0.975, 2) = 4.3027.
    low, high = mean_interval([1, 2, 3])
    assert (low, high) == pytest.approx((2 - 4.3027 / np.sqrt(3), 2 + 4.3027 / np.sqrt(3)), abs=1e-4)
    with pytest.raises(SettingError):
        mean_interval([])


def test_coverage_by_hand():
    source = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
    few = np.array([[1, 0], [0, 1]], dtype=np.float32)
    np.testing.assert_allclose(nearest_distances(source, few), [0, 0, 0.2], atol=1e-6)
    assert coverage_similarity(source, few) == pytest.approx(2.8 / 3)
    codes = nearest_distances(source, few, np.array([0, 1, 0]), np.array([0, 1]))
    np.testing.assert_allclose(codes, [0, 0, 0.4], atol=1e-6)
    np.testing.assert_allclose(nearest_distances(source, few[:1], np.array([0, 1, 0]), np.array([0]))[1], 1.0)
    with pytest.raises(RowError, match="share a dimension"):
        nearest_distances(source, np.zeros((1, 3), np.float32))
    with pytest.raises(RowError, match="both sides or for neither"):
        nearest_distances(source, few, np.array([0, 1, 0]))
    with pytest.raises(RowError, match="got 2 for 3 source rows and 2 for 2 condensed rows"):
        nearest_distances(source, few, np.array([0, 1]), np.array([0, 1]))


def test_coverage_does_not_depend_on_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    source, few = (
        x / np.linalg.norm(x, axis=1, keepdims=True) for x in (rng.normal(size=(50, 8)), rng.normal(size=(4, 8)))
    )
    source, few = source.astype(np.float32), few.astype(np.float32)
    whole = nearest_distances(source, few)
    np.testing.assert_allclose(whole, 1 - (source @ few.T).max(axis=1), atol=1e-6)
    blocks = []

    def small_blocks(x):
        for where, block in iter_blocks(x, 7):
            blocks.append(len(block))
            yield where, block

    monkeypatch.setattr(similarity, "iter_blocks", small_blocks)
    np.testing.assert_allclose(nearest_distances(source, few), whole, atol=1e-6)
    assert max(blocks) == 7


def test_methods_are_compared_on_the_same_seeds(embedder):
    prepared = AutoCondenser.from_method("random", embedder=embedder).fit(make_rows(per_class=30)).prepared_
    n_texts = embedder.n_texts
    test = read_rows(make_rows(per_class=20, seed=9), prepared.columns, class_names=prepared.rows.class_names)
    lines = []
    results = compare_methods(
        prepared,
        test,
        ["random", "herding"],
        {"linear_probe": (LinearProbe(embedder), [0, 1, 2])},
        embedder=embedder,
        settings={"per_class": 4},
        on_progress=lines.append,
    )
    assert [result.method for result in results] == ["random", "herding"]
    assert [len(result.rows) for result in results] == [12, 12]
    assert [result.scores[0].seeds for result in results] == [(0, 1, 2), (0, 1, 2)]
    assert len(set(results[1].scores[0].accuracy)) == 1  # neither herding nor the probe has any randomness
    alone = AutoCondenser.from_method("random", embedder=embedder, per_class=4, seed=0).condense(
        make_rows(per_class=30)
    )
    assert results[0].rows["id"][:] == alone["id"][:]
    assert all(0 < result.similarity <= 1 for result in results)
    assert lines[0] == "random: condensing"
    assert embedder.n_texts > n_texts
