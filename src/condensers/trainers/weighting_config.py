"""Settings that IMP-Loss and DIMP-Loss share."""

from dataclasses import dataclass, field

from condensers.errors import SettingError
from condensers.rewards import FitRecipe
from condensers.trainers.importance_weights import check_max_weight


@dataclass
class WeightingArguments:
    """How rows are weighted and checkers fitted; part of the configs of both trainers.

    The checkers' defaults are the paper's: five epochs (Appendices E and F), batches of 32 rows for training and 64
    for scoring (Appendix E), the larger of the two learning rates tried (Appendix F).

    Raises:
        SettingError: if a number is out of its range.
    """

    max_weight: float | None = field(
        default=None, metadata={"help": "Largest weight of a row; larger ones become this. The paper has no limit."}
    )
    normalize_weights: bool = field(
        default=False, metadata={"help": "Divide the weights by their mean. The paper does not."}
    )
    checker_learning_rate: float = field(default=6e-5, metadata={"help": "Peak learning rate of a fitted checker."})
    checker_num_train_epochs: float = field(default=5.0, metadata={"help": "Epochs of a fitted checker."})
    checker_batch_size: int = field(
        default=32, metadata={"help": "Rows a step of a fitted checker, over all processes."}
    )
    scoring_batch_size: int = field(
        default=64, metadata={"help": "Rows a forward pass and process when checkers score the training rows."}
    )
    group_column: str | None = field(
        default=None,
        metadata={"help": "Column of the training rows, such as their source, by which weights are averaged in logs."},
    )

    def check_weighting(self) -> None:
        """Checks the numbers.

        Raises:
            SettingError: if one is out of its range.
        """
        check_max_weight(self.max_weight)
        if self.scoring_batch_size < 1:
            raise SettingError(f"`scoring_batch_size` must be at least 1; got {self.scoring_batch_size!r}.")
        _ = self.checker_recipe

    @property
    def checker_recipe(self) -> FitRecipe:
        """The recipe that checkers are fitted with."""
        return FitRecipe(
            learning_rate=self.checker_learning_rate,
            num_train_epochs=self.checker_num_train_epochs,
            batch_size=self.checker_batch_size,
        )
