"""How a reward model is trained, as the papers did it."""

from dataclasses import dataclass, field
from types import MappingProxyType

from condensers.errors import SettingError


@dataclass(frozen=True)
class FitRecipe:
    """Hyperparameters of one fit with AdamW, linear decay and cross-entropy.

    The defaults are those of IMP-Loss, Appendices E and F: five epochs, batches of 32 rows, all else as `Trainer` has
    it. Of the two learning rates tried there the larger is taken, since at the smaller one a set of 200 rows
    hardly moves the model.

    Raises:
        SettingError: if a number is out of its range.
    """

    learning_rate: float = field(default=6e-5, metadata={"help": "Peak learning rate."})
    num_train_epochs: float = field(default=5.0, metadata={"help": "Passes over the rows, unless `max_steps` is set."})
    max_steps: int | None = field(default=None, metadata={"help": "Optimiser steps in all; replaces the epochs."})
    batch_size: int = field(default=32, metadata={"help": "Rows a step, over all processes."})
    warmup_ratio: float = field(default=0.0, metadata={"help": "Share of the steps in which the rate rises."})
    weight_decay: float = field(default=0.0, metadata={"help": "Decoupled weight decay."})
    max_grad_norm: float = field(default=1.0, metadata={"help": "Norm to which the gradient is clipped."})
    dropout: float | None = field(default=None, metadata={"help": "Dropout of every layer; None keeps the model's."})

    def __post_init__(self) -> None:
        for name in ("learning_rate", "num_train_epochs", "batch_size", "max_grad_norm"):
            if getattr(self, name) <= 0:
                raise SettingError(f"`{name}` must be above 0; got {getattr(self, name)!r}.")
        if self.max_steps is not None and self.max_steps < 1:
            raise SettingError(f"`max_steps` must be at least 1, or None; got {self.max_steps!r}.")
        if not 0 <= self.warmup_ratio < 1:
            raise SettingError(f"`warmup_ratio` must be at least 0 and below 1; got {self.warmup_ratio!r}.")
        if self.weight_decay < 0:
            raise SettingError(f"`weight_decay` must be at least 0; got {self.weight_decay!r}.")
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise SettingError(f"`dropout` must be at least 0 and below 1, or None; got {self.dropout!r}.")


RECIPES = MappingProxyType(
    {
        # IMP-Loss, Appendices E and F: quality checker and diversity checker alike.
        "checker": FitRecipe(),
        # CondenseLM, Table 13: the representability reward model, heavily regularised.
        "representability": FitRecipe(
            learning_rate=1e-5, num_train_epochs=1, batch_size=32, warmup_ratio=0.1, weight_decay=0.01, dropout=0.3
        ),
        # CondenseLM, Table 13: the coverage reward model.
        "coverage": FitRecipe(
            learning_rate=1e-4, max_steps=200, batch_size=64, warmup_ratio=0.5, weight_decay=0.01, dropout=0.1
        ),
    }
)


def resolve_recipe(recipe: str | FitRecipe) -> FitRecipe:
    """The recipe of that name, or the recipe itself.

    Raises:
        SettingError: if there is no recipe of that name.
    """
    if isinstance(recipe, FitRecipe):
        return recipe
    if recipe not in RECIPES:
        raise SettingError(f"`recipe` must be one of {', '.join(RECIPES)}, or a FitRecipe; got {recipe!r}.")
    return RECIPES[recipe]
