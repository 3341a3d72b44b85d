"""Train a learner on condensed rows, test it on real ones: the protocols of the papers."""

from condensers.evaluation.answers import final_number, same_result
from condensers.evaluation.code_execution import passes_tests
from condensers.evaluation.comparison import MethodResult, compare_methods
from condensers.evaluation.learners import (
    LEARNERS,
    Classifier,
    FineTuned,
    Learner,
    LinearProbe,
    TextRNN,
    load_learner,
)
from condensers.evaluation.protocol import Scores, evaluate_rows, macro_f1_score
from condensers.evaluation.similarity import coverage_similarity, nearest_distances
from condensers.evaluation.statistics import TTest, mean_interval, paired_t_test

__all__ = [
    "LEARNERS",
    "Classifier",
    "FineTuned",
    "Learner",
    "LinearProbe",
    "MethodResult",
    "Scores",
    "TTest",
    "TextRNN",
    "compare_methods",
    "coverage_similarity",
    "evaluate_rows",
    "final_number",
    "load_learner",
    "macro_f1_score",
    "mean_interval",
    "nearest_distances",
    "paired_t_test",
    "passes_tests",
    "same_result",
]
