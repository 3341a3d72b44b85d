"""Trainers: drop-in `Trainer` subclasses that weight each row."""

from condensers.trainers.dimp_config import DIMPConfig
from condensers.trainers.dimp_trainer import DIMPTrainer
from condensers.trainers.importance_weighted_config import ImportanceWeightedConfig
from condensers.trainers.importance_weighted_trainer import ImportanceWeightedTrainer
from condensers.trainers.importance_weights import RowLosses, importance_weights, row_cross_entropy, self_normalized
from condensers.trainers.weight_diagnostics import RowWeights, WeightDiagnostics, diagnose_weights, load_weights
from condensers.trainers.weight_plots import plot_weights
from condensers.trainers.weighted_loss import WeightedLossTrainer

__all__ = [
    "DIMPConfig",
    "DIMPTrainer",
    "ImportanceWeightedConfig",
    "ImportanceWeightedTrainer",
    "RowLosses",
    "RowWeights",
    "WeightDiagnostics",
    "WeightedLossTrainer",
    "diagnose_weights",
    "importance_weights",
    "load_weights",
    "plot_weights",
    "row_cross_entropy",
    "self_normalized",
]
