r"""Trains a classifier with IMP-Loss on synthetic text and a small real set.

accelerate launch trainers/train_importance_weighted.py --model_name_or_path google-bert/bert-base-uncased \
    --dataset_name me/generated-reviews --quality_dataset_name me/real-reviews \
    --test_dataset_name stanfordnlp/sst2 --dataset_test_split validation --output_dir runs/imp

Every setting can stand in a YAML file as well: `--config trainers/example.yaml`. `--help` lists them.
"""


def main() -> None:
    """Trains, saves and tests."""
    from condensers import ImportanceWeightedConfig, ImportanceWeightedTrainer
    from condensers.trainers.recipes import QualityRecipe, classification_metrics, finish_recipe, parse_recipe

    recipe, args = parse_recipe(QualityRecipe, ImportanceWeightedConfig)
    parts = recipe.load(args.seed)
    trainer = ImportanceWeightedTrainer(
        model=parts.model,
        args=args,
        train_dataset=parts.train_dataset,
        eval_dataset=parts.eval_dataset,
        quality_dataset=parts.quality_dataset,
        quality_model=recipe.quality_model_name_or_path,
        processing_class=parts.processing_class,
        compute_metrics=classification_metrics,
    )
    trainer.train(resume_from_checkpoint=args.resume_from_checkpoint)
    finish_recipe(trainer, parts.test_dataset)


if __name__ == "__main__":
    from condensers.trainers.recipes import run_recipe

    run_recipe(main)
