"""Trains with the processes that torchrun has started and saves what came of it; see test_two_processes.py.

torchrun --nproc_per_node 2 two_processes.py FOLDER
"""

import sys
from pathlib import Path

import torch
from tiny_classifiers import tiny_model, tiny_rows, tiny_tokenizer

from condensers.trainers import DIMPConfig, DIMPTrainer, ImportanceWeightedConfig, ImportanceWeightedTrainer

CASES = {
    "dimp": (DIMPTrainer, DIMPConfig, {"label_smoothing_factor": 0.1}),
    "dimp_accumulated": (DIMPTrainer, DIMPConfig, {"gradient_accumulation_steps": 2}),
    "imp": (ImportanceWeightedTrainer, ImportanceWeightedConfig, {"gradient_accumulation_steps": 2}),
    "ready": (ImportanceWeightedTrainer, ImportanceWeightedConfig, {"average_tokens_across_devices": False}),
}


def train(name, folder, world_size):
    """One case on 16 rows a step, however many processes share them."""
    kind, config, changes = CASES[name]
    steps = changes.get("gradient_accumulation_steps", 1)
    args = config(
        output_dir=str(folder / name),
        per_device_train_batch_size=16 // steps // world_size,
        num_train_epochs=2,
        learning_rate=0.05,
        optim="sgd",
        checker_learning_rate=3e-3,
        checker_batch_size=12,
        scoring_batch_size=5,
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
        save_strategy="no",
        logging_steps=1,
        **changes,
    )
    rows = tiny_rows(16)
    if name == "ready":
        source = {"train_dataset": rows.add_column("importance_weight", [0.25 * (1 + i % 7) for i in range(48)])}
    else:
        source = {"train_dataset": rows, "quality_dataset": tiny_rows(4, seed=7)}
    trainer = kind(model=tiny_model(), args=args, processing_class=tiny_tokenizer(), **source)
    trainer.train()
    kept = trainer.row_weights_
    return {
        "model": trainer.model.state_dict(),
        "weights": torch.from_numpy(kept.weights),
        "losses": [entry["loss"] for entry in trainer.state.log_history if "loss" in entry],
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for name in CASES:
        outcome = train(name, folder / "runs", world_size=2)
        if torch.distributed.get_rank() == 0:
            torch.save(outcome, folder / f"{name}.pt")
    torch.distributed.destroy_process_group()
