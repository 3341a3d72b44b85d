import json

import numpy as np
import pytest

from condensers.errors import RowError, SourceNotFoundError
from condensers.trainers import RowWeights, diagnose_weights, load_weights, plot_weights
from condensers.trainers.weight_diagnostics import save_weights


def some(n_passes=1, groups=("a", "b", "a", "b")):
    weights = np.array([[1.0, 2.0, 3.0, 2.0]] * n_passes, dtype=np.float32) + np.arange(n_passes)[:, None]
    quality = np.log(np.array([0.5, 0.25, 1.0, 0.75], dtype=np.float32))
    return RowWeights(weights, quality, (quality - np.log(weights)).astype(np.float32), groups)


def test_summary_by_hand():
    summary = diagnose_weights(some(), max_weight=3.0)
    assert summary.n_rows == 4
    assert summary.mean == 2.0
    assert summary.effective_sample_size == pytest.approx(8**2 / 18)
    assert summary.share_clipped == 0.25
    assert summary.quantiles["0.0"] == 1.0
    assert summary.quantiles["0.5"] == 2.0
    assert summary.quantiles["1.0"] == 3.0
    assert summary.groups["a"] == {
        "weight": 2.0,
        "quality": pytest.approx(0.75),
        "diversity": pytest.approx((0.5 + 1 / 3) / 2),
    }
    assert summary.logs()["weight_effective_share"] == pytest.approx(8**2 / 18 / 4)
    assert summary.logs()["weight_mean_b"] == 2.0


def test_equal_weights_count_fully_and_one_row_counts_once():
    assert diagnose_weights(RowWeights(np.full((1, 5), 0.3))).effective_sample_size == pytest.approx(5)
    assert diagnose_weights(RowWeights(np.array([[0.0, 9.0, 0.0]]))).effective_sample_size == pytest.approx(1)
    assert diagnose_weights(RowWeights(np.zeros((1, 3)))).effective_sample_size == 0


def test_rows_not_seen_are_left_out():
    rows = RowWeights(np.array([[1.0, np.nan, 3.0]]), groups=("a", "a", "b"))
    summary = diagnose_weights(rows)
    assert (summary.n_rows, summary.mean) == (2, 2.0)
    assert summary.groups == {"a": {"weight": 1.0}, "b": {"weight": 3.0}}


@pytest.mark.parametrize("rows", [some(), some(2), RowWeights(np.ones((1, 3), np.float32))])
def test_files_round_trip(tmp_path, rows):
    save_weights(tmp_path / "w", rows, {"key": "k", "nan": float("nan"), "summary": diagnose_weights(rows)})
    again, record = load_weights(tmp_path / "w")
    for name in ("weights", "quality", "diversity"):
        np.testing.assert_array_equal(getattr(again, name), getattr(rows, name))
    assert again.groups == rows.groups
    assert record["nan"] is None
    assert record["summary"]["n_rows"] == rows.weights.shape[1]
    json.loads((tmp_path / "w" / "importance_weights.json").read_text(), parse_constant=pytest.fail)


def test_scores_without_an_epoch_round_trip(tmp_path):
    none_yet = np.empty((0, 4), dtype=np.float32)
    save_weights(tmp_path / "w", RowWeights(none_yet, some().quality, none_yet), {"key": "k"})
    again, _ = load_weights(tmp_path / "w")
    assert again.weights.shape == again.diversity.shape == (0, 4)
    np.testing.assert_array_equal(again.quality, some().quality)
    with pytest.raises(RowError, match="no weights were recorded yet"):
        plot_weights(again)


def test_a_failed_write_leaves_the_old_files(tmp_path):
    save_weights(tmp_path / "w", some(), {"key": "old"})
    with pytest.raises(TypeError):
        save_weights(tmp_path / "w", some(2), {"key": object()})
    assert load_weights(tmp_path / "w")[1] == {"key": "old"}
    assert [path.name for path in tmp_path.iterdir()] == ["w"]


def test_no_files(tmp_path):
    with pytest.raises(SourceNotFoundError, match="holds no importance weights"):
        load_weights(tmp_path)


def test_bars_of_one_pass(tmp_path):
    save_weights(tmp_path / "w", some(), {})
    figure = plot_weights(tmp_path / "w")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["a", "b"]
    heights = [[bar.get_height() for bar in bars] for bars in axes.containers if bars]
    np.testing.assert_allclose(heights, [[0.75, 0.5], [(0.5 + 1 / 3) / 2, (0.125 + 0.375) / 2], [2.0, 2.0]], rtol=1e-6)
    figure.savefig(tmp_path / "bars.png")


def test_lines_of_several_passes(tmp_path):
    figure = plot_weights(some(3))
    assert [axes.get_title() for axes in figure.axes] == ["Diversity checker", "Weight"]
    for line, label in zip(figure.axes[1].lines, "ab", strict=True):
        assert line.get_label() == label
        assert line.get_ydata() == pytest.approx([2.0, 3.0, 4.0])
    figure.savefig(tmp_path / "lines.png")


def test_groups_may_be_given_or_missing():
    figure = plot_weights(some(), groups=["x", "y", "x", "x"])
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["x", "y"]
    figure = plot_weights(some(groups=None))
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["all rows"]
    with pytest.raises(RowError, match="each of 4 rows; got 2"):
        plot_weights(some(), groups=["x", "y"])
