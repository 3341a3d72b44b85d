"""Fixtures of the report's tests."""

import shutil

import pytest
from report.browser import Chromium
from report.made_up import make_result, make_source, unit_vectors


@pytest.fixture
def news():
    """Sixty rows of three classes, their vectors, and six of them condensed."""
    names = ["World", "Sports", "Sci/Tech"]
    source = make_source([f"story {i} of {names[i % 3]}" for i in range(60)], [i % 3 for i in range(60)], names)
    vectors = unit_vectors(60)
    return source, vectors, make_result(source, vectors, [0, 1, 2, 33, 34, 35])


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if binary is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    browser = Chromium(binary, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()
