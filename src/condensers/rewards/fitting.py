"""Training of one classifier with cross-entropy, from a recipe."""

import copy
import gc
import tempfile

import torch
from datasets import Dataset
from torch import nn
from transformers import (
    PreTrainedConfig,
    PreTrainedModel,
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainingArguments,
)
from transformers.trainer_utils import IntervalStrategy, SaveStrategy, SchedulerType
from transformers.training_args import OptimizerNames

from condensers.data import temporary_seed
from condensers.data.training_bar import TrainingBar
from condensers.rewards.recipes import FitRecipe
from condensers.rewards.scoring import Collate


def fit_classifier(
    model: PreTrainedModel,
    rows: Dataset,
    recipe: FitRecipe,
    collate: Collate,
    *,
    seed: int = 0,
    args: TrainingArguments | None = None,
) -> None:
    """Trains a classifier in place and leaves it in evaluation mode.

    The random state of the process is the same afterwards as before, so what is trained next does not depend on
    whether a checker was fitted.

    Args:
        model: Any model that takes ``labels`` and returns a loss.
        rows: Tokenised rows with a column ``labels``.
        recipe: Hyperparameters.
        collate: Makes one batch of a list of rows.
        seed: Fixes order and dropout.
        args: Where to run: device, precision and processes are taken from it, the rest from `recipe`.
    """
    if recipe.dropout is not None:
        set_dropout(model, recipe.dropout)
    with temporary_seed(seed), tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=model,
            args=_arguments(recipe, seed, args, folder),
            train_dataset=rows,
            data_collator=collate,
        )
        # What Trainer prints of itself would read as the outcome of the run that asked for this fit.
        trainer.remove_callback(PrinterCallback)
        if trainer.pop_callback(ProgressCallback) is not None:
            trainer.add_callback(TrainingBar())
        trainer.train()
        # Mixed precision is accelerate's patch of `forward`, which would outlive the trainer.
        trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    model.eval()
    # A trainer refers to itself; what its optimizer takes, twice the model, would wait for Python to notice.
    del trainer
    gc.collect()


def set_dropout(model: nn.Module, probability: float) -> None:
    """Gives every dropout of a model, and its config, one probability."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = probability
        _set_floats(module, probability)
    if isinstance(config := getattr(model, "config", None), PreTrainedConfig):
        _set_floats(config, probability)


def _set_floats(owner: object, probability: float) -> None:
    # Some architectures keep the number itself and call the functional form.
    for name, value in vars(owner).items():
        if "dropout" in name and isinstance(value, float):
            setattr(owner, name, probability)


def _arguments(recipe: FitRecipe, seed: int, args: TrainingArguments | None, folder: str) -> TrainingArguments:
    if args is None:
        args = TrainingArguments(output_dir=folder, dataloader_pin_memory=torch.cuda.is_available())
    else:
        # A new object would reset the state that accelerate shares with the trainer that asks for this fit.
        args = copy.copy(args)
    n_devices = args.world_size * max(1, args.n_gpu)
    changes = {
        "output_dir": folder,
        "learning_rate": recipe.learning_rate,
        "num_train_epochs": recipe.num_train_epochs,
        "max_steps": recipe.max_steps or -1,
        "per_device_train_batch_size": max(1, recipe.batch_size // n_devices),
        "warmup_steps": recipe.warmup_ratio,
        "weight_decay": recipe.weight_decay,
        "max_grad_norm": recipe.max_grad_norm,
        "seed": seed,
        "data_seed": None,
        "optim": OptimizerNames.ADAMW_TORCH_FUSED,
        "optim_args": None,
        "optim_target_modules": None,
        "adam_beta1": 0.9,
        "adam_beta2": 0.999,
        "adam_epsilon": 1e-8,
        "lr_scheduler_type": SchedulerType.LINEAR,
        "lr_scheduler_kwargs": None,
        "gradient_accumulation_steps": 1,
        # transformers 5.23 multiplies the loss of models that take **kwargs by the number of processes if this is on.
        "average_tokens_across_devices": False,
        "label_smoothing_factor": 0.0,
        "neftune_noise_alpha": None,
        "train_sampling_strategy": "random",
        "auto_find_batch_size": False,
        "dataloader_drop_last": False,
        "eval_on_start": False,
        "enable_jit_checkpoint": False,
        "eval_strategy": IntervalStrategy.NO,
        "save_strategy": SaveStrategy.NO,
        "logging_strategy": IntervalStrategy.NO,
        "load_best_model_at_end": False,
        "push_to_hub": False,
        "report_to": [],
        "label_names": None,
        "remove_unused_columns": True,
    }
    for name, value in changes.items():
        setattr(args, name, value)
    return args
