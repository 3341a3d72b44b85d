"""The numbers behind the charts, against ones computed by hand or the slow way."""

import numpy as np
import pytest
from report.made_up import make_result, make_source, unit_vectors

from condensers.report.charts import axis, draw_balance, draw_histograms
from condensers.report.formatting import count, duration, fixed, percent, shorten, split_long
from condensers.report.layout import lay_out, spread_sample
from condensers.report.result import label_results


def test_a_sample_takes_turns_between_groups():
    groups = np.array([0] * 90 + [1] * 8 + [2] * 2)
    sample = spread_sample(groups, 20, seed=0)
    assert np.bincount(groups[sample]).tolist() == [10, 8, 2]
    assert len(set(sample.tolist())) == 20
    assert sample.tolist() == spread_sample(groups, 20, seed=0).tolist() != spread_sample(groups, 20, seed=1).tolist()
    assert sorted(spread_sample(groups, 1000, seed=0).tolist()) == list(range(100))


def test_the_map_keeps_clusters_apart_and_copies_together():
    centres = np.eye(3, 16)
    x = np.repeat(centres, 20, axis=0) + 0.05 * np.random.default_rng(0).normal(size=(60, 16))
    x = np.concatenate([x, x[:5]]).astype(np.float32)
    places = lay_out(x, seed=0)
    assert places.min() == 0 and places.max() == 1
    np.testing.assert_array_equal(places[60:], places[:5])
    middles = np.stack([places[i * 20 : i * 20 + 20].mean(axis=0) for i in range(3)])
    own = np.linalg.norm(places[:60] - np.repeat(middles, 20, axis=0), axis=1)
    across = np.linalg.norm(middles[:, None] - middles[None], axis=-1)[~np.eye(3, dtype=bool)]
    assert own.max() < across.min() / 2


def test_histograms_count_every_row_on_one_scale():
    near, far = np.array([0.1] * 30 + [0.2] * 10), np.array([0.9] * 20 + [np.nan] * 20)
    charts = draw_histograms(["near", "far"], [near, far])
    assert [chart.n_left_out for chart in charts] == [0, 20]
    assert [chart.median.text for chart in charts] == ["0.100", "0.900"]
    assert charts[0].x_ticks == charts[1].x_ticks
    assert [bar.text.split(": ")[1] for bar in charts[0].bars] == ["30 rows, 75.0%", "10 rows, 25.0%"]
    # The tallest bar of all fills the chart; a bar of a third of its share is a third as high.
    assert charts[0].bars[1].height == pytest.approx(charts[1].bars[0].height / 4, abs=0.02)


def test_balance_counts_classes():
    source = make_source([f"t{i}" for i in range(10)], [0] * 8 + [1] * 2, ["big", "small", "absent"])
    vectors = unit_vectors(10)
    (entry,) = label_results([make_result(source, vectors, [0, 9])], source, vectors)
    bars = draw_balance(source, entry, sort=False)
    assert [(bar.n_source, bar.n_condensed, bar.source, bar.condensed) for bar in bars] == [
        (8, 1, 0.8, 0.5),
        (2, 1, 0.2, 0.5),
    ]
    assert [(bar.source_width, bar.condensed_width) for bar in bars] == [(100.0, 62.5), (25.0, 62.5)]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.0, 0.93, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (71.3, 78.9, [70, 72, 74, 76, 78, 80]),
        (5.0, 5.0, [5.0, 5.0000002]),
    ],
)
def test_axes_are_round_and_hold_the_data(low, high, ticks):
    assert axis(low, high) == pytest.approx(ticks)


def test_formats():
    assert [percent(0.25), percent(0.0001), percent(0), percent(1)] == ["25.0%", "<0.1%", "0.0%", "100.0%"]
    assert [fixed(0.12345), fixed(-0.5), fixed(None), fixed(float("nan"))] == ["0.123", "−0.500", "–", "–"]
    assert [duration(s) for s in (0.314, 12.44, 59.97, 185, 7800)] == [
        "0.31 s",
        "12.4 s",
        "1 min 00 s",
        "3 min 05 s",
        "2 h 10 min",
    ]
    assert [count(1, "row"), count(1200, "row"), count(2, "class")] == ["1 row", "1,200 rows", "2 classes"]
    assert shorten("a  b\nc", 10) == "a b c" and shorten("word " * 9, 12) == "word word…"
    assert split_long("x" * 10, 4) == ("xxxx", "xxxxxx") and split_long("short", 10) == ("short", "")
