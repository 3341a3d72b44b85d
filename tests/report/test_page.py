"""The page as a whole: whole in itself, escaped, the same each time, complete."""

import json
import re

import numpy as np
import pytest
from report.made_up import make_result, make_scores, make_source, unit_vectors
from report.parsing import parse

from condensers.errors import ColumnError, RowError, SettingError, StorageError
from condensers.report import write_report
from condensers.report.accuracy import draw_accuracy
from condensers.report.page import render
from condensers.report.result import label_results

HOSTILE = [
    "<script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %} {# gone #}",
    '"><img src=x onerror=alert(1)>',
    "</style></title></svg><b>bold</b>",
    "a & b &amp; c &#39;",
]


def page_of(source, vectors, *results, **options):
    return render(title="A title", source=source, vectors=vectors, results=results, **options)


def table_cells(page, method=0):
    table = parse(page).all("table", "rows")[method]
    return [row.all("td") for row in table.all("tbody")[0].all("tr")]


def assert_whole(page):
    """Nothing comes from elsewhere, every element is closed, and every number is one."""
    root = parse(page)
    ids = [element.attributes["id"] for element in root.all() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    for element in root.all():
        target = element.attributes.get("href", "")
        assert not target.startswith("#") or target[1:] in ids, target
        for name, value in element.attributes.items():
            if name in ("href", "src", "xlink:href", "action", "srcset"):
                assert value.startswith(("#", "data:")), (element.tag, value)
            if element.tag in ("svg", "use", "rect", "line", "circle", "text", "path", "tspan"):
                assert not re.search(r"\b(nan|inf|None)\b", value or "", re.IGNORECASE), (element.tag, name, value)
        if element.tag in ("rect",):
            assert float(element.attributes["width"].rstrip("%")) >= 0
            assert float(element.attributes["height"]) >= 0
    style = "".join(element.text for element in root.all("style"))
    assert "@import" not in style and not re.search(r"url\(", style)
    return root


def test_it_is_whole_and_says_what_was_done(news):
    source, vectors, result = news
    root = assert_whole(page_of(source, vectors, result))
    assert root.all("h1")[0].text == root.all("title")[0].text == "A title"
    facts = {div.all("dt")[0].text: div.all("dd")[0].text for div in root.all("dl")[0].all("div")}
    assert facts["Source"] == "me/rowssplit train"
    assert facts["Rows"] == "60" and facts["Embedder"] == "words8 dimensions"
    assert facts["Made with"] == "condensers 0.1.0"
    assert "k_center condensed 60 rows to 6." in " ".join(root.all("p", "lede")[0].text.split())
    settings = json.loads(root.all("pre")[0].text)
    assert settings == json.loads(json.dumps(result.run.to_json()))


def test_numbers_of_the_table_are_those_of_the_rows(news):
    source, vectors, result = news
    names = ["World", "Sports", "Sci/Tech", "World", "Sports", "Sci/Tech"]
    cells = table_cells(page_of(source, vectors, result))
    assert [cell.text for row in cells for cell in row[:1]] == ["1", "2", "3", "4", "5", "6"]
    assert [row[1].text.strip() for row in cells] == names
    assert [row[2].text for row in cells] == result.rows["text"][:]
    assert [row[3].text for row in cells] == [f"{value:.3f}" for value in result.rows["condensed_similarity"]]
    assert [row[3].attributes["data-v"] for row in cells] == [str(v) for v in result.rows["condensed_similarity"]]
    assert [row[4].text for row in cells] == [str(size) for size in result.rows["condensed_cluster_size"]]
    assert [row[5].text for row in cells] == ["0", "1", "2", "33", "34", "35"]


def test_distances_are_those_to_the_nearest_row_of_the_class(news):
    source, vectors, result = news
    distances = [
        1
        - max(row @ other for other, label in zip(result.vectors, result.rows["label"], strict=True) if label == code)
        for row, code in zip(vectors, source.codes, strict=True)
    ]
    label = next(svg.attributes["aria-label"] for svg in parse(page_of(*news)).all("svg", "chart"))
    median, within = np.quantile(distances, [0.5, 0.95])
    assert label == f"k_center: median distance {median:.3f}, 95 of 100 rows within {within:.3f}"


def test_text_of_rows_is_text():
    source = make_source(HOSTILE * 3, [0, 1, 0, 1, 0] * 3, ["<i>a</i>", "{{ b }}"])
    vectors = unit_vectors(15)
    result = make_result(source, vectors, [0, 1, 2, 3, 4], method="<u>m</u>", versions={"condensers": "<s>1</s>"})
    page = render(title="<em>{{ title }}</em>", source=source, vectors=vectors, results=[result])
    root = assert_whole(page)
    assert [row[2].text for row in table_cells(page)] == HOSTILE
    data, script = root.all("script")
    assert data.attributes["type"] == "application/json" and script.text.startswith('"use strict"')
    assert {text for _, _, text in json.loads(data.text)["texts"]} == set(HOSTILE)
    for tag in ("img", "b", "i", "u", "s", "em"):
        assert not root.all(tag)
    assert root.all("h1")[0].text == "<em>{{ title }}</em>"
    titles = {title.text for title in root.all("title")}
    assert "<i>a</i>: <script>alert(1)</script>" in titles and "49" not in " ".join(titles)


def test_only_our_script_may_run(news):
    import base64
    import hashlib

    root = parse(page_of(*news))
    policy = next(e.attributes["content"] for e in root.all("meta") if "http-equiv" in e.attributes)
    digest = base64.b64encode(hashlib.sha256(root.all("script")[-1].text.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy and "default-src 'none'" in policy


def test_same_input_same_bytes_and_the_file_is_whole(news, tmp_path):
    source, vectors, result = news
    options = {"title": "A title", "source": source, "vectors": vectors, "results": [result]}
    first = write_report(tmp_path / "a" / "report.html", **options)
    second = write_report(tmp_path / "report.html", **options)
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in first.parent.iterdir()) == ["report.html"]
    other = write_report(tmp_path / "report.html", **options, seed=1)
    assert other.read_bytes() != first.read_bytes()


def test_several_methods_stand_beside_each_other(news):
    source, vectors, _ = news
    scores = [
        (
            make_scores("linear probe", 0.70, 0.72, 0.74),
            make_scores(
                "TextRNN",
                0.60,
            ),
        ),
        (make_scores("linear probe", 0.80, 0.81, 0.82),),
    ]
    results = [
        make_result(source, vectors, [0, 1, 2], method="random", scores=scores[0], similarity=0.4),
        make_result(source, vectors, [3, 4, 5, 6, 7, 8], method="k_center", scores=scores[1], similarity=0.625),
    ]
    page = page_of(source, vectors, *results)
    root = assert_whole(page)
    table = root.all("table", "compare")[0]
    printed = [[cell.text for cell in row.all("th") + row.all("td")] for row in table.all("tbody")[0].all("tr")]
    assert printed == [
        ["random", "3", "1.25 s", "72.0 ± 2.0n = 3", "60.0n = 1", "0.400"],
        ["k_center", "6", "1.25 s", "81.0 ± 1.0 (best)n = 3", "–", "0.625 (best)"],
    ]
    assert len(root.all("input")) - len(root.all("table", "rows")) == 2
    for i, n in enumerate((3, 6)):
        assert len(table_cells(page, i)) == n
        group = next(g for g in root.all("g") if f"m{i}" in g.classes)
        assert len(group.all("use", "mark")) == n
        assert f"#method-{i}:checked" in page
    probe = next(svg for svg in root.all("svg", "chart") if "linear probe" in svg.attributes["aria-label"])
    assert [len(probe.all("circle", css)) for css in ("mean", "seed")] == [2, 6]


def test_all_rows_are_a_line_in_the_chart_of_their_learner(news):
    source, vectors, _ = news
    results = [make_result(source, vectors, range(6), method="k_center", scores=[make_scores("probe", 0.6, 0.7)])]
    (panel,) = draw_accuracy(label_results(results, source, vectors), [make_scores("probe", 0.95)])
    low, high = (float(tick.text[:-1]) for tick in (panel.ticks[0], panel.ticks[-1]))
    assert low + (high - low) * panel.ceiling.at / 100 == pytest.approx(95, abs=0.1)
    page = render(title="T", source=source, vectors=vectors, results=results, ceilings=[make_scores("probe", 0.95)])
    assert "The dotted line: all rows 95.0%, trained once." in page and page.count('<line class="ceiling"') == 1


def test_one_method_shows_its_figures(news):
    source, vectors, _ = news
    result = make_result(source, vectors, [0, 1, 2], scores=[make_scores("linear probe", 0.5, 0.52)], similarity=0.25)
    root = assert_whole(page_of(source, vectors, result))
    figures = {
        div.all("dt")[0].text: [span.text for span in div.all("span")]
        for div in root.all("dl", "figures")[0].all("div")
    }
    assert figures["Condensed rows"] == ["3", "5.0% of the source"]
    assert figures["Accuracy, linear probe"] == ["51.0 ± 1.4", "%, 2 seeds"]
    assert figures["Similarity"][0] == "0.250" and figures["Time"][0] == "1.25 s"
    assert not root.all("table", "compare") and not root.all("input")[0].attributes["type"] == "radio"


def test_two_results_of_one_method_are_told_apart(news):
    source, vectors, result = news
    root = assert_whole(page_of(source, vectors, result, result))
    names = [row.all("th")[0].text for row in root.all("table", "compare")[0].all("tbody")[0].all("tr")]
    assert names == ["k_center (1)", "k_center (2)"]


def test_pairs_have_a_column_each():
    pairs = [(f"premise {i}", f"hypothesis {i}") for i in range(20)]
    source = make_source(pairs, [i % 2 for i in range(20)], ["no", "yes"], columns=("premise", "hypothesis"))
    vectors = unit_vectors(20)
    page = page_of(source, vectors, make_result(source, vectors, [4, 5]))
    assert_whole(page)
    heads = [head.text for head in parse(page).all("table", "rows")[0].all("th")]
    assert heads == ["Row", "Class", "premise", "hypothesis", "Similarity", "Stands forrows", "Source rows"]
    assert [[cell.text for cell in row[2:4]] for row in table_cells(page)] == [list(pairs[4]), list(pairs[5])]


def test_unlabelled_rows_have_neither_classes_nor_balance():
    source = make_source([f"text {i}" for i in range(30)])
    vectors = unit_vectors(30)
    page = page_of(source, vectors, make_result(source, vectors, [1, 2]))
    root = assert_whole(page)
    assert [head.text for head in root.all("h2")] == ["Map", "Distance to the condensed rows"] + [
        "Condensed rows",
        "Settings",
    ]
    assert "all rows" not in page and not root.all("select")
    assert [row[1].text for row in table_cells(page)] == ["text 1", "text 2"]


def test_without_provenance_the_table_says_so(news):
    source, vectors, _ = news
    page = page_of(source, vectors, make_result(source, vectors, [0, 1, 2], provenance=False))
    root = assert_whole(page)
    assert [head.text for head in root.all("table", "rows")[0].all("th")] == ["Row", "Class", "text"]
    assert "without provenance" in page


def test_long_texts_fold_and_nothing_is_lost(news):
    long = "\n".join(f"line {i} " + "word " * 20 for i in range(40)) + "  end"
    source = make_source([long, *(f"t{i}" for i in range(11))], [i % 2 for i in range(12)], ["a", "b"])
    vectors = unit_vectors(12)
    page = page_of(source, vectors, make_result(source, vectors, [0, 1]))
    cell = table_cells(page)[0][2]
    summary = cell.all("summary")[0].text
    assert cell.text.replace(summary, "", 1) == long
    assert re.fullmatch(r"… [\d,]+ more characters", summary)


def test_every_class_and_every_row_is_there():
    names = [f"class number {i}" for i in range(40)]
    labels = [i % 40 for i in range(200)]
    source = make_source([f"text {i}" for i in range(200)], labels, names)
    vectors = unit_vectors(200)
    page = page_of(source, vectors, make_result(source, vectors, list(range(40))))
    root = assert_whole(page)
    marks = [mark for group in root.all("g", "kept") for mark in group.all("use")]
    assert {next(c for c in mark.classes if re.fullmatch(r"k\d+", c)) for mark in marks} == {
        f"k{i}" for i in range(40)
    }
    looks = {(mark.attributes["href"], mark.classes[-1]) for mark in marks}
    assert len(looks) == 29  # 28 of their own, and the grey that twelve share
    shown = {text.text for svg in root.all("svg", "chart") for text in svg.all("title")}
    assert set(names) <= shown
    assert root.all("ul", "legend")[0].all("li")[-1].text == "12 more classes"
    assert root.all("details", "more")[0].all("summary")[0].text == "28 smaller classes"
    assert [row[1].text for row in table_cells(page)] == names


@pytest.mark.parametrize(("n", "dim"), [(1, 1), (1, 5), (2, 1), (2, 5), (3, 2), (9, 5), (10, 1), (10, 5)])
def test_few_rows_and_few_dimensions(n, dim):
    source = make_source([f"text {i}" for i in range(n)])
    vectors = unit_vectors(n, dim)
    assert_whole(page_of(source, vectors, make_result(source, vectors, [0], similarity=None)))


def test_equal_vectors_lie_on_one_point():
    source = make_source([f"text {i}" for i in range(12)], [i % 2 for i in range(12)], ["a", "b"])
    vectors = np.ones((12, 4), dtype=np.float32) / 2
    root = assert_whole(page_of(source, vectors, make_result(source, vectors, [0, 1])))
    assert {(mark.attributes["x"], mark.attributes["y"]) for mark in root.all("use", "row")} == {("50.0%", "50.0%")}


def test_a_class_without_condensed_rows_is_reported(news):
    source, vectors, _ = news
    root = assert_whole(page_of(source, vectors, make_result(source, vectors, [0, 1])))
    assert "20 rows left out: no condensed row of their class." in root.text
    world = next(svg for svg in root.all("svg", "chart") if svg.attributes["aria-label"].startswith("Class shares"))
    assert "Sci/Tech 33.3% of the source, 0.0% of the condensed rows" in world.attributes["aria-label"]


def test_a_learner_that_failed_leaves_a_dash(news):
    source, vectors, _ = news
    scores = [
        (make_scores("probe", float("nan")),),
        (
            make_scores(
                "probe",
                0.5,
            ),
        ),
    ]
    results = [make_result(source, vectors, [0, 1, 2], method=f"m{i}", scores=scores[i]) for i in range(2)]
    root = assert_whole(page_of(source, vectors, *results))
    rows = root.all("table", "compare")[0].all("tbody")[0].all("tr")
    assert [row.all("td")[2].text for row in rows] == ["–", "50.0n = 1"]


def test_mistakes_are_named(news, tmp_path):
    source, vectors, result = news
    with pytest.raises(SettingError, match="at least one method"):
        page_of(source, vectors)
    with pytest.raises(RowError, match="60 source rows; got 59"):
        page_of(source, vectors[:59], result)
    with pytest.raises(RowError, match=r"shape \(6, 4\)"):
        page_of(source, vectors[:, :4], result)
    with pytest.raises(RowError, match="NaN"):
        page_of(source, np.full_like(vectors, np.nan), result)
    with pytest.raises(RowError, match="no rows"):
        page_of(source, vectors, make_result(source, vectors, []))
    other = make_source(["x", "y"], [0, 1], ["a", "b"], columns=("sentence",))
    with pytest.raises(ColumnError, match="no column 'text'"):
        page_of(source, vectors, make_result(other, vectors, [0, 1]))
    with pytest.raises(StorageError, match=r"could not write the report .*file/report.html"):
        (tmp_path / "file").write_text("")
        write_report(tmp_path / "file" / "report.html", title="t", source=source, vectors=vectors, results=[result])


def test_a_label_of_another_source_is_named(news):
    source, vectors, _ = news
    other = make_source(["x", "y"], [3, 4], ["World", "Sports", "Sci/Tech", "Food", "Music"])
    with pytest.raises(RowError, match="holds 3, which is no class of the source"):
        page_of(source, vectors, make_result(other, vectors, [0, 1]))
