"""Trains with importance weights in the processes that torchrun has started; see test_two_processes.py.

torchrun --nproc_per_node 2 weighted.py FOLDER
"""

import torch
from tiny_classifiers import tiny_model, tiny_rows, tiny_tokenizer
from two_process_runs import outcome, save_outcomes, settings

from condensers.trainers import DIMPConfig, DIMPTrainer, ImportanceWeightedConfig, ImportanceWeightedTrainer

CASES = {
    "dimp": (DIMPTrainer, DIMPConfig, {"label_smoothing_factor": 0.1}),
    "dimp_accumulated": (DIMPTrainer, DIMPConfig, {"gradient_accumulation_steps": 2}),
    "imp": (ImportanceWeightedTrainer, ImportanceWeightedConfig, {"gradient_accumulation_steps": 2}),
    "ready": (ImportanceWeightedTrainer, ImportanceWeightedConfig, {"average_tokens_across_devices": False}),
}
CHECKERS = {"checker_learning_rate": 3e-3, "checker_batch_size": 12, "scoring_batch_size": 5}
# Relative and absolute: of weights, of the model. Sums are taken in another order.
TOLERANCES = {"weights": (1e-4, 1e-5), "model": (1e-4, 2e-6), "losses": (1e-4, 0.0)}


def train(name, folder, world_size):
    kind, config, changes = CASES[name]
    rows = tiny_rows(16)
    if name == "ready":
        source = {"train_dataset": rows.add_column("importance_weight", [0.25 * (1 + i % 7) for i in range(48)])}
    else:
        source = {"train_dataset": rows, "quality_dataset": tiny_rows(4, seed=7)}
    args = config(**settings(folder, name, world_size, CHECKERS | changes))
    trainer = kind(model=tiny_model(), args=args, processing_class=tiny_tokenizer(), **source)
    trainer.train()
    return outcome(trainer, torch.from_numpy(trainer.row_weights_.weights))


if __name__ == "__main__":
    save_outcomes(CASES, train)
