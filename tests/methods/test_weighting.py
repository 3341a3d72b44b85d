"""Weights of the source become weights of the condensed rows."""

import numpy as np
import pytest
from conftest import make_rows

from condensers.data import WEIGHT_COLUMN
from condensers.errors import ColumnError, SettingError
from condensers.methods import AutoCondenser, EmbeddingCondenser, KCenterCondenser, Lineage


@pytest.fixture
def weighted():
    """Rows of which those of `fruit` count twice, and every sixth row nothing."""
    rows = make_rows()
    weights = [0.0 if i % 6 == 5 else 2.0 if i % 3 == 0 else 1.0 for i in range(len(rows))]
    return rows.add_column(WEIGHT_COLUMN, weights)


def owners_of(condenser, small, embedder):
    return Lineage.trace(condenser.prepared_, small, embedder).assignment.owners


@pytest.mark.parametrize("weight", ["cluster_size", "sum", "mean"])
def test_each_row_weighs_what_it_stands_for(weight, weighted, embedder):
    condenser = KCenterCondenser(embedder=embedder)
    small = condenser.condense(weighted, per_class=2, weight=weight)
    owners = owners_of(condenser, small, embedder)
    own = [np.asarray(weighted[WEIGHT_COLUMN])[owners == j] for j in range(6)]
    expected = {
        "cluster_size": np.asarray([len(w) for w in own]) / 6,
        "sum": np.asarray([w.sum() for w in own]) / np.mean([w.sum() for w in own]),
        "mean": np.asarray([w.mean() for w in own]),
    }[weight]
    assert small[WEIGHT_COLUMN][:] == pytest.approx(expected.tolist())
    if weight != "mean":
        assert np.mean(small[WEIGHT_COLUMN]) == pytest.approx(1.0)
    assert condenser.run_.settings["weight"] == weight


def test_cluster_sizes_need_no_weights_in_the_source(dataset, embedder):
    small = KCenterCondenser(embedder=embedder).condense(dataset, per_class=2, weight="cluster_size")
    sizes = np.asarray(small["condensed_cluster_size"])
    assert small[WEIGHT_COLUMN][:] == pytest.approx((sizes / sizes.mean()).tolist())


def test_without_the_setting_the_column_is_that_of_the_source(weighted, embedder):
    small = KCenterCondenser(embedder=embedder).condense(weighted, per_class=2)
    parents = [parent for (parent,) in small["condensed_parents"]]
    assert small[WEIGHT_COLUMN][:] == weighted.select(parents)[WEIGHT_COLUMN][:]


def test_written_rows_get_weights_too(weighted, embedder):
    class Echo:
        def realise(self, points, rows):
            return [f"written {i} {rows.texts[0]}" for i in range(len(points))]

    condenser = EmbeddingCondenser(realiser=Echo(), embedder=embedder)
    small = condenser.condense(weighted, per_class=2, weight="sum")
    owners = owners_of(condenser, small, embedder)
    sums = [np.asarray(weighted[WEIGHT_COLUMN])[owners == j].sum() for j in range(6)]
    assert small[WEIGHT_COLUMN][:] == pytest.approx((np.asarray(sums) / np.mean(sums)).tolist())


def test_the_transform_of_map_weights_alike(weighted, embedder):
    condenser = KCenterCondenser(embedder=embedder, per_class=2, weight="sum")
    mapped = weighted.map(condenser, batched=True, batch_size=None, remove_columns=weighted.column_names)
    assert mapped[WEIGHT_COLUMN][:] == condenser.condense(weighted)[WEIGHT_COLUMN][:]


class TestMistakes:
    def test_a_source_without_weights(self, dataset, embedder):
        with pytest.raises(ColumnError, match="no column 'importance_weight' .* `condense"):
            KCenterCondenser(embedder=embedder).condense(dataset, per_class=2, weight="mean")

    def test_ways_that_do_not_exist(self, dataset, embedder):
        with pytest.raises(SettingError, match="`weight` must be 'cluster_size', 'sum', 'mean' or None; got 'max'"):
            KCenterCondenser(embedder=embedder).condense(dataset, per_class=2, weight="max")
        assert embedder.n_texts == 0

    def test_methods_whose_rows_stand_for_none(self, embedder):
        with pytest.raises(SettingError, match="'prompt_template' writes more rows, which stand for none"):
            AutoCondenser.from_method(
                "prompt_template", embedder=embedder, llm="m@http://localhost:1/v1", total=3, weight="mean"
            ).check_settings()
        with pytest.raises(SettingError, match="no row may tell how many rows it stands for"):
            AutoCondenser.from_method(
                "aug_pe",
                embedder=embedder,
                llm="m@http://localhost:1/v1",
                per_class=3,
                epsilon=4.0,
                delta=1e-6,
                dedup="none",
                weight="cluster_size",
            ).check_settings()
