r"""Trains a classifier on rows whose weights are learned on a small real set.

accelerate launch trainers/train_meta_weighted.py --model_name_or_path google-bert/bert-base-uncased --variant ren \
    --dataset_name me/generated-reviews --quality_dataset_name me/real-reviews \
    --test_dataset_name stanfordnlp/sst2 --dataset_test_split validation --output_dir runs/meta

Every setting can stand in a YAML file as well: `--config run.yaml`. `--help` lists them.
"""


def main() -> None:
    """Trains, saves and tests."""
    from condensers import MetaWeightedConfig, MetaWeightedTrainer
    from condensers.trainers.recipes import CleanSetRecipe, parse_recipe, train_classifier

    recipe, args = parse_recipe(CleanSetRecipe, MetaWeightedConfig)
    train_classifier(MetaWeightedTrainer, recipe, args)


if __name__ == "__main__":
    from condensers.trainers.recipes import run_recipe

    run_recipe(main)
