"""Who stands for whom, against the slow way, and on the page."""

import json
from dataclasses import replace

import numpy as np
import pytest
from datasets import List, Value
from report.made_up import make_result, make_source, unit_vectors
from report.parsing import parse

from condensers.embedding import Vectors
from condensers.errors import SettingError
from condensers.report import lineage as module
from condensers.report import write_report
from condensers.report.lineage import MAX_KIN, MAX_KIN_TEXT, trace_lineage
from condensers.report.page import render
from condensers.report.result import label_results


def trace(source, vectors, *results):
    return trace_lineage(label_results(results, source, vectors), source, vectors)


def with_parents(result, parents):
    rows = result.rows.remove_columns("condensed_parents")
    return replace(result, rows=rows.add_column("condensed_parents", parents, feature=List(Value("int64"))))


def data_of(page):
    return json.loads(next(s for s in parse(page).all("script") if s.attributes.get("id") == "lineage-data").text)


def test_each_source_row_has_the_nearest_condensed_row_of_its_class(news):
    source, vectors, result = news
    shards = Vectors([vectors[:25], vectors[25:]])  # read block by block, as from disk
    (found,) = trace(source, shards, result)
    codes = np.asarray(result.rows["label"])
    for i in range(60):
        cosines = np.where(codes == source.codes[i], result.vectors @ vectors[i], -2)
        assert found.owners[i] == cosines.argmax()
        assert found.similarity[i] == pytest.approx(cosines.max(), abs=1e-6)
    assert found.sizes.tolist() == np.bincount(found.owners, minlength=6).tolist()


def test_the_nearest_are_shown_and_the_nearest_of_them_first(news):
    source, vectors, result = news
    (found,) = trace(source, vectors, result)
    for row, kin in enumerate(found.kin):
        own = np.flatnonzero(found.owners == row)
        nearest = own[np.argsort(-found.similarity[own], kind="stable")][:MAX_KIN].tolist()
        assert [k.position for k in kin] == nearest
        assert [k.parent for k in kin] == [k.position == [0, 1, 2, 33, 34, 35][row] for k in kin]
        assert [k.similarity for k in kin] == pytest.approx(found.similarity[nearest], abs=1e-6)


def test_a_parent_that_another_row_stands_for_is_shown_too():
    source = make_source([f"text {i}" for i in range(4)])
    vectors = np.asarray([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1]], dtype=np.float32)
    result = with_parents(make_result(source, vectors, [0, 3]), [[0, 2, 77], [3]])  # 77 is no row of the source
    (found,) = trace(source, vectors, result)
    assert found.owners.tolist() == [0, 0, 1, 1] and found.n_parents == [2, 1]
    assert [(k.position, round(k.similarity, 6), k.parent) for k in found.kin[0]] == [
        (0, 1.0, True),
        (1, 0.8, False),
        (2, 0.6, True),
    ]


def test_parents_are_numbered_as_in_the_dataset_before_repeats_were_dropped():
    source = make_source([f"text {i}" for i in range(4)])
    source = replace(source, source_index=np.asarray([0, 10, 20, 30]))
    vectors = unit_vectors(4)
    result = with_parents(make_result(source, vectors, [1]), [[10]])
    (found,) = trace(source, vectors, result)
    assert [k.position for k in found.kin[0] if k.parent] == [1]
    data = data_of(render(title="T", source=source, vectors=vectors, results=[result]))
    assert sorted(text[0] for text in data["texts"]) == [0, 10, 20, 30]
    assert sorted(data["numbers"]) == [0, 10, 20, 30]


def test_a_class_without_condensed_rows_has_nobody(news):
    source, vectors, _ = news
    (found,) = trace(source, vectors, make_result(source, vectors, [0, 1]))
    assert (found.owners[source.codes == 2] == -1).all() and np.isnan(found.similarity[source.codes == 2]).all()
    page = render(title="T", source=source, vectors=vectors, results=[make_result(source, vectors, [0, 1])])
    data = data_of(page)
    owners = data["methods"][0]["owners"]
    assert [owner == 0 for owner in owners] == [number % 3 == 2 for number in data["numbers"]]


def test_what_the_page_holds_of_the_source_is_bounded(monkeypatch):
    source = make_source([f"text {i} " + "word " * 500 for i in range(120)])
    vectors = unit_vectors(120)
    result = with_parents(make_result(source, vectors, range(10)), [list(range(20, 120))] * 10)
    monkeypatch.setattr(module, "MAX_KIN_IN_ALL", 40)
    for n_methods, n_shown in ((1, 4), (2, 2), (6, 1)):
        found = trace(source, vectors, *[result] * n_methods)
        every = [kin for lineage in found for kin in lineage.kin]
        assert all(n_shown <= len(kin) <= 2 * n_shown for kin in every)
        assert all({k.position for k in kin} >= set(range(20, 20 + n_shown)) for kin in every)
    data = data_of(render(title="T", source=source, vectors=vectors, results=[result, result]))
    assert len(data["texts"]) <= 2 * 40
    assert max(len(text) for _, _, text in data["texts"]) <= MAX_KIN_TEXT
    assert len({tuple(text) for text in data["texts"]}) == len(data["texts"])  # two methods, one text


def test_rows_of_a_private_run_show_no_source(news):
    source, vectors, result = news
    private = replace(result, run=replace(result.run, privacy={"withheld": True, "statement": "private"}))
    with pytest.raises(SettingError, match="private, and a report shows the source"):
        render(title="T", source=source, vectors=vectors, results=[result, private])


LIT = "[...document.querySelectorAll('.map use.lit')].length"
PANEL = "document.querySelector('#lineage').innerText"
EXPANDED = "[...document.querySelectorAll('[aria-expanded=true]')].map(e => e.closest('tr').id)"


@pytest.fixture
def page(news, tmp_path):
    source, vectors, result = news
    path = tmp_path / "report.html"
    return write_report(path, title="T", source=source, vectors=vectors, results=[result]), *trace(
        source, vectors, result
    )


@pytest.mark.parametrize("width", [390, 1280])
def test_a_row_that_is_clicked_shows_the_source_rows_it_stands_for(page, chromium, width):
    path, found = page
    chromium.show(path, width)
    assert chromium.value("document.querySelector('#lineage').hidden")
    chromium.click("#row-0-5 td.text")
    size, nearest = found.sizes[4], found.kin[4]
    said = chromium.value("document.querySelector('.inline').innerText")
    assert f"Stands for {size} source rows of its class{'; 8 of them are below' if size > 8 else ''}." in said
    assert "made from this" in said
    parts = "[...e.querySelectorAll('.cosine, .what')].map(part => part.textContent)"
    shown = chromium.value(f"[...document.querySelectorAll('.inline li')].map(e => {parts})")
    assert shown == [[f"{k.similarity:.3f}", f"story {k.position} of Sports"] for k in nearest]
    assert chromium.value("document.querySelector('.inline').previousElementSibling.id") == "row-0-5"
    assert chromium.value(PANEL).startswith("Condensed row 5")
    assert chromium.value(LIT) == size + 1  # all 60 source rows are on the map; and the row itself
    assert chromium.value(EXPANDED) == ["row-0-5"]
    assert chromium.value("document.documentElement.scrollWidth") <= width
    chromium.click("#row-0-5 td.text")
    assert chromium.value(EXPANDED) == [] and chromium.value(LIT) == 0
    assert chromium.value("document.querySelector('#lineage').hidden")
    assert chromium.complaints() == []


def test_a_row_opens_by_keyboard_and_stays_with_its_row(page, chromium):
    path, found = page
    chromium.show(path, 1280)
    chromium.value("document.querySelector('#row-0-2 button').focus()")
    chromium.press("Enter")
    assert chromium.value(EXPANDED) == ["row-0-2"]
    assert chromium.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    above = "document.querySelector('.inline')?.previousElementSibling.id ?? null"
    chromium.click("th[data-first] button")
    chromium.click("th[data-first] button")
    assert chromium.value("document.querySelector('tbody tr').id") == "row-0-6" and chromium.value(above) == "row-0-2"
    chromium.value("document.querySelector('input[type=search]').focus()")
    for letter in "tech":
        chromium.press(letter)
    assert chromium.value("document.querySelector('output').textContent") == "2 of 6 rows"
    assert chromium.value(above) is None
    chromium.click("#lineage a")  # to its place in the table, which the search must give back
    assert chromium.value("document.querySelector('output').textContent") == "6 of 6 rows"
    assert chromium.value(above) == "row-0-2" and chromium.value("location.hash") == "#row-0-2"
    chromium.press("Escape")
    assert chromium.value(EXPANDED) == [] and chromium.value(above) is None
    assert chromium.complaints() == []


@pytest.mark.parametrize("width", [390, 1280])
def test_on_the_map_rows_and_source_rows_are_chosen(page, chromium, width):
    path, found = page
    chromium.show(path, width)
    chromium.click('.map a[href="#row-0-3"] use')
    assert chromium.value(PANEL).startswith("Condensed row 3") and chromium.value(EXPANDED) == ["row-0-3"]
    assert chromium.value("location.hash") == ""  # the map stays in view
    # A source row that lies apart from all others is chosen by a click beside it.
    beside = chromium.value(
        "(() => { document.querySelector('.map').scrollIntoView({block: 'center', behavior: 'instant'});"
        " const boxes = [...document.querySelectorAll('.map use')].map(e => [e, e.getBoundingClientRect()]);"
        " const spots = boxes.map(([e, box]) => [e, box.x + box.width / 2, box.y + box.height / 2]);"
        " const alone = ([e, x, y]) => spots.every(([o, u, v]) => o === e || Math.hypot(x - u, y - v) > 16);"
        " const [found, x, y] = spots.filter(([e]) => e.matches('.row')).find(alone);"
        " return [x + 6, y, found.textContent]; })()"
    )
    chromium.click_at(*beside[:2])
    number = int(beside[2].split()[2])
    said = chromium.value(PANEL)
    assert said.startswith(f"Source row {number} ") and f"story {number} of" in said
    owner, cosine = int(found.owners[number]), found.similarity[number]
    assert f"Condensed row {owner + 1} stands for it, at a cosine of {cosine:.3f}." in said
    assert chromium.value(EXPANDED) == [f"row-0-{owner + 1}"]
    chromium.click("#lineage button")
    assert chromium.value("document.querySelector('#lineage').hidden") and chromium.value(LIT) == 0
    assert chromium.complaints() == []


def test_arrows_go_from_mark_to_mark_and_enter_chooses(page, chromium):
    path, _ = page
    chromium.show(path, 1280)
    stops = "[...document.querySelectorAll('.map a')].filter(e => e.tabIndex === 0).map(e => e.getAttribute('href'))"
    assert chromium.value(stops) == ["#row-0-1"]
    chromium.value("document.querySelector('.map a').focus()")
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowLeft"):
        chromium.press(key)
    assert chromium.value(stops) == ["#row-0-6"]
    chromium.press("Enter")
    assert chromium.value(EXPANDED) == ["row-0-6"]


def test_another_method_has_lineages_of_its_own(news, chromium, tmp_path):
    source, vectors, result = news
    other = make_result(source, vectors, [9, 10], method="random")
    path = write_report(tmp_path / "r.html", title="T", source=source, vectors=vectors, results=[result, other])
    chromium.show(path, 1280)
    chromium.click("#row-0-1 td.text")
    chromium.value("document.querySelector('#method-1').click()")
    assert chromium.value("document.querySelector('#lineage').hidden") and chromium.value(EXPANDED) == []
    lone = next(i for i in range(60) if i % 3 == 2)  # the other method has no row of its class
    chromium.value(
        f"[...document.querySelectorAll('.map use.row')].find(e => e.textContent.includes('story {lone} of'))"
        ".dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    assert "No condensed row of its class stands for it." in chromium.value(PANEL)
    chromium.click("#row-1-2 td.text")
    (found,) = trace(source, vectors, other)
    assert f"Stands for {found.sizes[1]} source rows" in chromium.value(PANEL)
    assert chromium.complaints() == []
