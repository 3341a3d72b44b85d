"""Settings of the methods that match gradients."""

from dataclasses import dataclass, field
from typing import Literal

from condensers.embedding import DEFAULT_EMBEDDER
from condensers.errors import SettingError
from condensers.methods.config import CondenserConfig


@dataclass(frozen=True)
class MatchingConfig(CondenserConfig):
    """Which gradients are matched, and along which training; the defaults are those of DiLM's reference configuration.

    Raises:
        SettingError: if a value is out of its range.
    """

    classifier: str = field(
        default=DEFAULT_EMBEDDER,
        metadata={"help": "Encoder of the classifier whose gradients are matched: Hub id, folder, or 'offline'."},
    )
    matching_steps: int = field(default=20_000, metadata={"help": "Comparisons of gradients, with one update each."})
    matching_rate: float = field(default=3e-7, metadata={"help": "Learning rate of these updates."})
    gradient_distance: Literal["cosine", "l2"] = field(
        default="cosine", metadata={"help": "How gradients are compared: 'cosine' or 'l2'."}
    )
    num_teachers: int = field(
        default=200, metadata={"help": "Rows of a class, chosen by K-Center, whose gradient stands for it."}
    )
    inner_steps: int = field(
        default=10, metadata={"help": "Comparisons until the classifier goes back to its first weights."}
    )
    classifier_steps: int = field(
        default=20, metadata={"help": "Steps of its training from one comparison to the next."}
    )
    classifier_rate: float = field(default=1e-4, metadata={"help": "Learning rate of its training."})
    classifier_batch_size: int = field(default=64, metadata={"help": "Rows of a step of its training."})
    max_length: int = field(default=64, metadata={"help": "Tokens of a row, read or written."})
    training_seed: int = field(
        default=0, metadata={"help": "Seed of all that is trained, apart from `seed`, which chooses rows."}
    )

    def __post_init__(self) -> None:
        whole = ("matching_steps", "num_teachers", "inner_steps", "classifier_batch_size", "max_length")
        _check_least(self, 1, *whole)
        _check_least(self, 0, "classifier_steps")
        _check_positive(self, "matching_rate", "classifier_rate")
        if self.gradient_distance not in ("cosine", "l2"):
            raise SettingError(f"`gradient_distance` must be 'cosine' or 'l2'; got {self.gradient_distance!r}.")


@dataclass(frozen=True)
class DiscretizationConfig(MatchingConfig):
    """Settings of `DiscretizationCondenser`. No paper gives steps or rate of its updates; those here are ours.

    Raises:
        SettingError: if a value is out of its range.
    """

    matching_steps: int = field(default=1000, metadata={"help": "Comparisons of gradients, with one update each."})
    matching_rate: float = field(default=1e-2, metadata={"help": "Learning rate of Adam, on input embeddings."})
    initialization: Literal["noise", "rows"] = field(
        default="noise",
        metadata={"help": "What embeddings begin as: 'noise', spread like those of the vocabulary, or source 'rows'."},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.initialization not in ("noise", "rows"):
            raise SettingError(f"`initialization` must be 'noise' or 'rows'; got {self.initialization!r}.")


@dataclass(frozen=True)
class DiLMConfig(MatchingConfig):
    """Settings of `DiLMCondenser`.

    Raises:
        SettingError: if a value is out of its range.
    """

    generator: str = field(
        default="HuggingFaceTB/SmolLM2-135M",
        metadata={"help": "Language model that is trained to write rows: Hub id, folder, or 'offline'."},
    )
    training_steps: int = field(default=80_000, metadata={"help": "Steps that teach it to write like the source."})
    training_rate: float = field(default=1e-5, metadata={"help": "Learning rate of these steps."})
    train_batch_size: int = field(default=64, metadata={"help": "Rows of such a step."})
    match_batch_size: int = field(default=64, metadata={"help": "Texts of each class in a comparison of gradients."})
    refresh_steps: int = field(default=200, metadata={"help": "Comparisons until texts are written anew."})
    loss_temperature: float = field(
        default=1.0, metadata={"help": "Temperature of the weights that texts get by how likely they are."}
    )
    top_p: float = field(default=0.95, metadata={"help": "Tokens are drawn among those of this probability together."})
    oversampling: int = field(
        default=100, metadata={"help": "Texts to write for each row that is kept, which K-Center chooses."}
    )
    write_batch_size: int = field(default=128, metadata={"help": "Texts written together."})

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_least(self, 1, "training_steps", "train_batch_size", "match_batch_size", "refresh_steps")
        _check_least(self, 1, "oversampling", "write_batch_size")
        _check_positive(self, "training_rate", "loss_temperature")
        if not 0 < self.top_p <= 1:
            raise SettingError(f"`top_p` must be in (0, 1]; got {self.top_p}.")


def _check_least(config: MatchingConfig, least: int, *names: str) -> None:
    for name in names:
        if getattr(config, name) < least:
            raise SettingError(f"`{name}` must be at least {least}; got {getattr(config, name)}.")


def _check_positive(config: MatchingConfig, *names: str) -> None:
    for name in names:
        if getattr(config, name) <= 0:
            raise SettingError(f"`{name}` must be above 0; got {getattr(config, name)}.")
