r"""Trains an inverter, which writes a text for the vector of an embedder.

accelerate launch trainers/train_inverter.py --model_name_or_path google-t5/t5-base --dataset_name stanfordnlp/sst2 \
    --embedder sentence-transformers/all-MiniLM-L6-v2 --output_dir runs/inverter

A decoder-only model will do as well: `--model_name_or_path HuggingFaceTB/SmolLM2-135M --tuning lora`. Every setting
can stand in a YAML file: `--config run.yaml`. `--help` lists them.
"""


def main() -> None:
    """Trains, saves and tests."""
    from condensers import InverterTrainingConfig
    from condensers.inversion.inverter.recipes import InverterRecipe, train_inverter
    from condensers.trainers.recipes import parse_recipe

    recipe, args = parse_recipe(InverterRecipe, InverterTrainingConfig)
    train_inverter(recipe, args)


if __name__ == "__main__":
    from condensers.trainers.recipes import run_recipe

    run_recipe(main)
