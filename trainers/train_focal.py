r"""Trains a classifier with the focal loss.

accelerate launch trainers/train_focal.py --model_name_or_path google-bert/bert-base-uncased \
    --dataset_name stanfordnlp/sst2 --gamma 2.0 --output_dir runs/focal

Every setting can stand in a YAML file as well: `--config run.yaml`. `--help` lists them.
"""


def main() -> None:
    """Trains, saves and tests."""
    from condensers import FocalConfig, FocalTrainer
    from condensers.trainers.recipes import ClassifierRecipe, classification_metrics, finish_recipe, parse_recipe

    recipe, args = parse_recipe(ClassifierRecipe, FocalConfig)
    parts = recipe.load(args.seed)
    trainer = FocalTrainer(
        model=parts.model,
        args=args,
        train_dataset=parts.train_dataset,
        eval_dataset=parts.eval_dataset,
        processing_class=parts.processing_class,
        compute_metrics=classification_metrics,
    )
    trainer.train(resume_from_checkpoint=args.resume_from_checkpoint)
    finish_recipe(trainer, parts.test_dataset)


if __name__ == "__main__":
    from condensers.trainers.recipes import run_recipe

    run_recipe(main)
