"""What the launchable scripts of the folder ``trainers/`` are made of: arguments, loading, testing, mistakes."""

from condensers.trainers.recipes.classifiers import (
    CheckerRecipe,
    ClassifierParts,
    ClassifierRecipe,
    CleanSetRecipe,
    QualityRecipe,
    classification_metrics,
    finish_checker,
    train_classifier,
)
from condensers.trainers.recipes.running import (
    DatasetRecipe,
    EmbeddedRecipe,
    RecipeRows,
    SFTRecipe,
    finish_recipe,
    parse_recipe,
    run_recipe,
)

__all__ = [
    "CheckerRecipe",
    "ClassifierParts",
    "ClassifierRecipe",
    "CleanSetRecipe",
    "DatasetRecipe",
    "EmbeddedRecipe",
    "QualityRecipe",
    "RecipeRows",
    "SFTRecipe",
    "classification_metrics",
    "finish_checker",
    "finish_recipe",
    "parse_recipe",
    "run_recipe",
    "train_classifier",
]
