"""Trains the baselines with the processes that torchrun has started; see test_baselines_two_processes.py.

torchrun --nproc_per_node 2 baselines_two_processes.py FOLDER
"""

import sys
from pathlib import Path

import torch
from tiny_classifiers import tiny_model, tiny_rows, tiny_tokenizer
from tiny_language_models import lm_rows, tiny_lm, tiny_lm_tokenizer

from condensers.trainers.dimp_sft_config import DIMPSFTConfig
from condensers.trainers.dimp_sft_trainer import DIMPSFTTrainer
from condensers.trainers.focal_config import FocalConfig
from condensers.trainers.focal_trainer import FocalTrainer
from condensers.trainers.meta_weighted_config import MetaWeightedConfig
from condensers.trainers.meta_weighted_trainer import MetaWeightedTrainer

CASES = {
    "focal": (FocalTrainer, FocalConfig, {"gamma": 2.0, "label_smoothing_factor": 0.1}),
    "ren": (MetaWeightedTrainer, MetaWeightedConfig, {"variant": "ren", "gradient_accumulation_steps": 2}),
    "hu": (MetaWeightedTrainer, MetaWeightedConfig, {"variant": "hu"}),
    "sft": (DIMPSFTTrainer, DIMPSFTConfig, {"gradient_accumulation_steps": 2}),
}


def train(name, folder, world_size):
    """One case on 16 rows a step, however many processes share them."""
    kind, config, changes = CASES[name]
    steps = changes.get("gradient_accumulation_steps", 1)
    if name == "sft":
        changes = changes | {"bf16": False, "gradient_checkpointing": False}
    args = config(
        output_dir=str(folder / name),
        per_device_train_batch_size=16 // steps // world_size,
        num_train_epochs=2,
        learning_rate=0.05,
        optim="sgd",
        max_grad_norm=0.0,
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
        save_strategy="no",
        logging_steps=1,
        **changes,
    )
    if name == "sft":
        shared = {"model": tiny_lm(), "train_dataset": lm_rows(48), "processing_class": tiny_lm_tokenizer()}
        trainer = kind(args=args, quality_model=tiny_lm(1), **shared)
    else:
        extra = {"quality_dataset": tiny_rows(8, seed=7)} if kind is MetaWeightedTrainer else {}
        trainer = kind(
            model=tiny_model(), args=args, train_dataset=tiny_rows(16), processing_class=tiny_tokenizer(), **extra
        )
    trainer.train()
    return {
        "model": trainer.model.state_dict(),
        "weights": getattr(trainer, "row_weights_", None),
        "losses": [entry["loss"] for entry in trainer.state.log_history if "loss" in entry],
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for name in CASES:
        outcome = train(name, folder / "runs", world_size=2)
        if torch.distributed.get_rank() == 0:
            torch.save(outcome, folder / f"{name}.pt")
    torch.distributed.destroy_process_group()
