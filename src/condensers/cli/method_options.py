"""Settings of methods, each an option with its help written once, and how a command gets them."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Annotated, Any

import typer

_LLM = "Methods that ask a language model"
_EVOLUTION = "Texts that evolve: aug_pe"
_WRITTEN = "What is written, sifted and answered"
_ADAPTER = "The adapter: softsrv"
_REQUESTS = "What is asked for: prompt_template, self_refine"
_MATCHING = "Methods that match gradients: discretization, dilm"
_POINTS = "Methods that write a text for a point: pinr, dallme, mgd3"

LLMName = Annotated[
    str | None,
    typer.Option(
        "--llm",
        help="MODEL@BASE_URL of an OpenAI-compatible server, a model folder or Hub id, or 'offline'. The key of a "
        "server comes from the environment variable OPENAI_API_KEY.",
        rich_help_panel=_LLM,
    ),
]
RewardModel = Annotated[
    str | None,
    typer.Option(
        help="Encoder that gives the rewards: Hub id, folder, or 'offline'; 'probe' takes linear probes on the "
        "embeddings instead, seconds on a CPU where encoders take hours.",
        rich_help_panel=_LLM,
    ),
]
ReplyFormat = Annotated[
    str | None,
    typer.Option(
        help="How rows are asked for: json, lines, single rows, or auto, what the model manages.", rich_help_panel=_LLM
    ),
]
Candidates = Annotated[
    int | None,
    typer.Option(
        help="Candidates a round, of which the best is kept; for krr_rewrite, a row. Usually 10.", rich_help_panel=_LLM
    ),
]
Rewritten = Annotated[
    int | None,
    typer.Option(help="krr_rewrite: source rows to rewrite, in multiples of the budget; 5.", rich_help_panel=_LLM),
]
Topic = Annotated[
    str | None,
    typer.Option(
        help="What the texts are: 'film reviews'. Rows without labels need it.",
        rich_help_panel=_EVOLUTION,
    ),
]
Words = Annotated[
    int | None,
    typer.Option(help="Words of a text, about; the source's median, unless private.", rich_help_panel=_EVOLUTION),
]
Iterations = Annotated[int | None, typer.Option(help="How often real rows vote; 10.", rich_help_panel=_EVOLUTION)]
Variations = Annotated[
    int | None,
    typer.Option(help="New versions of each text kept, in each iteration; 3.", rich_help_panel=_EVOLUTION),
]
Initial = Annotated[
    int | None,
    typer.Option(help="Texts written at first, in multiples of the budget; 4.", rich_help_panel=_EVOLUTION),
]
VaryBy = Annotated[
    str | None,
    typer.Option(
        help="How versions come about: rephrase, or fill_in for blanks, which needs a strong model.",
        rich_help_panel=_EVOLUTION,
    ),
]
Epsilon = Annotated[
    float | None,
    typer.Option(help="Privacy budget of the run; without it there is no guarantee.", rich_help_panel=_EVOLUTION),
]
Delta = Annotated[
    float | None,
    typer.Option(help="With --epsilon; well below one in the number of rows.", rich_help_panel=_EVOLUTION),
]
Temperature = Annotated[float | None, typer.Option(help="Of the sampling; 1.0.", rich_help_panel=_LLM)]
ReplyTokens = Annotated[int | None, typer.Option(help="Longest reply, in tokens; 1024.", rich_help_panel=_LLM)]
Concurrency = Annotated[int | None, typer.Option(help="Requests under way at once; 8.", rich_help_panel=_LLM)]
LLMDtype = Annotated[
    str | None,
    typer.Option(
        help="Weights of a model in process: float32, bfloat16 or float16. On CPUs float32 unless given; those with "
        "AMX write faster in bfloat16.",
        rich_help_panel=_LLM,
    ),
]
MaxRequests = Annotated[
    int | None, typer.Option(help="Stop after so many requests, with the rows there are.", rich_help_panel=_LLM)
]
MaxTokens = Annotated[int | None, typer.Option(help="Stop after so many tokens, in and out.", rich_help_panel=_LLM)]
MaxCost = Annotated[float | None, typer.Option(help="Stop at this cost; needs the prices.", rich_help_panel=_LLM)]
InputPrice = Annotated[float | None, typer.Option(help="Price of a million tokens in.", rich_help_panel=_LLM)]
OutputPrice = Annotated[float | None, typer.Option(help="Price of a million tokens out.", rich_help_panel=_LLM)]
Inverter = Annotated[
    str | None,
    typer.Option(
        help="EmbeddingInverter trained for the embedder, folder or Hub id; without it the LLM writes the texts.",
        rich_help_panel=_POINTS,
    ),
]
Corrector = Annotated[
    str | None, typer.Option(help="InverterCorrector that goes with the inverter.", rich_help_panel=_POINTS)
]
NumNeighbours = Annotated[
    int | None, typer.Option(help="Source rows around a point that the LLM is shown; 5.", rich_help_panel=_POINTS)
]
NumCandidates = Annotated[
    int | None,
    typer.Option(help="Texts written for a point, of which the closest is taken; usually 4.", rich_help_panel=_POINTS),
]
ScoreModel = Annotated[
    str | None,
    typer.Option(help="gaussian_mixture, kernel_density or denoising_network.", rich_help_panel=_POINTS),
]
RefinementPrompt = Annotated[
    str | None,
    typer.Option(
        help="pinr: pinr/generic, pinr/gsm8k, pinr/quora, pinr/ag_news, pinr/sst2, or a file.", rich_help_panel=_POINTS
    ),
]
NumVariants = Annotated[
    int | None, typer.Option(help="pinr: variants of a text in a round of refinement; 3.", rich_help_panel=_POINTS)
]
NumSeeds = Annotated[
    int | None, typer.Option(help="pinr: texts kept for a point between rounds; 1.", rich_help_panel=_POINTS)
]
NumRounds = Annotated[
    int | None, typer.Option(help="pinr: rounds of refinement; 2, and 0 leaves it out.", rich_help_panel=_POINTS)
]
Classifier = Annotated[
    str | None,
    typer.Option(
        help="Encoder of the classifier whose gradients are matched: a Hub id, a folder, or 'offline'.",
        rich_help_panel=_MATCHING,
    ),
]
MatchingSteps = Annotated[
    int | None,
    typer.Option(help="Comparisons of gradients; 1000, of dilm 20000.", rich_help_panel=_MATCHING),
]
MatchingRate = Annotated[
    float | None,
    typer.Option(help="Learning rate of what matches; 0.01, of dilm 3e-7.", rich_help_panel=_MATCHING),
]
RowWriter = Annotated[
    str | None,
    typer.Option(
        "--generator",
        help="Language model that dilm trains: a Hub id, a folder, or 'offline'; HuggingFaceTB/SmolLM2-135M.",
        rich_help_panel=_MATCHING,
    ),
]
TrainingSteps = Annotated[
    int | None,
    typer.Option(help="Steps that teach dilm's model to write like the source; 80000.", rich_help_panel=_MATCHING),
]
TrainingRate = Annotated[
    float | None, typer.Option(help="Learning rate of these steps; 1e-5.", rich_help_panel=_MATCHING)
]
Oversampling = Annotated[
    int | None, typer.Option(help="Texts that dilm writes for each row it keeps; 100.", rich_help_panel=_MATCHING)
]
Against = Annotated[
    str | None,
    typer.Option(
        help="Test rows: a split of the source, or a dataset. What shares 13 words in a row with one is dropped.",
        rich_help_panel=_WRITTEN,
    ),
]
RowFormat = Annotated[
    str | None,
    typer.Option(
        help="prompt_completion, as TRL's SFTTrainer takes rows, or source, its columns; the former with answers.",
        rich_help_panel=_WRITTEN,
    ),
]
NumWritten = Annotated[
    int | None,
    typer.Option(
        help="Texts to write and choose among; twice the budget, and more if few can stay.", rich_help_panel=_WRITTEN
    ),
]
NumClusters = Annotated[
    int | None, typer.Option(help="Clusters that give one text each in turn; 700.", rich_help_panel=_WRITTEN)
]
AnswerPrompt = Annotated[
    str | None,
    typer.Option(
        help="What an answer is asked for with: a prompt that ships, or a file. softsrv asks the question alone.",
        rich_help_panel=_WRITTEN,
    ),
]
AnswerTemperature = Annotated[
    float | None, typer.Option(help="Of the answers; 0. --temperature is that of the texts.", rich_help_panel=_WRITTEN)
]
Generator = Annotated[
    str | None,
    typer.Option(
        help="Language model that the adapter steers: a Hub id, a folder, or 'offline'; HuggingFaceTB/SmolLM2-135M.",
        rich_help_panel=_ADAPTER,
    ),
]
Adapter = Annotated[
    str | None,
    typer.Option(
        help="Folder or Hub id of an adapter that is trained (trainers/train_softsrv.py); without it, one is trained "
        "and kept.",
        rich_help_panel=_ADAPTER,
    ),
]
Parameterization = Annotated[
    str | None,
    typer.Option(help="How a row's vector becomes virtual tokens: mlp, mixture, static.", rich_help_panel=_ADAPTER),
]
NumVirtualTokens = Annotated[int | None, typer.Option(help="Virtual tokens; 128.", rich_help_panel=_ADAPTER)]
NumBases = Annotated[int | None, typer.Option(help="Bases of a mixture; 2.", rich_help_panel=_ADAPTER)]
MaxSteps = Annotated[int | None, typer.Option(help="Steps of training; 20000.", rich_help_panel=_ADAPTER)]
LearningRate = Annotated[
    float | None, typer.Option(help="5e-6, for 20000 steps; tens of steps want 1e-3.", rich_help_panel=_ADAPTER)
]
TrainBatchSize = Annotated[int | None, typer.Option(help="Rows a step; 16.", rich_help_panel=_ADAPTER)]
MaxLength = Annotated[
    int | None, typer.Option(help="Tokens of a text, read or written; 256.", rich_help_panel=_ADAPTER)
]
WriteBatchSize = Annotated[int | None, typer.Option(help="Texts written together; 32.", rich_help_panel=_ADAPTER)]
KeepUnfinished = Annotated[
    bool | None, typer.Option("--keep-unfinished", help="Keep texts that are cut off.", rich_help_panel=_ADAPTER)
]
Domain = Annotated[
    str | None,
    typer.Option(help="Requests of the paper for mbpp, gsm8k or boolq; else for any rows.", rich_help_panel=_REQUESTS),
]
RowKind = Annotated[
    str | None, typer.Option("--kind", help="What a row is: 'riddle'; question.", rich_help_panel=_REQUESTS)
]
PerRow = Annotated[
    int | None, typer.Option(help="Texts asked for at once, after one row; 10.", rich_help_panel=_REQUESTS)
]
QuestionPrompt = Annotated[
    str | None, typer.Option(help="What texts are asked for with: a file.", rich_help_panel=_REQUESTS)
]
Refinements = Annotated[
    int | None, typer.Option(help="self_refine: rounds of criticism; 3.", rich_help_panel=_REQUESTS)
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Say how many requests and tokens it will take, and send none.", rich_help_panel=_LLM
    ),
]
# By name, in the order of ``--help``: what `takes` gives to commands.
_ASKING: dict[str, Any] = {
    "temperature": Temperature,
    "reply_tokens": ReplyTokens,
    "concurrency": Concurrency,
    "llm_dtype": LLMDtype,
    "max_requests": MaxRequests,
    "max_tokens": MaxTokens,
    "max_cost": MaxCost,
    "input_price": InputPrice,
    "output_price": OutputPrice,
}
CONDENSING: dict[str, Any] = {
    "llm": LLMName,
    "reward_model": RewardModel,
    "reply_format": ReplyFormat,
    "candidates": Candidates,
    "rewritten": Rewritten,
    "inverter": Inverter,
    "corrector": Corrector,
    "num_neighbours": NumNeighbours,
    "num_candidates": NumCandidates,
    "score_model": ScoreModel,
    "refinement_prompt": RefinementPrompt,
    "num_variants": NumVariants,
    "num_seeds": NumSeeds,
    "num_rounds": NumRounds,
    "classifier": Classifier,
    "matching_steps": MatchingSteps,
    "matching_rate": MatchingRate,
    "generator": RowWriter,
    "training_steps": TrainingSteps,
    "training_rate": TrainingRate,
    "oversampling": Oversampling,
    "topic": Topic,
    "words": Words,
    "iterations": Iterations,
    "variations": Variations,
    "initial": Initial,
    "vary_by": VaryBy,
    "epsilon": Epsilon,
    "delta": Delta,
    **_ASKING,
}
GENERATING: dict[str, Any] = {
    "against": Against,
    "row_format": RowFormat,
    "num_written": NumWritten,
    "num_clusters": NumClusters,
    "answer_prompt": AnswerPrompt,
    "answer_temperature": AnswerTemperature,
    "generator": Generator,
    "adapter": Adapter,
    "parameterization": Parameterization,
    "num_virtual_tokens": NumVirtualTokens,
    "num_bases": NumBases,
    "max_steps": MaxSteps,
    "learning_rate": LearningRate,
    "train_batch_size": TrainBatchSize,
    "max_length": MaxLength,
    "write_batch_size": WriteBatchSize,
    "keep_unfinished": KeepUnfinished,
    "domain": Domain,
    "kind": RowKind,
    "per_row": PerRow,
    "question_prompt": QuestionPrompt,
    "refinements": Refinements,
    "llm": LLMName,
    **_ASKING,
}


def takes(settings: Mapping[str, Any], *, before: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command options for settings of methods, and hands it those that were given as `asked`.

    Args:
        settings: The annotated type of each option, which is None where it is not given, by name.
        before: The option of the command before which ``--help`` has them.
    """

    def with_options(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**given: Any) -> None:  # noqa: ANN401  (what the options are)
            asked = {name: value for name in settings if (value := given.pop(name)) is not None}
            command(asked=asked, **given)

        own = inspect.signature(command)
        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
            for name, kind in settings.items()
        ]
        # Options are passed by name, so any order will do.
        parameters: list[inspect.Parameter] = []
        for parameter in own.parameters.values():
            if parameter.name == before:
                parameters += added
            if parameter.name != "asked":
                parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
        run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return with_options
