"""The page for those who read with a keyboard, a screen reader, in the dark, or on paper."""

import pytest
from report.made_up import make_result, make_scores, make_source, unit_vectors

from condensers.report import write_report

# Contrast of two colours by WCAG 2.2, of what is written on what lies behind it.
CONTRAST = """
(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => numbers(colour).slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (let at = e; at; at = at.parentElement) {
      const [, , , opaque = 1] = numbers(getComputedStyle(at).backgroundColor);
      if (opaque === 1) return getComputedStyle(at).backgroundColor;
    }
  };
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const written = (e) => [...e.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  const seen = (e) => e.checkVisibility() && e.getClientRects().length;
  const words = [...document.querySelectorAll("body *:not(title, script)")].filter((e) => written(e) && seen(e));
  const paint = (e) => getComputedStyle(e)[e.closest("svg") ? "fill" : "color"];
  const shapes = [...document.querySelectorAll("svg use, rect.fill, rect.fill-quiet, circle.mean")].filter(seen);
  const all = [...words.map((e) => [e, paint(e), 4.5]), ...shapes.map((e) => [e, getComputedStyle(e).fill, 3])]
    .filter(([e, colour]) => colour !== "none");
  return [all.length, ...all.map(([e, colour, least]) => [e.outerHTML.slice(0, 90), ratio(colour, behind(e)), least])
    .filter(([, found, least]) => found < least)];
})()
"""


@pytest.fixture
def path(tmp_path):
    names = [f"class {i}" for i in range(9)]
    source = make_source([f"story {i} " + "more " * (i * 10) for i in range(45)], [i % 9 for i in range(45)], names)
    vectors = unit_vectors(45)
    results = [
        make_result(source, vectors, range(n), method=method, scores=[make_scores("probe", 0.6, 0.7)])
        for method, n in (("random", 9), ("random", 18), ("k_center", 9))
    ]
    return write_report(tmp_path / "r.html", title="T", source=source, vectors=vectors, results=results)


@pytest.mark.parametrize("dark", [False, True])
def test_words_and_marks_stand_out_from_what_is_behind_them(path, chromium, dark):
    chromium.show(path, 1280, dark=dark)
    chromium.click("#row-0-3 td.text")  # so that the panels are seen, too
    n_seen, *faint = chromium.value(CONTRAST)
    assert n_seen > 300 and faint == []


def test_every_control_has_a_name(path, chromium):
    chromium.show(path, 1280)
    chromium.click("#row-0-3 td.text")
    nodes = [node for node in chromium.send("Accessibility.getFullAXTree")["nodes"] if not node["ignored"]]
    named = {}
    for node in nodes:
        named.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    assert {"button", "link", "radio", "searchbox", "combobox", "image", "columnheader"} <= set(named)
    for role in ("button", "link", "radio", "searchbox", "combobox", "image", "columnheader"):
        assert all(named[role]), (role, named[role])
    assert "Row 3: its source rows" in named["button"] and "Search" in named["searchbox"]
    assert any(name.startswith("Condensed row 3, class 2: story 2") for name in named["link"])


def test_the_keyboard_reaches_everything_and_shows_where_it_is(path, chromium):
    chromium.show(path, 1280)
    where = (
        "(() => { const e = document.activeElement, s = getComputedStyle(e), m = e.querySelector?.('use.mark');"
        " return [e.tagName, e.closest('section')?.querySelector('h2').textContent ?? '',"
        " s.outlineStyle !== 'none' || parseFloat(getComputedStyle(m ?? e).strokeWidth) >= 4"
        " || getComputedStyle(e.parentElement).outlineStyle !== 'none']; })()"
    )
    stops = []
    for _ in range(40):
        chromium.press("Tab")
        stops.append(chromium.value(where))
    stops = stops[: [tag for tag, *_ in stops].index("BODY")]  # after which it begins anew
    assert [stop for stop in stops if not stop[2]] == []
    reached = {(tag, section) for tag, section, _ in stops}
    assert {("INPUT", ""), ("SELECT", "Map"), ("a", "Map"), ("INPUT", "Condensed rows")} <= reached
    assert sum(stop[:2] == ["a", "Map"] for stop in stops) == 1  # one stop for all marks of the map
    # Heads of the columns, then each row.
    assert [stop[:2] for stop in stops].count(["BUTTON", "Condensed rows"]) == 6 + 9


def test_nothing_moves_for_those_who_do_not_want_it(path, chromium):
    chromium.show(path, 1280)
    fade = "getComputedStyle(document.querySelector('.map use')).transitionDuration"
    assert chromium.value(fade) == "0.15s"
    chromium.pretend(still=True)
    assert chromium.value(fade) == "0s"


def test_on_paper_texts_are_unfolded_and_controls_are_gone(path, chromium):
    chromium.show(path, 1280, dark=True)
    chromium.value("document.querySelector('#method-1').click()")
    chromium.click("#row-1-18 td.class")
    words = "document.querySelector('#row-1-18 td.text').innerText.trim().split(/\\s+/).length"
    assert chromium.value(words) < 100
    chromium.pretend("print", dark=True)
    assert chromium.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    controls = "input[type=search], .tools select, .lineage button, .hint"
    shown = f"[...document.querySelectorAll('{controls}')].filter(e => e.checkVisibility()).length"
    assert chromium.value(shown) == 0
    assert chromium.value(words) == 2 + 170
    assert chromium.value("document.querySelector('.inline li').checkVisibility()")
