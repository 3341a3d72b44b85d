"""Settings of the methods that place points and have a model write their texts."""

from dataclasses import dataclass, field

from condensers.errors import SettingError
from condensers.methods.llm_config import LLMCondenserConfig
from condensers.placement import SCORE_MODELS


@dataclass(frozen=True)
class RealisingConfig(LLMCondenserConfig):
    """What writes a text for a point: an inverter where there is one, else the language model.

    Raises:
        SettingError: if a value is out of its range.
    """

    inverter: str | None = field(
        default=None,
        metadata={"help": "EmbeddingInverter trained for the embedder, folder or Hub id; None has the LLM write."},
    )
    corrector: str | None = field(default=None, metadata={"help": "InverterCorrector that goes with the inverter."})
    correction_rounds: int = field(default=2, metadata={"help": "Rounds of correction, with a corrector."})
    beam_width: int = field(default=1, metadata={"help": "Texts of the inverter kept for a point between rounds."})
    num_neighbours: int = field(
        default=5, metadata={"help": "Source rows around a point that the LLM is shown, where it writes the text."}
    )
    num_candidates: int = field(default=4, metadata={"help": "Texts written for a point; the closest is taken."})

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_least(self, correction_rounds=0, beam_width=1, num_neighbours=1, num_candidates=1)
        if self.corrector is not None and self.inverter is None:
            raise SettingError(
                f"`corrector` ({self.corrector!r}) corrects what an inverter wrote, and there is none. Pass "
                f"`inverter=` (`--inverter`) too."
            )


@dataclass(frozen=True)
class ScoredConfig(RealisingConfig):
    """Which density the points are drawn to.

    Raises:
        SettingError: if a value is out of its range.
    """

    score_model: str | None = field(
        default=None,
        metadata={"help": "gaussian_mixture, kernel_density or denoising_network; None is the placement's own."},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.score_model is not None and self.score_model not in SCORE_MODELS:
            raise SettingError(f"`score_model` must be one of {', '.join(SCORE_MODELS)}; got {self.score_model!r}.")


@dataclass(frozen=True)
class PInRConfig(ScoredConfig):
    """Settings of `PInRCondenser`; L and K are those of Appendix B.1.

    Raises:
        SettingError: if a value is out of its range.
    """

    refinement_prompt: str | None = field(
        default=None,
        metadata={
            "help": "What a variant is asked for with: pinr/generic (None), pinr/gsm8k, pinr/quora, pinr/ag_news, "
            "pinr/sst2, or a file."
        },
    )
    num_variants: int = field(default=3, metadata={"help": "Variants of a text in a round of refinement (L)."})
    num_seeds: int = field(default=1, metadata={"help": "Texts kept for a point between rounds (K)."})
    num_rounds: int = field(default=2, metadata={"help": "Rounds of refinement (T + 1); 0 leaves it out."})

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_least(self, num_variants=1, num_seeds=1, num_rounds=0)


def _check_least(config: RealisingConfig, **least: int) -> None:
    for name, limit in least.items():
        value = getattr(config, name)
        if value is not None and value < limit:
            raise SettingError(f"`{name}` must be at least {limit}; got {value}.")
