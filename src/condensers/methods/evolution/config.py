"""Settings of Aug-PE."""

from dataclasses import dataclass, field
from typing import Literal

from condensers.data import Dedup
from condensers.errors import SettingError
from condensers.methods.evolution.privacy import check_budget
from condensers.methods.llm_config import LLMCondenserConfig


@dataclass(frozen=True)
class AugPEConfig(LLMCondenserConfig):
    """How texts evolve, and how private the votes are.

    Raises:
        SettingError: if a value is out of its range.
    """

    dedup: Dedup = field(
        default="none", metadata={"help": "Each real row votes, repeated ones too; a private run allows only 'none'."}
    )
    topic: str | None = field(
        default=None,
        metadata={"help": "What the texts are, for the prompts: 'film reviews'. Rows without labels need it."},
    )
    words: int | None = field(
        default=None,
        metadata={"help": "Words of a text, about; None takes the median of the source, unless the run is private."},
    )
    iterations: int = field(default=10, metadata={"help": "How often real rows vote, T."})
    variations: int = field(default=3, metadata={"help": "New versions of each text kept, in each iteration, L."})
    initial: int = field(default=4, metadata={"help": "Texts written at first, in multiples of the budget."})
    vary_by: Literal["rephrase", "fill_in"] = field(
        default="rephrase",
        metadata={"help": "How versions come about: 'rephrase', or 'fill_in' for blanks, which needs a strong model."},
    )
    blank_share: float = field(default=0.5, metadata={"help": "Share of the words that become blanks."})
    vote_threshold: float = field(default=0.0, metadata={"help": "Taken off each text's votes, which end at 0, H."})
    extra_rounds: int = field(
        default=5, metadata={"help": "Further attempts at the first texts, for replies that cannot be used."}
    )
    epsilon: float | None = field(
        default=None, metadata={"help": "Privacy budget of the run; None adds no noise and guarantees nothing."}
    )
    delta: float | None = field(
        default=None, metadata={"help": "With epsilon; well below one in the number of rows, 1e-6 say."}
    )
    noise_seed: int | None = field(
        default=None, metadata={"help": "For tests only: noise with a seed that somebody knows protects nobody."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("iterations", "variations", "initial", "words"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingError(f"`{name}` must be at least 1; got {value}.")
        if self.extra_rounds < 0:
            raise SettingError(f"`extra_rounds` must be 0 or more; got {self.extra_rounds}.")
        if self.vote_threshold < 0:
            raise SettingError(f"`vote_threshold` must be 0 or more; got {self.vote_threshold}.")
        if not 0 < self.blank_share < 1:
            raise SettingError(f"`blank_share` must lie between 0 and 1; got {self.blank_share}.")
        if self.vary_by not in ("rephrase", "fill_in"):
            raise SettingError(f"`vary_by` must be 'rephrase' or 'fill_in'; got {self.vary_by!r}.")
        if self.noise_seed is not None and self.epsilon is None:
            raise SettingError("`noise_seed` is a seed of noise, and without `epsilon` there is none.")

    @property
    def private(self) -> bool:
        """Whether real rows vote with noise, and nothing else of them may show."""
        return self.epsilon is not None

    def check_private(self) -> None:
        """Raises if a setting would let more of the real rows show than their noisy votes.

        Raises:
            SettingError: if one would.
        """
        check_budget(self.epsilon, self.delta)
        if not self.private:
            return
        if self.dedup != "none":
            raise SettingError(
                f"with `epsilon` each row must count for itself; `dedup={self.dedup!r}` lets one row decide over "
                f"others, which the noise does not cover. Pass `dedup='none'` (`--dedup none`)."
            )
        if self.weight is not None:
            raise SettingError(
                f"with `epsilon` no row may tell how many rows it stands for, which `weight={self.weight!r}` "
                f"(`--weight`) would. Leave it out."
            )
        if self.auto:
            raise SettingError(
                "with `epsilon` real rows may do no more than vote, and `per_class='auto'` would measure on them. "
                "Give it a number."
            )
        if self.per_class is None:
            raise SettingError(
                "with `epsilon` the budget must be `per_class` (`--per-class`): `total` and `fraction` would tell the "
                "sizes of the classes, which are private."
            )
