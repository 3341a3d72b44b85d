"""A training of ours that is killed goes on where it was saved, and comes to the same."""

import pytest
import torch
from transformers import get_cosine_schedule_with_warmup

from condensers.methods.matching import checkpoint as module
from condensers.methods.matching.checkpoint import Checkpoint

STEPS = 9


class Training:
    """Adam on a quadratic whose target each step draws by its number."""

    def __init__(self, folder):
        self.weights = {"a": torch.zeros(3, requires_grad=True), "b": torch.ones(2, 2, requires_grad=True)}
        self.optimizer = torch.optim.AdamW(self.weights.values(), lr=0.1)
        self.schedule = get_cosine_schedule_with_warmup(self.optimizer, 3, STEPS)
        self.checkpoint = Checkpoint(folder, self.weights, self.optimizer, self.schedule)
        self.n_done, self.notes = self.checkpoint.restore()

    def run(self, until=STEPS):
        losses = self.notes.get("losses", [])
        for step in range(self.n_done, until):
            target = torch.randn((), generator=torch.Generator().manual_seed(step))
            loss = sum((weight - target).square().sum() for weight in self.weights.values())
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            self.optimizer.zero_grad()
            losses.append(float(loss.detach()))
            self.checkpoint.save(step + 1, {"losses": losses})
        return losses


@pytest.fixture
def eager(monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 0.0)


@pytest.mark.parametrize("killed_after", [1, 4, STEPS])
def test_it_goes_on_to_the_same_weights_and_losses(tmp_path, eager, killed_after):
    whole = Training(tmp_path / "whole")
    losses = whole.run()
    Training(tmp_path / "killed").run(killed_after)
    # As if it had been killed while it wrote the next checkpoint.
    (tmp_path / "killed" / ".10-abc").mkdir()
    resumed = Training(tmp_path / "killed")
    assert resumed.n_done == killed_after and resumed.notes["losses"] == losses[:killed_after]
    assert resumed.run() == losses
    assert all(torch.equal(weight, resumed.weights[name]) for name, weight in whole.weights.items())


def test_one_state_is_kept_and_none_is_pickled(tmp_path, eager):
    Training(tmp_path / "run").run(5)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["5"]
    assert {path.suffix for path in (tmp_path / "run" / "5").iterdir()} == {".safetensors", ".json"}


def test_what_takes_a_moment_writes_nothing(tmp_path):
    Training(tmp_path / "run").run()
    assert not (tmp_path / "run").exists()
