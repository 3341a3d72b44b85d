"""Points placed for kernel ridge regression."""

import numpy as np
import pytest
from conftest import make_rows

from condensers.embedding import EmbeddedRows
from condensers.errors import BudgetError, RowError, SettingError
from condensers.methods import EmbeddingCondenser
from condensers.placement import InducingPoints, KMeansCentroids
from condensers.placement.label_moments import LabelMoments

COUNTS = {0: 3, 1: 2, 2: 2}


@pytest.fixture
def source(embedder):
    rows = make_rows(per_class=20)
    return EmbeddedRows(rows["text"][:], embedder.encode(rows["text"][:])), np.asarray(rows["label"][:])


def loss(points, source):
    moments = LabelMoments.of(source[0].vectors, source[1])
    codes = np.repeat(list(points), [len(own) for own in points.values()])
    return moments.loss(np.concatenate(list(points.values())), moments.labels(codes), 1.0)


def test_the_points_predict_all_rows_better_than_their_start_does(source):
    x, codes = source[0].vectors, source[1]
    start = {code: KMeansCentroids().place(x[codes == code], n) for code, n in COUNTS.items()}
    start = {code: own / np.linalg.norm(own, axis=1, keepdims=True) for code, own in start.items()}
    free = InducingPoints().place_by_class(*source, COUNTS)
    assert {code: own.shape for code, own in free.items()} == {0: (3, 32), 1: (2, 32), 2: (2, 32)}
    assert all(own.dtype == np.float32 for own in free.values())
    np.testing.assert_allclose(np.linalg.norm(np.concatenate(list(free.values())), axis=1), 1.0, rtol=1e-5)
    assert loss(free, source) < 0.95 * loss(start, source)


def test_no_nearby_points_are_better(source):
    free = InducingPoints(max_iter=2000).place_by_class(*source, COUNTS)
    rng = np.random.default_rng(0)
    for _ in range(20):
        nudged = {code: own + 0.02 * rng.normal(size=own.shape) for code, own in free.items()}
        nudged = {code: own / np.linalg.norm(own, axis=1, keepdims=True) for code, own in nudged.items()}
        assert loss(nudged, source) > loss(free, source)


def test_the_seed_is_that_of_the_start(source):
    first, again, other = (InducingPoints(seed=seed).place_by_class(*source, COUNTS)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


def test_they_are_realised_like_any_points(dataset, embedder):
    condenser = EmbeddingCondenser(placement=InducingPoints(), embedder=embedder)
    small = condenser.condense(dataset, per_class=3)
    assert small["label"][:] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert len(set(small["id"][:])) == 9
    assert condenser.points_.shape == (9, 32)
    assert condenser.run_.components["placement"]["type"] == "InducingPoints"


def test_saved_and_loaded_they_are_the_same(embedder, tmp_path):
    EmbeddingCondenser(placement=InducingPoints(ridge=0.5), embedder=embedder).save_pretrained(tmp_path)
    loaded = EmbeddingCondenser.from_pretrained(tmp_path, embedder=embedder)
    assert loaded.placement == InducingPoints(ridge=0.5)


def test_mistakes(source):
    for setting in ({"ridge": 0.0}, {"max_iter": 0}):
        with pytest.raises(SettingError, match=f"`{next(iter(setting))}` must be"):
            InducingPoints(**setting)
    with pytest.raises(BudgetError, match="cannot place 21 points for the 20 rows of class 1"):
        InducingPoints().place_by_class(*source, {0: 1, 1: 21, 2: 1})
    rows, codes = source
    broken = rows.vectors.copy()
    broken[4, 2] = np.nan
    with pytest.raises(RowError, match="vector 4"):
        InducingPoints().place_by_class(EmbeddedRows(rows.texts, broken), codes, COUNTS)
