"""Settings of every condenser that asks a language model."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from condensers.errors import SettingError
from condensers.llm import Prices, SpendingLimits
from condensers.methods.config import CondenserConfig

Dtype = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class LLMCondenserConfig(CondenserConfig):
    """Which language model is asked, how, and what it may cost.

    Raises:
        SettingError: if a value is out of its range.
    """

    llm: str | None = field(
        default=None,
        metadata={"help": "MODEL@BASE_URL of an OpenAI-compatible server, a model folder or Hub id, or 'offline'."},
    )
    temperature: float = field(default=1.0, metadata={"help": "0 takes the likeliest token each time."})
    reply_tokens: int = field(default=1024, metadata={"help": "Longest reply, in tokens."})
    max_input_tokens: int | None = field(
        default=None,
        metadata={"help": "Split what is shown to the model so that no chat is longer; None splits when it refuses."},
    )
    concurrency: int = field(default=8, metadata={"help": "Requests under way at once; in process, the batch."})
    timeout: float = field(default=120.0, metadata={"help": "Seconds a request to a server may take."})
    llm_dtype: Dtype | None = field(
        default=None,
        metadata={"help": "Weights of a model in process; None takes float32 on CPUs, bfloat16 elsewhere."},
    )
    max_requests: int | None = field(default=None, metadata={"help": "Stop after so many requests."})
    max_tokens: int | None = field(default=None, metadata={"help": "Stop after so many tokens, in and out."})
    max_cost: float | None = field(
        default=None, metadata={"help": "Stop at this cost, in the currency of the prices."}
    )
    input_price: float | None = field(default=None, metadata={"help": "Price of a million tokens in."})
    output_price: float | None = field(default=None, metadata={"help": "Price of a million tokens out."})

    def __post_init__(self) -> None:
        for name in ("reply_tokens", "concurrency", "max_input_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingError(f"`{name}` must be at least 1; got {value}.")
        if self.llm_dtype is not None and self.llm_dtype not in get_args(Dtype):
            raise SettingError(f"`llm_dtype` must be one of {', '.join(get_args(Dtype))}; got {self.llm_dtype!r}.")
        if self.temperature < 0:
            raise SettingError(f"`temperature` must be 0 or more; got {self.temperature}.")
        if self.timeout <= 0:
            raise SettingError(f"`timeout` must be above 0; got {self.timeout}.")

    @property
    def prices(self) -> Prices | None:
        """What tokens cost; None if no price is given."""
        if self.input_price is None and self.output_price is None:
            return None
        return Prices(self.input_price or 0.0, self.output_price or 0.0)

    @property
    def limits(self) -> SpendingLimits:
        """Where a run stops."""
        return SpendingLimits(self.max_requests, self.max_tokens, self.max_cost)


@dataclass(frozen=True)
class RoundConfig(LLMCondenserConfig):
    """How a condensed set is put together from subsets, round by round.

    Raises:
        SettingError: if a value is out of its range.
    """

    subset_size: int | None = field(
        default=None, metadata={"help": "Rows of a class retrieved a round; None goes by the dataset (Table 3)."}
    )
    condensed_size: int | None = field(
        default=None, metadata={"help": "Rows of a class they are condensed to; None goes by the dataset (Table 3)."}
    )
    reply_format: Literal["auto", "json", "lines", "single"] = field(
        default="auto",
        metadata={
            "help": "How rows are asked for: 'json', 'lines', 'single' rows, or what the model manages: 'auto'."
        },
    )
    extra_rounds: int = field(
        default=5, metadata={"help": "Rounds beyond those needed, to make up for replies that cannot be used."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("subset_size", "condensed_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingError(f"`{name}` must be at least 1; got {value}.")
        if self.extra_rounds < 0:
            raise SettingError(f"`extra_rounds` must be 0 or more; got {self.extra_rounds}.")
        if self.reply_format not in ("auto", "json", "lines", "single"):
            raise SettingError(
                f"`reply_format` must be 'auto', 'json', 'lines' or 'single'; got {self.reply_format!r}."
            )
