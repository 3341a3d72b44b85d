"""The reference leaves nothing out."""

import re
from importlib import import_module
from inspect import getmembers, isclass

import pytest
from documents import ROOT

import condensers

REFERENCE = ROOT / "docs" / "reference"
ROOMS = ("embedding", "llm", "placement", "selection", "inversion", "refinement", "metrics", "evaluation")


def directives(kind):
    pages = "\n".join(page.read_text(encoding="utf-8") for page in sorted(REFERENCE.glob("*.rst")))
    return re.findall(rf"^\.\. auto(?:{kind}):: (\S+)$", pages, re.MULTILINE)


def test_every_public_name_is_described_once():
    described = [name for name in directives("class|function|exception") if "." not in name]
    assert sorted(described) == sorted(condensers.__all__)


@pytest.mark.parametrize("room", ROOMS)
def test_the_protocols_of_a_room_are_described(room):
    module = import_module(f"condensers.{room}")
    assert module.__name__ in directives("module")
    protocols = {
        name
        for file in sorted((ROOT / "src" / "condensers" / room).rglob("*.py"))
        for name in re.findall(r"^class ([A-Z]\w*)\(.*\bProtocol\)", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert protocols and protocols <= set(module.__all__)


def test_every_error_is_described():
    from condensers import errors

    leaves = {name for name, _ in getmembers(errors, isclass) if name.endswith("Error")}
    assert errors.__name__ in directives("module") and leaves == set(errors.__all__)


def test_every_page_of_the_reference_is_in_its_table():
    listed = re.findall(r"^   (\w+)$", (REFERENCE / "index.rst").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(page.stem for page in REFERENCE.glob("*.rst") if page.stem != "index")


def test_every_measured_table_is_a_page():
    tables = {table.stem for table in (ROOT / "benchmarks" / "results").glob("*.md")}
    pages = ROOT / "docs" / "results"
    assert {page.stem for page in pages.glob("*.md")} - {"index"} == tables
    listed = re.findall(r"^(\w+)$", (pages / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(tables)
    for name in tables:
        assert f"benchmarks/results/{name}.md" in (pages / f"{name}.md").read_text(encoding="utf-8")


def test_figures_of_the_page_on_methods_stand_in_the_tables_it_names():
    page = (ROOT / "docs" / "which_method.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if re.search(r"\(results/\w+\.md\)", line)]
    n_figures = 0
    for row in rows:
        (table,) = re.findall(r"\(results/(\w+)\.md\)", row)
        known = re.findall(r"\d+\.\d+", (ROOT / "benchmarks" / "results" / f"{table}.md").read_text(encoding="utf-8"))
        figures = re.findall(r"\d+\.\d+", row)
        assert set(figures) <= set(known), row
        n_figures += len(figures)
    assert n_figures > 8
