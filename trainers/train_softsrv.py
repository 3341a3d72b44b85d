r"""Trains a SoftSRV adapter, with which a frozen language model writes texts like those of a dataset.

accelerate launch trainers/train_softsrv.py --model_name_or_path HuggingFaceTB/SmolLM2-135M \
    --dataset_name openai/gsm8k --dataset_config main --text_column question --output_dir runs/softsrv

The defaults are the paper's: 20,000 steps at a learning rate of 5e-6. For a first look: `--num_virtual_tokens 16
--max_steps 300 --learning_rate 1e-3`. Every setting can stand in a YAML file: `--config run.yaml`. `--help` lists
them.
"""


def main() -> None:
    """Trains, saves and tests."""
    from condensers import SoftSRVTrainingConfig
    from condensers.softsrv.recipes import SoftSRVRecipe, train_softsrv
    from condensers.trainers.recipes import parse_recipe

    recipe, args = parse_recipe(SoftSRVRecipe, SoftSRVTrainingConfig)
    train_softsrv(recipe, args)


if __name__ == "__main__":
    from condensers.trainers.recipes import run_recipe

    run_recipe(main)
