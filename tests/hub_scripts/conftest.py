"""A script as a function, and a dataset on the stand-in Hub for it to read."""

import runpy
from pathlib import Path

import pytest
from conftest import make_rows
from word_embedder import WordEmbedder

FOLDER = Path(__file__).parents[2] / "hub_scripts"


@pytest.fixture
def script(monkeypatch, capsys, tmp_path):
    """Runs a script with arguments; gives its exit code, what it printed, and what it complained of."""
    monkeypatch.chdir(tmp_path)
    for place in ("condensers.methods.condenser", "condensers.embedding"):
        monkeypatch.setattr(f"{place}.load_embedder", lambda *args, **given: WordEmbedder())

    def run(name, *arguments):
        code = 0
        try:
            runpy.run_path(str(FOLDER / f"{name}.py"))["main"]([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


@pytest.fixture
def source(hub):
    """``me/source``: three classes, with a test split."""
    make_rows(8).push_to_hub("me/source", split="train", private=True)
    make_rows(4, seed=1).push_to_hub("me/source", split="test", private=True)
    return "me/source"
