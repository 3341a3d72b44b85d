"""The base of condensers that ask a language model."""

import logging
import os
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from datasets import Dataset, DatasetDict

from condensers.data import Rows, load_source
from condensers.errors import BudgetError, SettingError
from condensers.llm import CachedLLM, SamplingSettings, Usage, is_served, load_llm
from condensers.methods.condenser import Condenser
from condensers.methods.llm_config import LLMCondenserConfig
from condensers.methods.run_estimate import RunEstimate
from condensers.methods.source import read_source

_logger = logging.getLogger(__name__)


class LLMCondenser(Condenser):
    """A condenser that asks a language model, never twice the same, within the user's limits.

    ``llm=`` takes what `load_llm` takes: ``MODEL@BASE_URL``, a model's folder or Hub id, ``"offline"``, or an `LLM`.
    An LLM of the user's brings its own sampling settings, prices and limits, and stays in this process: a saved or
    pickled condenser knows its name only.
    """

    config_class: ClassVar[type[LLMCondenserConfig]] = LLMCondenserConfig
    config: LLMCondenserConfig
    object_settings: ClassVar[tuple[str, ...]] = ("llm",)
    """Settings for which an object may stand in place of a name."""

    def __init__(self, config: LLMCondenserConfig | None = None, **settings: Any) -> None:
        self._objects: dict[str, Any] = {}
        self._loaded_llm: tuple[dict[str, Any], CachedLLM] | None = None
        self._llm_record: dict[str, Any] | None = None
        super().__init__(config, **settings)

    @property
    def llm(self) -> CachedLLM:
        """The language model behind its cache, loaded at first use.

        Raises:
            SettingError: if none is set.
            CondensersError: the leaf that fits, if it cannot be loaded.
        """
        key = self._llm_settings()
        if self._loaded_llm is None or self._loaded_llm[0] != key:
            self._loaded_llm = (key, self._load_llm())
        return self._loaded_llm[1]

    def _configure(self, settings: Mapping[str, Any]) -> None:
        settings = dict(settings)
        for name in self.object_settings:
            value = settings.get(name)
            if value is None:
                continue
            if isinstance(value, (str, os.PathLike)):
                self._objects.pop(name, None)
                settings[name] = os.fspath(value)
            else:
                self._objects[name] = value
                settings[name] = _name_of(value)
        super()._configure(settings)

    def check_settings(self) -> None:
        """Raises what can be known to be wrong before any rows are read; see `Condenser.check_settings`."""
        super().check_settings()
        if self.asks_llm:
            self._check_llm()

    @property
    def asks_llm(self) -> bool:
        """Whether these settings need a language model."""
        return True

    def estimate(
        self,
        dataset: str | os.PathLike[str] | Dataset | DatasetDict,
        *,
        split: str | None = None,
        name: str | None = None,
        revision: str | None = None,
        **settings: Any,
    ) -> RunEstimate:
        """Says what `condense` will ask of the language model; sends nothing, embeds nothing and fits nothing.

        Which rows will be shown to it is not known yet: rows of mean length, and the longest ones, stand for them.

        Args:
            dataset: See `fit`.
            split: See `fit`.
            name: See `fit`.
            revision: See `fit`.
            **settings: Settings to change first.

        Raises:
            CondensersError: as `condense` does.
        """
        self._configure(settings)
        self.check_settings()
        if self.config.auto:
            raise BudgetError(
                "an estimate embeds nothing, and `per_class='auto'` is found from vectors. Find it with `condensers "
                "budget` (`budget_curve`), and estimate that number."
            )
        rows, _ = read_source(load_source(dataset, split=split, name=name, revision=revision), self.config)
        return self._estimate(rows, self._shares(rows))

    def _estimate(self, rows: Rows, shares: Mapping[int, int]) -> RunEstimate:
        """See `estimate`."""
        raise NotImplementedError

    def _check_llm(self) -> None:
        if self.config.llm is None:
            raise SettingError(
                f"the method {self.condenser_type!r} asks a language model, and none is set. Pass `llm=` (`--llm`): "
                f"MODEL@BASE_URL of an OpenAI-compatible server, such as Qwen/Qwen3-8B@http://localhost:8000/v1, the "
                f"folder of a model, or 'offline'."
            )
        own = "llm" in self._objects
        if self.config.llm_dtype and (own or is_served(self.config.llm)):
            who = "an LLM object" if own else repr(self.config.llm)
            raise SettingError(
                f"`llm_dtype` ({self.config.llm_dtype}) is for a model that is loaded into this process; {who} has "
                f"its own. Leave it out."
            )
        limits = self.config.limits  # raises where one is negative
        prices = self.config.prices
        if limits.max_cost is not None and prices is None:
            raise SettingError(
                f"`max_cost` ({limits.max_cost}) needs prices: pass `input_price` and `output_price` "
                f"(`--input-price`, `--output-price`), for a million tokens."
            )
        if own and (prices is not None or any(vars(limits).values())):
            raise SettingError(
                "limits and prices of an LLM object belong to it: pass `usage=Usage(prices, limits)` when you make it."
            )

    def _fresh_llm(self) -> CachedLLM:
        """The language model with its counts at zero, unless it is the user's own."""
        llm = self.llm
        if "llm" not in self._objects:
            llm.usage = Usage(self.config.prices, self.config.limits)
            setattr(llm.llm, "usage", llm.usage)  # noqa: B010  (not part of the protocol)
        return llm

    def _warn_if_stopped(self, llm: CachedLLM, n_rows: int, shares: Mapping[int, int]) -> None:
        """Says that a spending limit left fewer rows than were wanted."""
        if n_rows < sum(shares.values()):
            _logger.warning(
                "the limit %s was reached with %d of %d rows; they are what is returned.",
                llm.usage.reached,
                n_rows,
                sum(shares.values()),
            )

    def _llm_settings(self) -> dict[str, Any]:
        names = ("llm", "reply_tokens", "concurrency", "timeout", "llm_dtype", "seed")
        settings = {name: getattr(self.config, name) for name in names}
        return settings | {"temperature": self._llm_temperature, "object": self._objects.get("llm")}

    @property
    def _llm_temperature(self) -> float:
        return self.config.temperature

    def _load_llm(self) -> CachedLLM:
        own = self._objects.get("llm")
        if own is not None:
            return own if isinstance(own, CachedLLM) else CachedLLM(own, keep_problems=True)
        config = self.config
        self._check_llm()
        spec = config.llm or ""
        sampling = SamplingSettings(
            temperature=self._llm_temperature, max_tokens=config.reply_tokens, seed=config.seed
        )
        options = (
            {"max_concurrency": config.concurrency, "timeout": config.timeout}
            if is_served(spec)
            else {"batch_size": config.concurrency, "dtype": config.llm_dtype}
        )
        return CachedLLM(load_llm(spec, sampling=sampling, **options), keep_problems=True)

    def _identity(self, name: str) -> str:
        """What tells the value of a setting from others: its name, and the digest of an object."""
        digest = _digest_of(self._objects[name]) if name in self._objects else ""
        return f"{getattr(self.config, name)}:{digest}"

    def _outcome(self) -> Mapping[str, Any]:
        return {**super()._outcome(), "llm": self._llm_record}

    def _document(self) -> dict[str, Any]:
        objects = {name: _digest_of(value) for name, value in sorted(self._objects.items())}
        return {**super()._document(), **({"objects": objects} if objects else {})}

    def _copy(self) -> Self:
        copy = super()._copy()
        copy._objects = dict(self._objects)
        copy._loaded_llm = self._loaded_llm
        return copy


def _name_of(value: Any) -> str:  # noqa: ANN401  (any object of the user's)
    config_name = getattr(getattr(value, "config", None), "name_or_path", None)
    return str(getattr(value, "name", None) or config_name or type(value).__name__)


def _digest_of(value: Any) -> str:  # noqa: ANN401  (any object of the user's)
    """What tells an object from others of its name, for fingerprints."""
    if hasattr(value, "fingerprint"):
        return str(value.fingerprint)
    if isinstance(value, Dataset):
        return str(value._fingerprint)
    return str(value.digest()) if hasattr(value, "digest") else type(value).__name__
