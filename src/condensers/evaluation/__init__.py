"""Train a learner on condensed rows, test it on real ones: the protocols of the papers."""

from condensers.evaluation.answers import final_number, same_result
from condensers.evaluation.budgets import BudgetStudy, budget_curve
from condensers.evaluation.code_execution import passes_tests
from condensers.evaluation.comparison import MethodResult, compare_methods, train_on_all_rows
from condensers.evaluation.equal_budget import EqualBudget, Resource, at_equal, check_equal, spent
from condensers.evaluation.learners import (
    LEARNERS,
    Classifier,
    FineTuned,
    Learner,
    LinearProbe,
    TextRNN,
    TfidfLinear,
    load_learner,
)
from condensers.evaluation.protocol import Scores, evaluate_rows, macro_f1_score
from condensers.evaluation.similarity import coverage_similarity, nearest_distances
from condensers.evaluation.statistics import TTest, mean_interval, paired_t_test

__all__ = [
    "LEARNERS",
    "BudgetStudy",
    "Classifier",
    "EqualBudget",
    "FineTuned",
    "Learner",
    "LinearProbe",
    "MethodResult",
    "Resource",
    "Scores",
    "TTest",
    "TextRNN",
    "TfidfLinear",
    "at_equal",
    "budget_curve",
    "check_equal",
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
    "spent",
    "train_on_all_rows",
]
