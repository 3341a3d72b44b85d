r"""Trains a corrector, which brings an inverter's texts closer to their vectors.

accelerate launch trainers/train_corrector.py --inverter_name_or_path runs/inverter --dataset_name stanfordnlp/sst2 \
    --embedder sentence-transformers/all-MiniLM-L6-v2 --output_dir runs/corrector

The inverter writes its texts for all rows before training; they are cached, so a killed run does not do so again.
Every setting can stand in a YAML file: `--config run.yaml`. `--help` lists them.
"""


def main() -> None:
    """Trains, saves and tests."""
    from condensers import InverterTrainingConfig
    from condensers.inversion.inverter.recipes import CorrectorRecipe, train_corrector
    from condensers.trainers.recipes import parse_recipe

    recipe, args = parse_recipe(CorrectorRecipe, InverterTrainingConfig)
    train_corrector(recipe, args)


if __name__ == "__main__":
    from condensers.trainers.recipes import run_recipe

    run_recipe(main)
