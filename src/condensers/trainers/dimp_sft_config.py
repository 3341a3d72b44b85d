"""Settings of `DIMPSFTTrainer`."""

from dataclasses import dataclass, field

from trl import SFTConfig

from condensers.errors import SettingError
from condensers.trainers.importance_weights import check_max_weight


@dataclass
class DIMPSFTArguments:
    """How DIMP-Loss weights tokens; the part of `DIMPSFTConfig` that is not `SFTConfig`.

    Raises:
        SettingError: if a number is out of its range.
    """

    max_weight: float | None = field(
        default=None, metadata={"help": "Largest weight of a token; larger ones become this. The paper has no limit."}
    )
    scoring_batch_size: int = field(
        default=8,
        metadata={"help": "Rows a forward pass and process when the quality model scores the training rows."},
    )

    def check_weighting(self) -> None:
        """Checks the numbers.

        Raises:
            SettingError: if one is out of its range.
        """
        check_max_weight(self.max_weight)
        if self.scoring_batch_size < 1:
            raise SettingError(f"`scoring_batch_size` must be at least 1; got {self.scoring_batch_size!r}.")


@dataclass
class DIMPSFTConfig(DIMPSFTArguments, SFTConfig):
    """`SFTConfig` and how tokens are weighted by DIMP-Loss.

    Raises:
        SettingError: if a number is out of its range.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_weighting()
