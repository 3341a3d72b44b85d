"""Two processes, which find each other as torchrun lets them, train on the CPU what one process trains."""

import importlib.util
from pathlib import Path

import pytest
import torch
from warm_processes import run_on_two

HERE = Path(__file__).parent


def script(name):
    spec = importlib.util.spec_from_file_location(name, HERE / "launched" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RUN = "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
SCRIPTS = [script("weighted"), script("baselines")]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def launch(tmp_path_factory):
    folders = {}

    def outcomes(launched):
        if launched not in folders:
            folder = tmp_path_factory.mktemp("two")
            run_on_two(RUN, launched.__file__, folder, folder=folder)
            folders[launched] = folder
        return folders[launched]

    return outcomes


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
