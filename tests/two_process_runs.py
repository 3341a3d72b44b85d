"""What the scripts in trainers/launched share: settings, what is kept of a run, and the loop over the cases."""

import sys
from pathlib import Path

import torch


def settings(folder, name, world_size, changes):
    """Training arguments that make 16 rows a step, however many processes share them."""
    steps = changes.get("gradient_accumulation_steps", 1)
    return {
        "output_dir": str(folder / name),
        "per_device_train_batch_size": 16 // steps // world_size,
        "num_train_epochs": 2,
        "learning_rate": 0.05,
        "optim": "sgd",
        "report_to": "none",
        "use_cpu": True,
        "disable_tqdm": True,
        "save_strategy": "no",
        "logging_steps": 1,
        **changes,
    }


def outcome(trainer, weights):
    return {
        "model": trainer.model.state_dict(),
        "weights": weights,
        "losses": [entry["loss"] for entry in trainer.state.log_history if "loss" in entry],
    }


def save_outcomes(cases, train):
    """Trains every case with the processes that torchrun has started."""
    folder = Path(sys.argv[1])
    for name in cases:
        found = train(name, folder / "runs", world_size=2)
        if torch.distributed.get_rank() == 0:
            torch.save(found, folder / f"{name}.pt")
    torch.distributed.destroy_process_group()
