r"""Fits a quality checker, a classifier read as p(y | x), on a small real set.

accelerate launch trainers/train_quality_checker.py --model_name_or_path google-bert/bert-base-uncased \
    --dataset_name me/real-reviews --test_dataset_name stanfordnlp/sst2 --dataset_test_split validation \
    --output_dir runs/checker

The folder it writes is what `--quality_model_name_or_path` of the other recipes takes. Every setting can stand in a
YAML file as well: `--config run.yaml`. `--help` lists them.
"""


def main() -> None:
    """Fits, saves and tests."""
    from condensers import FitRecipe, LabelConfidence
    from condensers.trainers.recipes import CheckerRecipe, finish_checker, parse_recipe

    recipe, fit = parse_recipe(CheckerRecipe, FitRecipe)
    parts = recipe.load(recipe.seed)
    checker = LabelConfidence.from_classifier(parts.model, processing_class=parts.processing_class)
    checker.fit(parts.train_dataset, recipe=fit, seed=recipe.seed)
    finish_checker(checker, recipe.output_dir, parts.test_dataset)


if __name__ == "__main__":
    from condensers.trainers.recipes import run_recipe

    run_recipe(main)
