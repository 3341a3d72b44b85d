"""The README's Python runs, and prints what the README says."""

import contextlib
import io
import re
from pathlib import Path

import pytest
from documents import ROOT, read_blocks

README = ROOT / "README.md"


@pytest.mark.models
def test_the_example_prints_what_the_readme_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = read_blocks(README, "python")
    printed = io.StringIO()
    names = {}
    with contextlib.redirect_stdout(printed):
        exec(blocks[0].code, names)
    assert printed.getvalue() == blocks[0].shown
    exec(blocks[1].code, names)
    assert names["small"]["label"][:] == list(range(8))
    assert len(names["larger"]) == 40
    exec(blocks[2].code, names)
    exec(blocks[3].code, names)
    assert names["trainer"].row_weights_.weights.shape == (1, 64)
    assert Path("weights.png").stat().st_size > 10_000
    monkeypatch.setattr("evaluate.config.HF_MODULES_CACHE", str(tmp_path / "modules"))
    exec(blocks[4].code, names)
    assert names["found"]["mauve_informative"] is True


@pytest.mark.models("smollm2")
def test_the_language_model_says_what_the_readme_shows(smollm2, monkeypatch, capsys):
    monkeypatch.setattr("condensers.llm.loading.bundled_llm", lambda: smollm2)
    block = read_blocks(README, "python")[5].code
    exec(block, {})
    assert capsys.readouterr().out.strip() == re.search(r"print\(.*\)  # (.*)", block).group(1)
