"""Settings of the methods that write more rows like those of a source."""

from dataclasses import dataclass, field
from typing import Any, Literal

from datasets import Dataset

from condensers.data import Columns, QuestionColumns, resolve_questions
from condensers.errors import SettingError
from condensers.methods.llm_config import LLMCondenserConfig

DOMAINS = {"mbpp": "Python question", "gsm8k": "grade-school math problem", "boolq": "passage and question"}
"""The domains that prompts ship for, and what a row of each is."""


@dataclass(frozen=True)
class GenerationConfig(LLMCondenserConfig):
    """What rows are written like, sifted by and answered with; the defaults are those of SoftSRV's Appendix A.2.

    Raises:
        SettingError: if a value is out of its range.
    """

    answer: str | None = field(
        default="auto",
        metadata={
            "help": "Column of the answers, which `llm` writes; 'auto' finds the one called like one, None writes "
            "questions alone."
        },
    )
    row_format: Literal["prompt_completion", "source"] | None = field(
        default=None,
        metadata={
            "help": "Columns of what comes out: 'prompt_completion', as TRL's SFTTrainer takes them, or those of the "
            "'source'; None is the former where there are answers."
        },
    )
    against: str | None = field(
        default=None,
        metadata={
            "help": "Test rows of which nothing may be found in what is written: a split of the source, or a dataset."
        },
    )
    num_written: int | None = field(
        default=None,
        metadata={
            "help": "Texts to write and choose among; None writes twice the budget, and more if few are of use."
        },
    )
    num_clusters: int = field(default=700, metadata={"help": "Clusters that give one text each in turn."})
    num_dimensions: int = field(default=100, metadata={"help": "Dimensions that clusters are found in."})
    answer_prompt: str | None = field(
        default=None, metadata={"help": "What an answer is asked for with: a prompt that ships, or a file."}
    )
    answer_temperature: float = field(
        default=0.0, metadata={"help": "Temperature of the answers; 0 takes the likeliest token each time."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_least(self, num_written=1, num_clusters=1, num_dimensions=1)
        if self.answer_temperature < 0:
            raise SettingError(f"`answer_temperature` must be 0 or more; got {self.answer_temperature}.")
        _check_among(self, row_format=("prompt_completion", "source"))
        if self.row_format == "prompt_completion" and self.answer is None:
            raise SettingError("`row_format='prompt_completion'` needs answers, and `answer=None` wants none.")

    @property
    def reading(self) -> tuple:
        """The settings on which depends what is read of a dataset."""
        return (*super().reading, self.answer)

    def questions_of(self, dataset: Dataset) -> QuestionColumns:
        """The columns to write more of; see `resolve_questions` for the errors."""
        return resolve_questions(dataset, self.text, self.label, self.answer, self.separator)

    def columns_of(self, dataset: Dataset) -> Columns:
        """The columns to read, those of the questions.

        Raises:
            SettingError: if questions want answers and there is no language model to give them, or the reverse.
            ColumnError: as `resolve_questions`.
        """
        found = self.questions_of(dataset)
        if found.answer is not None and self.llm is None:
            raise SettingError(
                f"the rows have answers (column {found.answer!r}), and a language model has to answer what is "
                f"written. Pass `llm=` (`--llm`), or write questions alone with `answer=None` (`--answer none`)."
            )
        if found.answer is None and self.row_format == "prompt_completion":
            raise SettingError(
                "`row_format='prompt_completion'` needs answers, and no column is called like one. Name it with "
                "`answer=` (`--answer`)."
            )
        return found.columns


@dataclass(frozen=True)
class SoftSRVCondenserConfig(GenerationConfig):
    """The adapter, how it is trained, and how it writes; the defaults are those of SoftSRV's Section 3.3.

    `temperature` is that of its draws.

    Raises:
        SettingError: if a value is out of its range.
    """

    generator: str = field(
        default="HuggingFaceTB/SmolLM2-135M",
        metadata={"help": "Decoder-only language model that is steered: a Hub id, a folder, or 'offline'."},
    )
    adapter: str | None = field(
        default=None, metadata={"help": "Trained adapter, folder or Hub id; None trains one on the source."}
    )
    parameterization: Literal["static", "mixture", "mlp"] = field(
        default="mlp", metadata={"help": "How a row's vector becomes virtual tokens: static, mixture or mlp."}
    )
    num_virtual_tokens: int = field(default=128, metadata={"help": "Virtual tokens, t."})
    num_bases: int = field(default=2, metadata={"help": "Bases of a mixture, k."})
    mlp_hidden_size: int = field(default=128, metadata={"help": "Width of the layers within an MLP."})
    mlp_num_layers: int = field(default=3, metadata={"help": "Layers of an MLP."})
    max_steps: int = field(default=20_000, metadata={"help": "Steps of training."})
    learning_rate: float = field(
        default=5e-6, metadata={"help": "Learning rate, for 20,000 steps; tens of steps want 1e-3."}
    )
    train_batch_size: int = field(default=16, metadata={"help": "Rows a step of training and device."})
    training_seed: int = field(
        default=0,
        metadata={"help": "Seed of the training; apart from `seed`, so that other draws train nothing anew."},
    )
    max_length: int = field(default=256, metadata={"help": "Tokens of a text, read or written."})
    write_batch_size: int = field(default=32, metadata={"help": "Texts written together."})
    keep_unfinished: bool = field(
        default=False, metadata={"help": "Keep texts that are cut off where they had no tokens left."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes = ("num_virtual_tokens", "num_bases", "mlp_hidden_size", "mlp_num_layers", "max_steps")
        batches = ("train_batch_size", "max_length", "write_batch_size")
        _check_least(self, **dict.fromkeys((*sizes, *batches), 1))
        _check_among(self, parameterization=("static", "mixture", "mlp"))
        if self.learning_rate <= 0:
            raise SettingError(f"`learning_rate` must be above 0; got {self.learning_rate}.")


@dataclass(frozen=True)
class PromptTemplateConfig(GenerationConfig):
    """What the language model is asked for rows with.

    `temperature` is that of the questions. The paper found 2 to suit its model; at 2 most open models write no
    language, so the default stays at 1.

    Raises:
        SettingError: if a value is out of its range.
    """

    domain: str | None = field(
        default=None,
        metadata={"help": "Prompts of the paper for mbpp, gsm8k or boolq; None takes those for any rows."},
    )
    kind: str | None = field(
        default=None, metadata={"help": "What a row is, such as 'riddle'; None goes by the domain, else 'question'."}
    )
    per_row: int = field(default=10, metadata={"help": "Texts asked for at once, after one row."})
    question_prompt: str | None = field(
        default=None, metadata={"help": "What texts are asked for with, in place of the domain's: a prompt or a file."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_least(self, per_row=1)
        _check_among(self, domain=tuple(DOMAINS))


@dataclass(frozen=True)
class SelfRefineConfig(PromptTemplateConfig):
    """How often texts are criticised and written anew.

    Raises:
        SettingError: if a value is out of its range.
    """

    refinements: int = field(
        default=3, metadata={"help": "Rounds of criticism; the paper has several, and a text may pass sooner."}
    )
    critique_prompt: str | None = field(default=None, metadata={"help": "What the critic is asked, in its place."})
    refine_prompt: str | None = field(default=None, metadata={"help": "What the author is asked, in its place."})

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_least(self, refinements=1)


def _check_least(config: GenerationConfig, **least: int) -> None:
    for name, limit in least.items():
        value = getattr(config, name)
        if value is not None and value < limit:
            raise SettingError(f"`{name}` must be at least {limit}; got {value}.")


def _check_among(config: GenerationConfig, **choices: tuple[str, ...]) -> None:
    for name, known in choices.items():
        value: Any = getattr(config, name)
        if value is not None and value not in known:
            raise SettingError(f"`{name}` must be one of {', '.join(known)}; got {value!r}.")
