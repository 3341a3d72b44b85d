r"""Trains a classifier with the focal loss.

accelerate launch trainers/train_focal.py --model_name_or_path google-bert/bert-base-uncased \
    --dataset_name stanfordnlp/sst2 --gamma 2.0 --output_dir runs/focal

Every setting can stand in a YAML file as well: `--config run.yaml`. `--help` lists them.
"""


def main() -> None:
    """Trains, saves and tests."""
    from condensers import FocalConfig, FocalTrainer
    from condensers.trainers.recipes import ClassifierRecipe, parse_recipe, train_classifier

    recipe, args = parse_recipe(ClassifierRecipe, FocalConfig)
    train_classifier(FocalTrainer, recipe, args)


if __name__ == "__main__":
    from condensers.trainers.recipes import run_recipe

    run_recipe(main)
