"""Two processes, started by torchrun on the CPU, train what one process trains."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent


def script(name):
    spec = importlib.util.spec_from_file_location(name, HERE / "launched" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPTS = [script("weighted"), script("baselines")]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def launch(tmp_path_factory):
    folders = {}

    def outcomes(launched):
        if launched not in folders:
            folders[launched] = run(launched.__file__, tmp_path_factory.mktemp("two"))
        return folders[launched]

    return outcomes


def run(path, folder):
    environment = os.environ | {
        "PYTHONPATH": str(HERE.parent),
        "OMP_NUM_THREADS": "1",
        "HF_DATASETS_CACHE": str(folder / "cache"),
    }
    # The scripts lie in a folder of their own: torchrun puts it first on the path, and this one has a conftest.
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run(
        [*torchrun, path, str(folder)], env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.parametrize(
    ("launched", "name"), [pytest.param(part, name, id=name) for part in SCRIPTS for name in part.CASES]
)
def test_two_processes_train_what_one_trains(launch, tmp_path, launched, name):
    two = torch.load(launch(launched) / f"{name}.pt")
    one = launched.train(name, tmp_path, world_size=1)
    (rtol, atol), relative = launched.TOLERANCES["model"], launched.TOLERANCES["losses"][0]
    for key, weight in one["model"].items():
        torch.testing.assert_close(
            two["model"][key], weight, rtol=rtol, atol=atol, msg=lambda text, key=key: f"{key}: {text}"
        )
    assert two["losses"] == pytest.approx(one["losses"], rel=relative)
    assert (one["weights"] is None) == (name in ("focal", "sft"))
    if one["weights"] is not None:
        rtol, atol = launched.TOLERANCES["weights"]
        torch.testing.assert_close(two["weights"], one["weights"], rtol=rtol, atol=atol)
