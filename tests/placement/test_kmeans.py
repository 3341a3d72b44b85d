import numpy as np
import pytest

from condensers.embedding import VectorRows, vectors
from condensers.errors import BudgetError, RowError, SettingError
from condensers.placement import KMeansCentroids
from condensers.placement.kmeans import _lloyd_step, squared_distances


def blobs(n_per_blob=50, n_blobs=4, dim=5, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(scale=10, size=(n_blobs, dim))
    x = np.concatenate([centre + rng.normal(scale=0.1, size=(n_per_blob, dim)) for centre in centres])
    return x.astype(np.float32), centres


def inertia(x, points):
    return float(((x[:, None] - points[None]) ** 2).sum(-1).min(1).sum())


def test_squared_distances_by_hand():
    found = squared_distances(np.array([[0.0, 0.0], [3.0, 4.0]], np.float32), np.array([[3.0, 0.0]], np.float32))
    np.testing.assert_allclose(found, [[9.0], [16.0]])


def test_one_step_by_hand():
    x = np.array([[0.0], [2.0], [10.0]], np.float32)
    np.testing.assert_allclose(_lloyd_step(x, np.array([[1.0], [9.0]], np.float32)), [[1.0], [10.0]])


def test_an_empty_cluster_moves_to_the_farthest_row():
    x = np.array([[0.0], [2.0], [10.0]], np.float32)
    np.testing.assert_allclose(_lloyd_step(x, np.array([[1.0], [99.0]], np.float32)), [[4.0], [10.0]])


def test_finds_the_blobs():
    x, centres = blobs()
    found = KMeansCentroids(seed=3).place(x, 4)
    assert np.sqrt(squared_distances(centres.astype(np.float32), found)).min(axis=1).max() < 0.1
    assert found.dtype == np.float32


def test_as_good_as_scikit_learn():
    from sklearn.cluster import KMeans

    x = np.random.default_rng(0).normal(size=(600, 8)).astype(np.float32)
    ours = np.mean([inertia(x, KMeansCentroids(seed=s).place(x, 12)) for s in range(8)])
    theirs = np.mean([KMeans(12, n_init=1, random_state=s).fit(x).inertia_ for s in range(8)])
    assert ours <= 1.02 * theirs


def test_a_start_in_rounds_is_nearly_as_good():
    x = np.random.default_rng(0).normal(size=(2000, 8)).astype(np.float32)
    slow, fast = (inertia(x, KMeansCentroids(rounds=rounds).place(x, 100)) for rounds in (None, 8))
    assert fast <= 1.03 * slow
    same = np.repeat(x[:3], 5, axis=0)
    assert inertia(same, KMeansCentroids(rounds=2).place(same, 8)) == pytest.approx(0.0, abs=1e-8)
    np.testing.assert_array_equal(*(KMeansCentroids(rounds=4, seed=1).place(x, 20) for _ in range(2)))


def test_blocks_do_not_change_the_result(monkeypatch):
    x, _ = blobs()
    whole = KMeansCentroids().place(x, 7)
    monkeypatch.setattr(vectors.iter_blocks, "__defaults__", (16,))
    np.testing.assert_allclose(KMeansCentroids().place(VectorRows(x, np.arange(len(x))), 7), whole, atol=1e-5)


def test_the_seed_decides():
    x = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
    first, again, other = (KMeansCentroids(seed=s).place(x, 9) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_as_many_points_as_rows_and_identical_rows():
    x = np.eye(3, dtype=np.float32)
    found = KMeansCentroids().place(x, 3)
    np.testing.assert_allclose(sorted(found.tolist()), sorted(x.tolist()))
    same = np.ones((4, 2), np.float32)
    np.testing.assert_allclose(KMeansCentroids().place(same, 3), np.ones((3, 2)))


def test_bad_input():
    x = np.eye(3, dtype=np.float32)
    for n in (0, 4):
        with pytest.raises(BudgetError, match=f"3 rows; got {n}"):
            KMeansCentroids().place(x, n)
    with pytest.raises(SettingError, match="rounds"):
        KMeansCentroids(rounds=0).place(np.eye(3, dtype=np.float32), 2)
    with pytest.raises(SettingError, match="max_iter"):
        KMeansCentroids(max_iter=0).place(x, 1)
    x[1, 1] = np.inf
    with pytest.raises(RowError, match="vector 1"):
        KMeansCentroids().place(x, 1)
