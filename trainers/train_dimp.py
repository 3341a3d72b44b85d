r"""Trains a classifier with DIMP-Loss on synthetic text and a small real set.

accelerate launch trainers/train_dimp.py --model_name_or_path google-bert/bert-base-uncased \
    --dataset_name me/generated-reviews --quality_dataset_name me/real-reviews \
    --test_dataset_name stanfordnlp/sst2 --dataset_test_split validation --output_dir runs/dimp

Every setting can stand in a YAML file as well: `--config trainers/example.yaml`. `--help` lists them.
"""


def main() -> None:
    """Trains, saves and tests."""
    from condensers import DIMPConfig, DIMPTrainer
    from condensers.trainers.recipes import QualityRecipe, parse_recipe, train_classifier

    recipe, args = parse_recipe(QualityRecipe, DIMPConfig)
    train_classifier(DIMPTrainer, recipe, args)


if __name__ == "__main__":
    from condensers.trainers.recipes import run_recipe

    run_recipe(main)
