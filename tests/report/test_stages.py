"""The charts of methods that place points and write texts for them."""

import re
from dataclasses import replace

import pytest
from report.made_up import make_result, unit_vectors

from condensers.report import write_report
from condensers.report.classes import class_styles
from condensers.report.page import render
from condensers.report.result import label_results
from condensers.report.scatter import draw_map
from condensers.report.stages import DESCENT_HEIGHT, MAX_DOTS, draw_closeness, draw_descent

STAGES = {
    "placement": {
        "World": {"steps": 40, "converged": True, "discrepancy": [[0, 1.0], [20, 0.5], [40, 0.25]]},
        "Sports": {"steps": 20, "converged": False, "discrepancy": [[0, 0.6], [20, 0.3]]},
        "Sci/Tech": {"steps": 0, "converged": True, "discrepancy": []},
    },
    "writing": {
        "cosine": [[0.2, 0.4, None, 0.6, 0.4, 0.4], [0.4, 0.4, None, 0.8, 0.6, 0.8]],
        "source_rows": [2],
        "stopped": False,
        "events": {},
    },
}


@pytest.fixture
def entry(news):
    source, vectors, _ = news
    result = make_result(source, vectors, [0, 1, 2, 33, 34, 35], method="pinr", stages=STAGES)
    (found,) = label_results([result], source, vectors)
    return source, vectors, found


def test_the_descent_has_a_line_a_class_from_left_to_right_and_down(entry):
    source, _, found = entry
    chart = draw_descent(found, class_styles(source))
    assert [trace.style.name for trace in chart.traces] == ["World", "Sports"]
    places = [tuple(map(float, place.split(","))) for place in chart.traces[0].path.split()]
    assert [x for x, _ in places] == [0, 50, 100]
    heights = [y for _, y in places]
    assert heights == sorted(heights) and heights[-1] < DESCENT_HEIGHT
    # y falls from the top of the axis (14 pixels of headroom) in proportion: 1.0, 0.5, 0.25 of 1.
    assert heights == [14, 82, 116]
    assert chart.traces[1].text == "Sports: 0.600 to 0.300 in 20 moves, not settled"
    assert chart.summary == "Mean over the classes: 0.800 at the start, 0.275 at the end; 1 of 2 classes settled."


def test_the_closeness_has_a_line_a_stage_and_leaves_source_rows_out(entry):
    _, _, found = entry
    chart = draw_closeness(found)
    assert [(stage.label, stage.text) for stage in chart.stages] == [
        ("as written", "mean 0.400"),
        ("after round 1 of refinement", "mean 0.600"),
    ]
    assert [dot.text for dot in chart.stages[0].dots] == [
        "row 1: 0.200",
        "row 2: 0.400",
        "row 4: 0.600",
        "row 5: 0.400",
        "row 6: 0.400",
    ]
    assert chart.stages[0].mean < chart.stages[1].mean
    assert chart.note == "1 of 6 rows are source rows: no text written for their points could stay."


def test_of_many_texts_some_are_dots(news):
    source, vectors, _ = news
    stages = {"writing": {"cosine": [[i / 1000 for i in range(1000)]], "source_rows": []}}
    (found,) = label_results([make_result(source, vectors, [0, 1], stages=stages)], source, vectors)
    chart = draw_closeness(found)
    assert len(chart.stages[0].dots) == MAX_DOTS and chart.stages[0].text == "mean 0.499"  # the mean is of all


@pytest.mark.parametrize("stages", [None, {}, {"writing": {"cosine": [[None, None]], "source_rows": [0, 1]}}])
def test_methods_without_stages_have_neither(news, stages):
    source, vectors, _ = news
    result = make_result(source, vectors, [0, 1], stages=stages)
    (found,) = label_results([result], source, vectors)
    assert draw_descent(found, class_styles(source)) is None and draw_closeness(found) is None
    page = render(title="T", source=source, vectors=vectors, results=[result])
    assert "How the particles settled" not in page and "a cross is a point" not in page


def test_a_cross_lies_on_its_row_if_the_row_is_the_point(entry):
    source, vectors, found = entry

    points = 0.5 * found.result.vectors  # only the direction of a point matters
    aimed = replace(found, result=replace(found.result, points=points))
    drawn = draw_map(source, vectors, [found, aimed], class_styles(source), 0)
    assert drawn.points[0] == []
    assert [(mark.x, mark.y) for mark in drawn.points[1]] == [(mark.x, mark.y) for mark in drawn.condensed[1]]
    assert [mark.number for mark in drawn.points[1]] == [1, 2, 3, 4, 5, 6]


def test_on_the_page_it_fits_a_phone_and_a_desk(news, chromium, tmp_path):
    source, vectors, kept = news

    result = make_result(source, vectors, [0, 1, 2, 33, 34, 35], method="pinr", stages=STAGES)
    results = [replace(result, points=unit_vectors(6)), kept]
    path = write_report(tmp_path / "report.html", title="T", source=source, vectors=vectors, results=results)
    page = path.read_text()
    assert len(re.findall(r'href="#aim"', page)) == 6 and len(re.findall("<polyline", page)) == 2
    for width in (320, 1280):
        chromium.show(path, width)
        assert chromium.value("document.documentElement.scrollWidth") <= width
        assert chromium.complaints() == []
    shown = (
        "[...document.querySelectorAll('h2[id^=h-descent], h2[id^=h-closeness]')].filter(e => e.offsetParent).length"
    )
    assert chromium.value(shown) == 2
    chromium.value("document.querySelector('#method-1').click()")
    assert chromium.value(shown) == 0
    fills = "getComputedStyle(document.querySelector('polyline')).fill"
    assert chromium.value(fills) == "none"
