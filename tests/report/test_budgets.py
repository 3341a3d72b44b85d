"""Accuracy over budgets: the chart, its numbers, and what else changes on the page."""

import math

import pytest
from report.made_up import make_result, make_scores, make_source, unit_vectors
from report.parsing import parse

from condensers.evaluation import mean_interval
from condensers.report import write_report
from condensers.report.budgets import CURVE_HEIGHT, draw_curves
from condensers.report.page import render
from condensers.report.result import label_results

ACCURACY = {
    ("k_center", 3): (0.50, 0.54, 0.58),
    ("k_center", 6): (0.60, 0.62, 0.64),
    ("k_center", 12): (0.70, 0.70, 0.70),
    ("random", 3): (0.40, 0.44, 0.42),
    ("random", 6): (0.50,),
}


@pytest.fixture
def runs(news):
    source, vectors, _ = news
    results = [
        make_result(source, vectors, range(n), method=method, scores=[make_scores("probe", *accuracy)])
        for (method, n), accuracy in ACCURACY.items()
    ]
    return source, vectors, results


def curves_of(source, vectors, results):
    return draw_curves(label_results(results, source, vectors))


def test_points_lie_at_the_logarithm_of_the_rows_and_at_the_mean(runs):
    (curve,) = curves_of(*runs)
    assert [line.method for line in curve.lines] == ["random", "k_center"]  # the reference first, and in grey
    assert [line.css for line in curve.lines] == ["cx", "c0"]
    assert [tick.text for tick in curve.x_ticks] == ["3", "6", "12"]
    x = [point.x for point in curve.lines[1].points]
    assert x[1] - x[0] == pytest.approx(x[2] - x[1], abs=0.02) and x[2] > x[1]
    top, bottom = curve.y_ticks[-1], curve.y_ticks[0]
    assert (top.at, bottom.at) == (0, CURVE_HEIGHT)
    low, high = float(bottom.text[:-1]), float(top.text[:-1])
    for line in curve.lines:
        for point, n in zip(line.points, (3, 6, 12), strict=False):
            values = ACCURACY[line.method, n]
            heights = [high - (high - low) * at / CURVE_HEIGHT for at in (point.y, point.low, point.high)]
            ends = mean_interval(values) if len(values) > 1 else (values[0], values[0])
            assert heights == pytest.approx([100 * v for v in (sum(values) / len(values), *ends)], abs=0.1)


def test_the_same_points_by_the_tokens_of_their_texts(runs):
    source, vectors, results = runs
    by_rows, by_tokens = (draw_curves(label_results(results, source, vectors), unit)[0] for unit in ("rows", "tokens"))
    tokens = {n: sum(-(-len(source.texts[i]) // 4) for i in range(n)) for n in (3, 6, 12)}  # four characters each
    assert [tick.text for tick in by_tokens.x_ticks] == [f"{tokens[n]:,}" for n in (3, 6, 12)]
    assert by_tokens.lines[1].points[0].text == f"{tokens[3]:,} tokens: 54.0%, 95% interval 44.1–63.9, 3 seeds"
    assert [[p.y for p in line.points] for line in by_tokens.lines] == [
        [p.y for p in line.points] for line in by_rows.lines
    ]


def test_all_rows_are_a_line_at_their_accuracy_and_the_axis_reaches_it(runs):
    source, vectors, results = runs
    (curve,) = draw_curves(label_results(results, source, vectors), ceilings=[make_scores("probe", 0.91)])
    top, bottom = (float(tick.text[:-1]) for tick in (curve.y_ticks[-1], curve.y_ticks[0]))
    assert top - (top - bottom) * curve.ceiling.at / CURVE_HEIGHT == pytest.approx(91, abs=0.1)
    assert curve.ceiling.text == "all rows 91.0%" and 0 <= curve.ceiling.at
    (other,) = draw_curves(label_results(results, source, vectors), ceilings=[make_scores("another", 0.91)])
    assert other.ceiling is None
    page = render(title="T", source=source, vectors=vectors, results=results, ceilings=[make_scores("probe", 0.91)])
    assert page.count('<line class="ceiling"') == 2 and "what all source rows lead to" in page
    without = render(title="T", source=source, vectors=vectors, results=results)
    assert 'class="ceiling"' not in without and "all source rows lead" not in without


def test_the_interval_is_in_words_too(runs):
    (curve,) = curves_of(*runs)
    # Three seeds, 50, 54 and 58: the deviation is 4, and 4.303 deviations of the mean are 4.303 * 4 / sqrt(3) = 9.9.
    assert curve.lines[1].points[0].text == "3 rows: 54.0%, 95% interval 44.1–63.9, 3 seeds"
    assert 54 - 4.3027 * 4 / math.sqrt(3) == pytest.approx(44.06, abs=0.01)
    assert curve.lines[0].points[1].text == "6 rows: 50.0%, one seed"
    assert curve.lines[0].points[1].low == curve.lines[0].points[1].high


def test_an_interval_that_two_seeds_leave_wide_ends_where_accuracies_do(news):
    source, vectors, _ = news
    results = [make_result(source, vectors, range(n), scores=[make_scores("probe", 0.5, 0.9)]) for n in (3, 6)]
    (curve,) = curves_of(source, vectors, results)
    assert curve.lines[0].points[0].text == "3 rows: 70.0%, 95% interval 0.0–100.0, 2 seeds"
    assert all(0 <= end <= CURVE_HEIGHT for p in curve.lines[0].points for end in (p.low, p.high))


def test_one_budget_draws_no_curve_even_if_methods_made_unequal_numbers_of_rows(news):
    source, vectors, _ = news
    settings = {"settings": {"per_class": 3, "total": None, "fraction": None, "seed": 0}}
    results = [
        make_result(source, vectors, range(n), method=f"m{n}", scores=[make_scores("probe", 0.5)], **settings)
        for n in (6, 9)
    ]
    assert curves_of(source, vectors, results) == []
    page = render(title="T", source=source, vectors=vectors, results=results)
    assert "Accuracy by budget" not in page and "m6, 6 rows" not in page


def test_labels_that_would_lie_on_each_other_are_left_out():
    source, vectors = make_source([f"text {i}" for i in range(60)]), unit_vectors(60)
    sizes = (10, 11, 12, 50)
    results = [make_result(source, vectors, range(n), scores=[make_scores("probe", 0.5)]) for n in sizes]
    (curve,) = curves_of(source, vectors, results)
    assert [tick.text for tick in curve.x_ticks] == ["10", "", "12", "50"]


def test_the_best_of_a_column_is_the_best_at_its_budget(runs):
    source, vectors, results = runs
    root = parse(render(title="T", source=source, vectors=vectors, results=results))
    rows = root.all("table", "compare")[0].all("tbody")[0].all("tr")
    marked = {row.all("th")[0].text: row.all("td")[2].text for row in rows}
    assert marked["k_center, 3 rows"].startswith("54.0 ± 4.0 (best)")
    assert marked["k_center, 6 rows"].startswith("62.0 ± 2.0 (best)")
    assert marked["random, 6 rows"].startswith("50.0n = 1")
    assert marked["k_center, 12 rows"].startswith("70.0 ± 0.0n")  # alone at its budget, so no star
    assert "2 methods at 3 budgets" in " ".join(root.all("p", "lede")[0].text.split())


def test_the_curve_in_a_browser(runs, chromium, tmp_path):
    source, vectors, results = runs
    path = write_report(tmp_path / "r.html", title="T", source=source, vectors=vectors, results=results)
    for width in (390, 1280):
        chromium.show(path, width)
        assert chromium.value("document.documentElement.scrollWidth") <= width
        assert chromium.complaints() == []
        marks = "[...document.querySelectorAll('.curve use')].map(e => e.getBoundingClientRect())"
        frame = "document.querySelector('.curve').getBoundingClientRect()"
        inside = f"{marks}.every(box => box.left >= {frame}.left && box.right <= {frame}.right)"
        assert chromium.value(inside) and chromium.value(f"{marks}.length") == 2 * 5  # by rows and by tokens
        dashed = "getComputedStyle(document.querySelector('.curve polyline')).strokeDasharray"
        assert chromium.value(dashed) == "6px, 4px"
    histograms = "[...document.querySelectorAll('#h-distance ~ .many figure')].filter(e => e.offsetParent).length"
    assert chromium.value(histograms) == 1  # of five: the one that is shown below
