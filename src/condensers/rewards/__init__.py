"""Rewards: a classifier read as p(y | x), the score that several methods give a labelled row.

Importing this room registers `LabelConfidence` with the Auto classes of transformers.
"""

from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from condensers.rewards.calibration import CheckerReport, calibration_error, report_checker
from condensers.rewards.classifiers import check_classifier, load_classifier
from condensers.rewards.embedding_probe import EmbeddingProbe
from condensers.rewards.fitting import fit_classifier
from condensers.rewards.label_confidence import LabelConfidence
from condensers.rewards.labels import Labels, config_names, label_column, match_labels, read_labels
from condensers.rewards.network import LabelConfidenceConfig
from condensers.rewards.recipes import RECIPES, FitRecipe, resolve_recipe
from condensers.rewards.scoring import score_rows
from condensers.rewards.tokens import input_columns, length_limit, rows_digest, shared_rows, tokenize_rows

AutoConfig.register(LabelConfidenceConfig.model_type, LabelConfidenceConfig, exist_ok=True)
AutoModel.register(LabelConfidenceConfig, LabelConfidence, exist_ok=True)
AutoModelForSequenceClassification.register(LabelConfidenceConfig, LabelConfidence, exist_ok=True)

__all__ = [
    "RECIPES",
    "CheckerReport",
    "EmbeddingProbe",
    "FitRecipe",
    "LabelConfidence",
    "LabelConfidenceConfig",
    "Labels",
    "calibration_error",
    "check_classifier",
    "config_names",
    "fit_classifier",
    "input_columns",
    "label_column",
    "length_limit",
    "load_classifier",
    "match_labels",
    "read_labels",
    "report_checker",
    "resolve_recipe",
    "rows_digest",
    "score_rows",
    "shared_rows",
    "tokenize_rows",
]
