r"""Fine-tunes a language model with DIMP-Loss on synthetic text; the quality model has seen a little real text.

accelerate launch trainers/train_dimp_sft.py --model_name_or_path HuggingFaceTB/SmolLM2-135M \
    --quality_model_name_or_path me/smollm2-real --dataset_name me/generated-stories --max_weight 10 \
    --output_dir runs/dimp-sft

The quality model can come from TRL: `trl sft --dataset_name me/real-stories ...`. `--use_peft` trains a LoRA adapter.
Every setting can stand in a YAML file as well: `--config run.yaml`. `--help` lists them.
"""


def main() -> None:
    """Trains, saves and tests."""
    from trl import ModelConfig, get_peft_config

    from condensers import DIMPSFTConfig, DIMPSFTTrainer
    from condensers.trainers.recipes import SFTRecipe, finish_recipe, parse_recipe

    recipe, args, model = parse_recipe(SFTRecipe, DIMPSFTConfig, ModelConfig)
    rows = recipe.load_rows()
    args.model_init_kwargs = {
        "revision": model.model_revision,
        "dtype": model.dtype,
        "attn_implementation": model.attn_implementation,
        **(args.model_init_kwargs or {}),
    }
    trainer = DIMPSFTTrainer(
        model=model.model_name_or_path,
        args=args,
        train_dataset=rows.train,
        eval_dataset=rows.validation,
        quality_model=recipe.quality_model_name_or_path,
        peft_config=get_peft_config(model),
    )
    trainer.train(resume_from_checkpoint=args.resume_from_checkpoint)
    finish_recipe(trainer, rows.test)


if __name__ == "__main__":
    from condensers.trainers.recipes import run_recipe

    run_recipe(main)
