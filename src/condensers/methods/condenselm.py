"""CondenseLM: LLM-driven text dataset condensation by reward matching."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from datasets import Dataset

from condensers.errors import SettingError
from condensers.methods.guided_rounds import Guide
from condensers.methods.learned import Savable, fit_key
from condensers.methods.llm_config import RoundConfig
from condensers.methods.reward_matching import RewardMatching
from condensers.methods.reward_models import (
    DEFAULT_REWARD_MODEL,
    PROBE,
    RewardModel,
    fit_on_condensed,
    fit_reward_model,
    new_reward_model,
    reward_source,
    source_reward_rows,
)
from condensers.methods.rounds import RoundCondenser
from condensers.methods.source import PreparedSource
from condensers.methods.subset_sizes import SubsetSizes
from condensers.methods.writing import LDSC, Desk, Events, FewShot, Form, PairLDSC, Task, Writer
from condensers.rewards import RECIPES, EmbeddingProbe, FitRecipe, LabelConfidence

# What `heavy_regularization=False` means the paper does not say: here, how BERT is usually fine-tuned.
USUAL_FIT = FitRecipe(
    learning_rate=2e-5, num_train_epochs=3, batch_size=32, warmup_ratio=0.1, weight_decay=0.01, dropout=0.1
)

_PART = "representability"


@dataclass(frozen=True)
class CondenseLMConfig(RoundConfig):
    """Settings of `CondenseLMCondenser`; the defaults are those of Tables 3 and 13.

    Raises:
        SettingError: if a value is out of its range.
    """

    candidates: int = field(default=10, metadata={"help": "Candidates a round, of which the best is kept (N)."})
    min_representability: float = field(
        default=0.8, metadata={"help": "Rows retrieved have at least this representability reward."}
    )
    min_coverage: float = field(default=0.3, metadata={"help": "Rows retrieved have at least this coverage reward."})
    coverage_weight: float = field(default=0.2, metadata={"help": "Weight of the coverage reward (w)."})
    reward_model: str = field(
        default=DEFAULT_REWARD_MODEL,
        metadata={
            "help": "Encoder of the reward models: Hub id, folder, or 'offline' for the bundled MiniLM; 'probe' takes "
            "linear probes on the embeddings instead, seconds on a CPU where encoders take hours."
        },
    )
    fit_seed: int = field(
        default=0,
        metadata={"help": "Seed of the representability model, apart from `seed`: several sets can share one model."},
    )
    coverage_steps: int = field(default=200, metadata={"help": "Training steps of the coverage model, each round."})
    use_ldsc: bool = field(default=True, metadata={"help": "False prompts with the retrieved rows as examples."})
    use_representability: bool = field(
        default=True, metadata={"help": "False leaves the representability reward out."}
    )
    use_coverage: bool = field(default=True, metadata={"help": "False leaves the coverage reward out."})
    heavy_regularization: bool = field(
        default=True, metadata={"help": "False fits the representability model as classifiers usually are."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("candidates", "coverage_steps"):
            if getattr(self, name) < 1:
                raise SettingError(f"`{name}` must be at least 1; got {getattr(self, name)}.")
        for name, low in (("min_representability", 0), ("min_coverage", -1)):
            if not low <= getattr(self, name) <= 1:
                raise SettingError(f"`{name}` must lie between {low} and 1; got {getattr(self, name)}.")


class CondenseLMCondenser(RoundCondenser):
    """CondenseLM, Algorithm 1 (Section 2): an LLM condenses subsets that reward models choose, and they choose again.

    A representability model is fitted on the source under heavy regularisation, once; it is saved with the condenser
    and kept in the cache. In each round a coverage model is fitted on what is condensed so far, rows of high reward
    are retrieved, the LLM writes ten candidates through LDSC, and the one with the highest sum of rewards is kept.

    Where the paper is silent: the prior of round 1 is 1/C; reward rows of a class that are too few for the thresholds
    give way to the K best; candidates that are written class by class, or row by row, compete class by class, or row
    by row, which has the same best sum; the parents of a row are the retrieved rows of its class.

    Example::

        condenser = CondenseLMCondenser(llm="Qwen/Qwen3-8B@http://localhost:8000/v1", per_class=10)
        small = condenser.condense("stanfordnlp/sst2")

    Args:
        config: Settings; see `Condenser`.
        embedder: See `Condenser`.
        **settings: Those of `CondenseLMConfig`. `llm` may be an `LLM`, and `reward_model` a `LabelConfidence`, of
            which copies are fitted.
    """

    condenser_type = "condenselm"
    config_class: ClassVar[type[CondenseLMConfig]] = CondenseLMConfig
    config: CondenseLMConfig
    object_settings = ("llm", "reward_model")

    @property
    def n_candidates(self) -> int:
        """Candidates a round, N."""
        return self.config.candidates

    @property
    def _from_earlier_rounds(self) -> str | None:
        return "coverage rewards" if self.config.use_coverage else None

    def _structured_writer(self, desk: Desk, task: Task, form: Form) -> Writer:
        if not self.config.use_ldsc:
            return FewShot(desk, task, form)
        return PairLDSC(desk, task, form) if task.is_pair else LDSC(desk, task, form)

    def _guide(self, prepared: PreparedSource, sizes: SubsetSizes, events: Events) -> Guide:
        config = self.config
        return RewardMatching(
            prepared,
            representability=self._representability(prepared) if config.use_representability else None,
            fit_coverage=self._fit_coverage if config.use_coverage else None,
            min_representability=config.min_representability,
            min_coverage=config.min_coverage,
            weight=config.coverage_weight,
            seed=config.seed,
            events=events,
        )

    def _representability(self, prepared: PreparedSource) -> RewardModel:
        recipe = RECIPES["representability"] if self.config.heavy_regularization else USUAL_FIT
        rows = prepared.rows
        depends_on = {
            "part": _PART,
            "model": self._identity("reward_model"),
            "recipe": asdict(recipe),
            "seed": self.config.fit_seed,
        }
        if self._is_probe:
            depends_on["embedder"] = self.embedder.fingerprint

        def fit() -> Any:  # noqa: ANN401  (a RewardModel)
            model = new_reward_model(self._reward_source, rows.class_names, self.config.fit_seed)
            fit_reward_model(model, source_reward_rows(rows), recipe, seed=self.config.fit_seed, progress=True)
            return model

        if not isinstance(self._objects.get("reward_model"), LabelConfidence | None):
            return fit()  # A model of the user's own making, which we would not know how to load.
        return self._learned(_PART, fit_key(rows, depends_on), fit)

    def _fit_coverage(self, rows: Dataset) -> RewardModel:
        config = self.config
        return fit_on_condensed(self._reward_source, rows, steps=config.coverage_steps, seed=config.seed)

    @property
    def _is_probe(self) -> bool:
        return self._objects.get("reward_model", self.config.reward_model) == PROBE

    @property
    def _reward_source(self) -> Any:  # noqa: ANN401  (a name or a RewardModel)
        return reward_source(self._objects.get("reward_model", self.config.reward_model), self.embedder)

    def _load_part(self, name: str, folder: Path) -> Savable:
        if self._is_probe:
            return EmbeddingProbe.from_pretrained(folder, self.embedder)
        return LabelConfidence.from_pretrained(folder)
