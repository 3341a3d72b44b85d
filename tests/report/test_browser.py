"""The page in a real browser, at a phone's width and a desk's."""

from report.made_up import make_result, make_scores, make_source, unit_vectors

from condensers.report import write_report


def test_it_fits_a_phone_and_its_controls_work(chromium, tmp_path):
    names = ["World", "Sports", "a_class_with_an_uncommonly_long_name_that_has_no_spaces_in_it"]
    texts = [f"story {i} " + "x" * (i * 40) for i in range(30)]
    source = make_source(texts, [i % 3 for i in range(30)], names)
    vectors = unit_vectors(30)
    scores = (make_scores("linear probe", 0.7, 0.72), make_scores("TextRNN", 0.6, 0.64))
    results = [
        make_result(source, vectors, kept, method=method, scores=scores)
        for method, kept in (("random", [0, 4, 29]), ("a_method_with_quite_a_long_name", [1, 2, 3]))
    ]
    path = write_report(tmp_path / "report.html", title="T" * 60, source=source, vectors=vectors, results=results)
    for width in (320, 390, 1280):
        chromium.show(path, width, dark=width == 390)
        assert chromium.value("document.documentElement.scrollWidth") <= width
        assert chromium.complaints() == []

    assert chromium.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    shown = "[...document.querySelectorAll('.rows-box')].filter(e => e.offsetParent).map(e => e.className)"
    assert chromium.value(shown) == ["rows-box of m0"]
    order = "[...document.querySelectorAll('.m1 .rows tbody tr')].filter(e => !e.hidden).map(e => e.id)"
    chromium.value("document.querySelector('#method-1').click()")
    assert chromium.value(shown) == ["rows-box of m1"]
    chromium.value("document.querySelector('.m1 th[data-first] button').click()")
    assert chromium.value(order) == ["row-1-1", "row-1-2", "row-1-3"]  # best similarity first
    sorted_by = "[...document.querySelectorAll('.m1 th')].map(e => e.getAttribute('aria-sort')).filter(Boolean)"
    assert chromium.value(sorted_by) == ["descending"]
    chromium.value("document.querySelector('.m1 th[data-first] button').click()")
    assert chromium.value(order) == ["row-1-3", "row-1-2", "row-1-1"]
    assert chromium.value(sorted_by) == ["ascending"]
    for head, first in ((1, "row-1-1"), (2, "row-1-2"), (3, "row-1-1")):  # by row, by class, by the text
        chromium.value(f"document.querySelector('.m1 th:nth-child({head}) button').focus()")
        chromium.press("Enter")
        assert chromium.value(order)[0] == first and chromium.value(sorted_by) == ["ascending"]
    chromium.value(
        "{ const s = document.querySelector('.m1 input[type=search]'); s.value = 'STORY 2';"
        " s.dispatchEvent(new Event('input')); }"
    )
    assert chromium.value(order) == ["row-1-2"]
    assert chromium.value("document.querySelector('.m1 output').textContent") == "1 of 3 rows"
    chromium.value(
        "{ const s = document.querySelector('.highlight select'); s.value = 'k1';"
        " s.dispatchEvent(new Event('change')); }"
    )
    assert chromium.value("document.querySelectorAll('.dim .row.lit').length") == 10
    assert chromium.complaints() == []
