"""PT, a baseline of SoftSRV: a language model is asked for rows in words."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, cast

import numpy as np

from condensers.data import Columns, Rows
from condensers.llm import CachedLLM, Events, Prompt, Usage, live_usage, prompt_names
from condensers.llm.tokens import rough_tokens
from condensers.methods.generating_condenser import GeneratingCondenser
from condensers.methods.generation import DOMAINS, PromptTemplateConfig, WriteAfter, Written
from condensers.methods.run_estimate import Chats, stand_ins
from condensers.methods.source import PreparedSource
from condensers.methods.writing import Planned
from condensers.softsrv.prompted import PromptTemplateWriter


class PromptTemplateCondenser(GeneratingCondenser):
    """PT of SoftSRV (Section 3.2): a language model is shown a row and asked for ten more.

    The requests are those of the paper's Figures 8 and 9 in our own words; ``per_row=1`` is Figure 10. With `domain`
    they speak of Python questions, school maths or passages; without, of any `kind` of rows.

    Args:
        config: Settings; see `Condenser`.
        embedder: See `Condenser`.
        **settings: Those of `PromptTemplateConfig`. `llm` and `against` may be objects.
    """

    condenser_type = "prompt_template"
    config_class: ClassVar[type[PromptTemplateConfig]] = PromptTemplateConfig
    config: PromptTemplateConfig

    @property
    def asks_llm(self) -> bool:
        """Whether these settings need a language model."""
        return True

    @property
    def _kind(self) -> str:
        return self.config.kind or DOMAINS.get(self.config.domain or "", "question")

    def _prompt(self, task: str, given: str | None) -> Prompt:
        """The user's own, else the domain's, else the one for any rows."""
        of_domain = f"softsrv/{self.config.domain}/{task}"
        return Prompt.load(given or (of_domain if of_domain in prompt_names() else f"softsrv/{task}"))

    def _answer_prompt(self) -> Prompt:
        return self._prompt("answer", self.config.answer_prompt)

    def _template_writer(self, llm: CachedLLM, columns: Columns, events: Events) -> PromptTemplateWriter:
        return PromptTemplateWriter(
            llm,
            kind=self._kind,
            per_row=self.config.per_row,
            prompt=self._prompt("questions", self.config.question_prompt),
            separator=columns.separator.strip() if len(columns.text) > 1 else None,
            max_input_tokens=self.config.max_input_tokens,
            events=events,
        )

    def _writer(self, prepared: PreparedSource, llm: CachedLLM | None, events: Events) -> WriteAfter:
        llm = cast(CachedLLM, llm)
        writer, texts = self._template_writer(llm, prepared.columns, events), prepared.rows.texts

        def write(positions: np.ndarray, n: int) -> Written:
            turns = np.random.default_rng(self.config.seed).permutation(positions)
            with live_usage(llm.usage):
                written, parents = writer.write([texts[i] for i in turns.tolist()], n)
            return Written(written, turns[parents], {})

        return write

    def _answering_llm(self, llm: CachedLLM) -> CachedLLM:
        inner: Any = llm.llm
        if "llm" in self._objects or not hasattr(inner, "with_sampling"):
            return llm
        sampling = replace(inner.sampling, temperature=self.config.answer_temperature)
        answering = CachedLLM(inner.with_sampling(sampling), llm.path, keep_problems=True)
        self._share(answering, llm.usage)
        return answering

    @staticmethod
    def _share(llm: CachedLLM, usage: Usage) -> None:
        llm.usage = usage
        setattr(llm.llm, "usage", usage)  # noqa: B010  (not part of the protocol)

    def _writing_chats(self, rows: Rows, written: Sequence[int], *, longest: bool) -> Chats:
        config = self.config
        writer = self._template_writer(self.llm, rows.columns, Events())
        (example,) = stand_ins(rows, 1, longest=longest)
        request, *refining = writer.plan(example)
        text = rough_tokens(example)
        most = config.reply_tokens
        n_requests = sum(-(-n // config.per_row) for n in written)
        chats = [([Planned(request, most if longest else config.per_row * text)], n_requests)]
        chats += [([Planned(chat, most if longest else text)], sum(written) * writer.refinements) for chat in refining]
        return chats
