"""Trains the baselines, and a language model, in the processes that torchrun has started; see test_two_processes.py.

torchrun --nproc_per_node 2 baselines.py FOLDER
"""

from tiny_classifiers import tiny_model, tiny_rows, tiny_tokenizer
from tiny_language_models import lm_rows, tiny_lm, tiny_lm_tokenizer
from two_process_runs import outcome, save_outcomes, settings

from condensers.trainers.dimp_sft_config import DIMPSFTConfig
from condensers.trainers.dimp_sft_trainer import DIMPSFTTrainer
from condensers.trainers.focal_config import FocalConfig
from condensers.trainers.focal_trainer import FocalTrainer
from condensers.trainers.meta_weighted_config import MetaWeightedConfig
from condensers.trainers.meta_weighted_trainer import MetaWeightedTrainer

LM = {"gradient_accumulation_steps": 2, "bf16": False, "gradient_checkpointing": False}
CASES = {
    "focal": (FocalTrainer, FocalConfig, {"gamma": 2.0, "label_smoothing_factor": 0.1}),
    "ren": (MetaWeightedTrainer, MetaWeightedConfig, {"variant": "ren", "gradient_accumulation_steps": 2}),
    "hu": (MetaWeightedTrainer, MetaWeightedConfig, {"variant": "hu"}),
    "sft": (DIMPSFTTrainer, DIMPSFTConfig, LM),
}
# Relative and absolute. Sums are taken in another order, and learned weights pass through a second derivative.
TOLERANCES = {"weights": (1e-3, 1e-4), "model": (1e-4, 1e-5), "losses": (1e-3, 0.0)}


def train(name, folder, world_size):
    kind, config, changes = CASES[name]
    args = config(**settings(folder, name, world_size, {"max_grad_norm": 0.0} | changes))
    if name == "sft":
        shared = {"model": tiny_lm(), "train_dataset": lm_rows(48), "processing_class": tiny_lm_tokenizer()}
        trainer = kind(args=args, quality_model=tiny_lm(1), **shared)
    else:
        extra = {"quality_dataset": tiny_rows(8, seed=7)} if kind is MetaWeightedTrainer else {}
        rows = tiny_rows(16)
        trainer = kind(model=tiny_model(), args=args, train_dataset=rows, processing_class=tiny_tokenizer(), **extra)
    trainer.train()
    return outcome(trainer, getattr(trainer, "row_weights_", None))


if __name__ == "__main__":
    save_outcomes(CASES, train)
