"""Two processes, started by torchrun on the CPU, train what one process trains."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent
# In a folder of its own, since torchrun puts the script's folder first on the path and this one has a conftest.
SCRIPT = HERE / "launched" / "baselines_two_processes.py"

spec = importlib.util.spec_from_file_location("baselines_two_processes", SCRIPT)
launched = importlib.util.module_from_spec(spec)
spec.loader.exec_module(launched)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    environment = os.environ | {
        "PYTHONPATH": str(HERE.parent),
        "OMP_NUM_THREADS": "1",
        "HF_DATASETS_CACHE": str(folder / "cache"),
    }
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run(
        [*command, str(SCRIPT), str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.parametrize("name", launched.CASES)
def test_two_processes_train_what_one_trains(outcomes, tmp_path, name):
    two = torch.load(outcomes / f"{name}.pt")
    one = launched.train(name, tmp_path, world_size=1)
    if one["weights"] is not None:
        torch.testing.assert_close(two["weights"], one["weights"], rtol=1e-3, atol=1e-4)
    # Sums are taken in another order.
    for key, weight in one["model"].items():
        torch.testing.assert_close(
            two["model"][key], weight, rtol=1e-4, atol=1e-5, msg=lambda text, key=key: f"{key}: {text}"
        )
    assert two["losses"] == pytest.approx(one["losses"], rel=1e-3)
