"""Placements and selectors that look at the rows and labels of all classes at once."""

from dataclasses import dataclass

import numpy as np
import pytest
from conftest import make_rows

from condensers.embedding import EmbeddedRows
from condensers.errors import BudgetError, ColumnError, RowError
from condensers.methods import EmbeddingCondenser
from condensers.selection import RandomRows, SupervisedSelector, check_sizes


@dataclass(frozen=True)
class FarFromTheOthers:
    """Rows that lie farthest from the mean of the other classes."""

    seed: int = 0

    def select_by_class(self, rows, codes, counts):
        check_sizes(rows, codes, counts)
        x = rows.vectors[:]
        found = {}
        for code, n in counts.items():
            likeness = x @ x[codes != code].mean(axis=0)
            likeness[codes != code] = np.inf
            found[code] = np.argsort(likeness, kind="stable")[:n]
        return found


@dataclass(frozen=True)
class OwnMean:
    """Each class's mean, moved away from the mean of all."""

    def place_by_class(self, rows, codes, counts):
        x = rows.vectors[:]
        return {
            code: np.repeat(x[codes == code].mean(axis=0, keepdims=True) - x.mean(axis=0) / 2, n, axis=0)
            for code, n in counts.items()
        }


def test_a_supervised_selector_sees_all_rows_and_gives_rows_of_each_class(dataset, embedder):
    shuffled = dataset.shuffle(seed=1)
    condenser = EmbeddingCondenser(placement=FarFromTheOthers(), embedder=embedder)
    small = condenser.condense(shuffled, per_class=3)
    vectors, codes = embedder.encode(shuffled["text"][:]), np.asarray(shuffled["label"][:])
    found = FarFromTheOthers().select_by_class(
        EmbeddedRows(shuffled["text"][:], vectors), codes, dict.fromkeys(range(3), 3)
    )
    expected = np.concatenate([found[code] for code in range(3)])
    assert small["id"][:] == [shuffled[i]["id"] for i in expected.tolist()]
    assert small["label"][:] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert [parents for (parents,) in small["condensed_parents"][:]] == expected.tolist()
    np.testing.assert_allclose(small["condensed_similarity"][:], 1.0, rtol=1e-5)
    np.testing.assert_allclose(condenser.points_, vectors[expected])
    assert np.array(small["condensed_cluster_size"][:]).reshape(3, 3).sum(axis=1).tolist() == [12, 12, 12]


def test_a_supervised_selector_takes_every_budget(dataset, embedder):
    condenser = EmbeddingCondenser(placement=FarFromTheOthers(), embedder=embedder)
    assert len(condenser.condense(dataset, total=7)) == 7
    assert len(condenser.condense(fraction=0.5)) == 18
    assert not condenser.deterministic


def test_points_of_a_supervised_placement_become_the_nearest_rows(dataset, embedder):
    small = EmbeddingCondenser(placement=OwnMean(), embedder=embedder).condense(dataset, per_class=2)
    assert small["label"][:] == [0, 0, 1, 1, 2, 2]
    assert len(set(small["id"][:])) == 6


def test_rows_without_labels_are_refused_by_name(dataset, embedder):
    with pytest.raises(ColumnError, match="FarFromTheOthers learns from labels.*k_center"):
        EmbeddingCondenser(placement=FarFromTheOthers(), embedder=embedder).condense(dataset, label=None, total=4)


def test_what_sees_one_class_only_is_no_supervised_selector():
    assert isinstance(FarFromTheOthers(), SupervisedSelector)
    assert not isinstance(RandomRows(), SupervisedSelector)


def test_counts_that_the_classes_cannot_meet():
    rows = EmbeddedRows(make_rows(per_class=2)["text"][:], np.eye(6, dtype=np.float32))
    codes = np.array([0, 1, 2] * 2)
    for counts in ({0: 1, 1: 3, 2: 1}, {0: 1, 1: 0, 2: 1}, {0: 1, 2: 1}):
        with pytest.raises(BudgetError, match="of the 2 rows of class 1; the number must be 1 to 2"):
            check_sizes(rows, codes, counts)
    with pytest.raises(RowError, match="5 codes for 6 rows"):
        check_sizes(rows, codes[:5], {0: 1, 1: 1, 2: 1})
    with pytest.raises(RowError, match="at least two classes"):
        check_sizes(rows, np.zeros(6, np.int64), {0: 1})
