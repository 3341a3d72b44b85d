"""PInR: particles, inversion, refinement."""

from typing import ClassVar

from condensers.data import Rows
from condensers.llm.tokens import rough_tokens
from condensers.methods.realising_condenser import RealisingCondenser, stand_ins
from condensers.methods.realising_config import PInRConfig
from condensers.methods.source import PreparedSource
from condensers.methods.writing import Planned
from condensers.placement import Placement, SteinParticles
from condensers.refinement import LLMRefiner, Refiner

_PROMPT = "pinr/generic"


class PInRCondenser(RealisingCondenser):
    """PInR, Algorithm 1: Stein particles, a text for each, and refinement that holds it near its particle.

    `SteinParticles` + `EmbeddingInversion` + `LLMRefiner`, all classes together. Without an inverter, `LLMWriter`
    writes the texts from the rows around each particle, and nothing is trained. ``num_rounds=0`` leaves refinement out
    (RQ2). A question and its answer are two text columns, joined by the separator (Appendix A.1); a text that lost it
    is mended by the refiner, or drawn anew.

    Where the paper is silent or differs: see `SteinParticles` and `LLMRefiner`.

    Example::

        condenser = PInRCondenser(llm="Qwen/Qwen3-8B@http://localhost:8000/v1", inverter="me/sst2-inverter")
        small = condenser.condense("stanfordnlp/sst2", per_class=10)

    Args:
        config: Settings; see `Condenser`.
        placement: See `EmbeddingCondenser`.
        realiser: See `EmbeddingCondenser`; None follows the settings.
        polisher: See `EmbeddingCondenser`; None follows the settings.
        embedder: See `Condenser`.
        **settings: Those of `PInRConfig`. `llm`, `inverter` and `corrector` may be objects.
    """

    condenser_type = "pinr"
    config_class: ClassVar[type[PInRConfig]] = PInRConfig
    config: PInRConfig
    default_placement: ClassVar[Placement] = SteinParticles()

    @property
    def asks_llm(self) -> bool:
        """Whether these settings need a language model."""
        return super().asks_llm or self._refines

    @property
    def _refines(self) -> bool:
        return self.polisher is None and self.config.num_rounds > 0

    def _polisher(self, prepared: PreparedSource) -> Refiner | None:
        return self._refiner(prepared.rows) if self._refines else self.polisher

    def _refiner(self, rows: Rows) -> LLMRefiner:
        config = self.config
        return LLMRefiner(
            self.llm,
            self.embedder,
            prompt=config.refinement_prompt or _PROMPT,
            columns=rows.columns,
            num_variants=config.num_variants,
            num_seeds=config.num_seeds,
            num_rounds=config.num_rounds,
            max_input_tokens=config.max_input_tokens,
        )

    def _chats(self, rows: Rows, n: int, *, longest: bool) -> list[tuple[list[Planned], int]]:
        chats = super()._chats(rows, n, longest=longest)
        if not self._refines:
            return chats
        refiner = self._refiner(rows)
        (text,) = stand_ins(rows, 1, longest=longest)
        messages, room = refiner.plan(text, rows.class_names[0] if rows.class_names else None)
        # One text in the first round, the K that were kept in the others.
        n_asked = refiner.num_variants * (1 + (refiner.num_rounds - 1) * refiner.num_seeds)
        return [*chats, ([Planned(messages, room if longest else rough_tokens(text))], n * n_asked)]
