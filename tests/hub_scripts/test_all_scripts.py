"""What holds for every script."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hub_stand_in import Fault

FOLDER = Path(__file__).parents[2] / "hub_scripts"
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py"))
# Arguments that are right, but for a target that nobody may write to.
FORBIDDEN = {
    "condense_dataset": ["me/source", "you/small", "--method", "random", "--per-class", "1"],
    "evaluate_condensed": ["you/small", "--against", "me/source"],
    "generate_dataset": [
        "me/source",
        "you/more",
        "--method",
        "prompt_template",
        "--total",
        "3",
        "--set",
        "llm=a@http://x",
    ],
    "publish_metrics": ["you", "--metrics", "fid"],
    "score_synthetic": ["me/source", "you/scored", "--quality-dataset", "me/source"],
    "select_coreset": ["me/source", "you/few", "--per-class", "1"],
}


def test_these_are_all_scripts():
    assert sorted(FORBIDDEN) == SCRIPTS


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_is_a_script_that_uv_runs_from_this_checkout(name):
    text = (FOLDER / f"{name}.py").read_text()
    block = re.match(r"# /// script\n((?:#.*\n)+?)# ///\n", text)
    metadata = tomllib.loads("\n".join(line.removeprefix("#").removeprefix(" ") for line in block[1].splitlines()))
    assert metadata["requires-python"] == ">=3.11" and metadata["dependencies"] == ["condensers[offline]"]
    place = FOLDER / metadata["tool"]["uv"]["sources"]["condensers"]["path"]
    assert (place / "pyproject.toml").is_file()
    assert f"\nuv run hub_scripts/{name}.py " in text


def test_help_loads_nothing_heavy():
    code = (
        "import runpy, sys\n"
        "for path in sys.argv[1:]:\n"
        "    sys.argv = [path, '--help']\n"
        "    try:\n"
        "        runpy.run_path(path, run_name='__main__')\n"
        "    except SystemExit as stop:\n"
        "        assert not stop.code\n"
        "loaded = {'condensers', 'datasets', 'huggingface_hub', 'numpy', 'torch', 'transformers'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    paths = [str(FOLDER / f"{name}.py") for name in SCRIPTS]
    ran = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    for name in SCRIPTS:
        assert f"uv run hub_scripts/{name}.py" in ran.stdout


@pytest.mark.hub
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_target_that_may_not_be_written_to_costs_nothing(name, hub, source, script, monkeypatch):
    for work in (
        "condensers.methods.condenser.prepare_source",
        "condensers.trainers.synthetic_scores.score_synthetic",
    ):
        monkeypatch.setattr(work, lambda *_, **__: pytest.fail("work was done"))
    before = set(hub.repositories)
    code, out, err = script(name, *FORBIDDEN[name])
    assert code == 2 and "error: " in err and "Traceback" not in err and not out
    assert set(hub.repositories) == before


@pytest.mark.hub
def test_a_run_that_fails_takes_its_repository_back(hub, source, script):
    hub.plant(Fault("commit", status=403))
    code, _, err = script("select_coreset", source, "me/few", "--per-class", "1", "--method", "random")
    assert code == 2 and "is gone again" in err
    assert ("dataset", "me/few") not in hub.repositories
