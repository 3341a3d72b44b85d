"""Vectors to fewer vectors: where should the few rows sit?"""

from condensers.placement.denoising import DenoisingScoreNetwork
from condensers.placement.gaussian_mixture import GaussianMixtureScore
from condensers.placement.inducing_points import InducingPoints
from condensers.placement.kernel_density import KernelDensityScore
from condensers.placement.kmeans import KMeansCentroids
from condensers.placement.label_moments import LabelMoments
from condensers.placement.mode_guided import ModeGuided
from condensers.placement.particle_target import SCORE_MODELS, ParticleTarget, load_score_model
from condensers.placement.protocol import (
    LearningPlacement,
    Placement,
    RenewablePlacement,
    ScoreModel,
    SupervisedPlacement,
)
from condensers.placement.stein import kernel_stein_discrepancy
from condensers.placement.stein_particles import ParticleRun, SteinParticles, StepRecord
from condensers.placement.subspace import Subspace, all_same

PLACEMENTS = {"kmeans_centroids": KMeansCentroids, "mode_guided": ModeGuided, "stein_particles": SteinParticles}

__all__ = [
    "PLACEMENTS",
    "SCORE_MODELS",
    "DenoisingScoreNetwork",
    "GaussianMixtureScore",
    "InducingPoints",
    "KMeansCentroids",
    "KernelDensityScore",
    "LabelMoments",
    "LearningPlacement",
    "ModeGuided",
    "ParticleRun",
    "ParticleTarget",
    "Placement",
    "RenewablePlacement",
    "ScoreModel",
    "SteinParticles",
    "StepRecord",
    "Subspace",
    "SupervisedPlacement",
    "all_same",
    "kernel_stein_discrepancy",
    "load_score_model",
]
