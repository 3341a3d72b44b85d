"""Gradient matching: rows that pull a classifier where the source pulls it, while it trains."""

from condensers.methods.matching.class_writer import ClassWriter
from condensers.methods.matching.classifier import MatchedClassifier, last_layer_gradient
from condensers.methods.matching.config import DiLMConfig, DiscretizationConfig, MatchingConfig
from condensers.methods.matching.discretised import DiscretisedRows, discretise
from condensers.methods.matching.distance import gradient_distance
from condensers.methods.matching.distilling import fit_writer, loss_weights, match_writer
from condensers.methods.matching.trajectory import Trajectory

__all__ = [
    "ClassWriter",
    "DiLMConfig",
    "DiscretisedRows",
    "DiscretizationConfig",
    "MatchedClassifier",
    "MatchingConfig",
    "Trajectory",
    "discretise",
    "fit_writer",
    "gradient_distance",
    "last_layer_gradient",
    "loss_weights",
    "match_writer",
]
