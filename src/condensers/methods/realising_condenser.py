"""Points, and a model that writes a text for each: what PInR, DaLLME and MGD3 have in common."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

from condensers.data import Rows
from condensers.errors import SettingError
from condensers.inversion import LLMWriter, Realiser
from condensers.inversion.inverter import EmbeddingInversion, EmbeddingInverter, InverterCorrector
from condensers.inversion.inverter.embedding_inversion import load_prefixed
from condensers.llm import live_usage
from condensers.llm.model_digest import folder_digests
from condensers.llm.protocol import LIMIT
from condensers.llm.tokens import rough_tokens
from condensers.methods.components import describe
from condensers.methods.condensed import Condensed
from condensers.methods.embedding_condenser import EmbeddingCondenser
from condensers.methods.learned import LearnedPart, Savable
from condensers.methods.llm_condenser import LLMCondenser
from condensers.methods.placing import AnyPlacement
from condensers.methods.realising_config import RealisingConfig, ScoredConfig
from condensers.methods.run_estimate import RunEstimate, run_estimate, stand_ins
from condensers.methods.source import PreparedSource
from condensers.methods.writing import Planned
from condensers.placement import SCORE_MODELS

_MODELS = {"inverter": EmbeddingInverter, "corrector": InverterCorrector}


class RealisingCondenser(LLMCondenser, EmbeddingCondenser):
    """An `EmbeddingCondenser` whose texts are written, by an inverter if there is one, else by a language model.

    An inverter or corrector that is passed as an object is saved with the condenser, in a folder of its own; one that
    is named is named. What the placement learns is saved too, and serves other budgets and seeds without another fit.
    A `realiser` or `polisher` that is passed stands in place of those that the settings describe.
    """

    config_class: ClassVar[type[RealisingConfig]] = RealisingConfig
    config: RealisingConfig
    object_settings = ("llm", "inverter", "corrector")
    default_realiser: ClassVar[Realiser | None] = None

    def __init__(self, config: RealisingConfig | None = None, **settings: Any) -> None:
        self._loaded_models: dict[str, tuple[str, Any]] = {}
        super().__init__(config, **settings)

    @property
    def deterministic(self) -> bool:
        """Whether the seed changes nothing; texts are drawn."""
        return False

    @property
    def asks_llm(self) -> bool:
        """Whether these settings need a language model."""
        return self._writes_with_llm

    @property
    def _writes_with_llm(self) -> bool:
        return self.realiser is None and self.config.inverter is None

    def check_settings(self) -> None:
        """Raises what can be known to be wrong before any rows are read; see `Condenser.check_settings`.

        Raises:
            SettingError: if there is nothing to write texts with, or the inverter was trained for another embedder.
            SourceNotFoundError: if a model is not where it should be.
        """
        if self._writes_with_llm and self.config.llm is None:
            raise SettingError(
                f"the method {self.condenser_type!r} has nothing to write texts with. Pass `inverter=` "
                f"(`--inverter`), the folder or Hub id of an EmbeddingInverter that was trained for the embedder "
                f"(trainers/train_inverter.py makes one), or `llm=` (`--llm`), a language model that writes from the "
                f"rows around each point."
            )
        super().check_settings()
        if self.realiser is None and not self._writes_with_llm:
            self._inversion().check()

    def _configure(self, settings: Mapping[str, Any]) -> None:
        super()._configure(settings)
        for name in _MODELS:
            if name not in settings:
                continue
            self._parts.pop(name, None)
            if name in self._objects:
                self._parts[name] = _part_of(self._objects[name])

    def _placement(self) -> AnyPlacement:
        if isinstance(self.config, ScoredConfig) and self.config.score_model is not None:
            return replace(self.placement, score=SCORE_MODELS[self.config.score_model]())  # type: ignore[type-var]
        return self.placement

    def _realiser(self, prepared: PreparedSource) -> Realiser:
        if self.realiser is not None:
            return self.realiser
        return self._writer(prepared.rows) if self._writes_with_llm else self._inversion()

    def _writer(self, rows: Rows) -> LLMWriter:
        return LLMWriter(
            self.llm,
            self.embedder,
            num_neighbours=self.config.num_neighbours,
            num_candidates=self.config.num_candidates,
            columns=rows.columns,
            max_input_tokens=self.config.max_input_tokens,
        )

    def _inversion(self) -> EmbeddingInversion:
        config = self.config
        return EmbeddingInversion(
            inverter=self._model("inverter"),
            corrector=self._model("corrector"),
            embedder=self.embedder,
            num_rounds=config.correction_rounds,
            beam_width=config.beam_width,
            num_candidates=config.num_candidates,
            seed=config.seed,
        )

    def _model(self, name: str) -> Any:  # noqa: ANN401  (an inverter, a corrector or None)
        """The model of a setting, loaded once."""
        if name in self._parts:
            return self._parts[name].value
        source = getattr(self.config, name)
        if source is None:
            return None
        if self._loaded_models.get(name, ("", None))[0] != source:
            self._loaded_models[name] = (source, load_prefixed(source, _MODELS[name]))
        return self._loaded_models[name][1]

    def _condense(self, prepared: PreparedSource, shares: Mapping[int, int]) -> Condensed:
        self._llm_record = None
        if not self.asks_llm:
            return super()._condense(prepared, shares)
        llm = self._fresh_llm()
        with live_usage(llm.usage):
            condensed = super()._condense(prepared, shares)
        events = (self._stages or {}).get("writing", {}).get("events", {})
        self._llm_record = {
            "model": llm.name,
            "fingerprint": llm.fingerprint,
            "reply_format": "text",
            "events": events,
            "usage": llm.usage.to_dict(),
        }
        return condensed

    def _is_stopped(self) -> bool:
        return self.asks_llm and self.llm.usage.problems[LIMIT] > 0

    def _used(self, prepared: PreparedSource) -> dict[str, Any]:
        used = {
            "placement": self._placement(),
            "realiser": self._realiser(prepared),
            "polisher": self._polisher(prepared),
        }
        return {name: part and describe(part) for name, part in used.items()}

    # What it will cost

    def _estimate(self, rows: Rows, shares: Mapping[int, int]) -> RunEstimate:
        n, prices = sum(shares.values()), self.config.prices
        expected, most = (self._chats(rows, n, longest=longest) for longest in (False, True))
        return run_estimate(expected, most, prices, n_rounds=1)

    def _chats(self, rows: Rows, n: int, *, longest: bool) -> list[tuple[list[Planned], int]]:
        """The chats of all points, and how often each is asked; rows of mean length, or the longest, stand for all."""
        if not self._writes_with_llm:
            return []
        writer = self._writer(rows)
        shown = stand_ins(rows, self.config.num_neighbours, longest=longest)
        n_asked = n * writer.num_candidates
        chats = writer.plan(shown)
        # At most, no point gets a text from its rows.
        forms = list(chats) if longest else ["rows"]
        usual = rough_tokens(shown[0])
        return [([Planned(chats[form][0], chats[form][1] if longest else usual)], n_asked) for form in forms]

    # Saving

    def _document(self) -> dict[str, Any]:
        document = super()._document()
        digests = folder_digests({name: getattr(self.config, name) for name in _MODELS if name not in self._parts})
        objects = {**document.get("objects", {}), **digests}
        return {**document, **({"objects": objects} if objects else {})}

    def _load_part(self, name: str, folder: Path) -> Savable:
        return load_prefixed(folder, _MODELS[name]) if name in _MODELS else super()._load_part(name, folder)

    def _copy(self) -> Self:
        copy = super()._copy()
        copy._loaded_models = dict(self._loaded_models)
        return copy

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | os.PathLike[str], **settings: Any) -> Self:
        """Loads a condenser; see `Condenser.from_pretrained`."""
        condenser = super().from_pretrained(pretrained_model_name_or_path, **settings)
        condenser._configure({name: settings[name] for name in _MODELS if settings.get(name) is not None})
        return condenser


def _part_of(model: Any) -> LearnedPart:  # noqa: ANN401  (an inverter or a corrector)
    digest = str(model.digest()) if hasattr(model, "digest") else type(model).__name__
    return LearnedPart(digest, lambda: model)
