"""Trainers: drop-in `Trainer` subclasses that weight each row.

`DIMPSFTTrainer`, which loads TRL, is in `dimp_sft_trainer`. The scripts of the folder ``trainers/`` are made of
`recipes`.
"""

from condensers.trainers.dimp_config import DIMPConfig
from condensers.trainers.dimp_trainer import DIMPTrainer
from condensers.trainers.focal_config import FocalConfig
from condensers.trainers.focal_trainer import FocalTrainer
from condensers.trainers.importance_weighted_config import ImportanceWeightedConfig
from condensers.trainers.importance_weighted_trainer import ImportanceWeightedTrainer
from condensers.trainers.importance_weights import RowLosses, importance_weights, row_cross_entropy, self_normalized
from condensers.trainers.meta_weighted_config import MetaWeightedConfig
from condensers.trainers.meta_weighted_trainer import MetaWeightedTrainer
from condensers.trainers.weight_diagnostics import RowWeights, WeightDiagnostics, diagnose_weights, load_weights
from condensers.trainers.weight_plots import plot_weights
from condensers.trainers.weighted_loss import WeightedLossTrainer

__all__ = [
    "DIMPConfig",
    "DIMPTrainer",
    "FocalConfig",
    "FocalTrainer",
    "ImportanceWeightedConfig",
    "ImportanceWeightedTrainer",
    "MetaWeightedConfig",
    "MetaWeightedTrainer",
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
