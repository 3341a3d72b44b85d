"""PT_SR, a baseline of SoftSRV: what a language model wrote is criticised and written anew."""

from dataclasses import replace
from typing import ClassVar

from condensers.data import Columns
from condensers.llm import CachedLLM, Events
from condensers.methods.generation import SelfRefineConfig
from condensers.methods.prompt_template import PromptTemplateCondenser
from condensers.softsrv.prompted import PromptTemplateWriter


class SelfRefineCondenser(PromptTemplateCondenser):
    """PT_SR of SoftSRV (Section 3.2; Madaan et al. 2023): PT, with rounds of criticism of each question.

    The critic's and the author's requests are those of the paper's Figure 11 in our own words. A text at which the
    critic has nothing to find fault with stays as it is; the paper says "several rounds", of which we take three.

    Args:
        config: Settings; see `Condenser`.
        embedder: See `Condenser`.
        **settings: Those of `SelfRefineConfig`. `llm` and `against` may be objects.
    """

    condenser_type = "self_refine"
    config_class: ClassVar[type[SelfRefineConfig]] = SelfRefineConfig
    config: SelfRefineConfig

    def _template_writer(self, llm: CachedLLM, columns: Columns, events: Events) -> PromptTemplateWriter:
        return replace(
            super()._template_writer(llm, columns, events),
            refinements=self.config.refinements,
            critique_prompt=self._prompt("critique", self.config.critique_prompt),
            refine_prompt=self._prompt("refine", self.config.refine_prompt),
        )
