"""The base of methods that write more rows like those of a source."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from datasets import Dataset, Value

from condensers.data import QuestionColumns, Rows
from condensers.embedding import embed_texts
from condensers.errors import BudgetError, SettingError
from condensers.llm import CachedLLM, Desk, Events, Prompt
from condensers.llm.protocol import LIMIT
from condensers.llm.tokens import rough_tokens
from condensers.methods.condensed import Condensed, cluster_sizes, cosines
from condensers.methods.generation import (
    AnswerWriter,
    Generated,
    Generation,
    GenerationConfig,
    Sieve,
    Tally,
    WriteAfter,
    as_prompts,
    reference_texts,
)
from condensers.methods.llm_condenser import LLMCondenser
from condensers.methods.run_estimate import Chats, RunEstimate, run_estimate, stand_ins
from condensers.methods.source import PreparedSource
from condensers.methods.writing import Planned
from condensers.softsrv.targeted import SPARE

_logger = logging.getLogger(__name__)


class GeneratingCondenser(LLMCondenser):
    """Writes rows like those of a source, as many as are asked for: more than it has, if need be.

    SoftSRV, Section 3.3, for its adapter and for its baselines alike: texts are written after the rows, which take
    turns in an order that the seed draws; those that repeat others, copy a row or hold parts of a test set go;
    clusters of the others give one each in turn (Appendix A.2); and a language model answers them. What is dropped
    and why stands in the record (`RunRecord.generation`). Where an answer cannot be had, the next text has its turn.

    A question and its answer come out in the columns ``prompt`` and ``completion``, ready for TRL's SFTTrainer, or in
    those of the source (`row_format`). Labelled rows are written class by class, and a text has the label of the row
    that it was written after; the paper has no labels.
    """

    config_class: ClassVar[type[GenerationConfig]] = GenerationConfig
    config: GenerationConfig
    may_exceed_source = True
    object_settings = ("llm", "against")

    def __init__(self, config: GenerationConfig | None = None, **settings: Any) -> None:
        self._generation: dict[str, Any] | None = None
        self._made: Dataset | None = None
        super().__init__(config, **settings)

    @property
    def asks_llm(self) -> bool:
        """Whether these settings need a language model: for answers, if there is one."""
        return self.config.llm is not None

    def check_settings(self) -> None:
        """Raises what can be known to be wrong before any rows are read; see `Condenser.check_settings`.

        Raises:
            SettingError: if weights are asked for.
        """
        super().check_settings()
        if self.config.weight is not None:
            raise SettingError(
                f"the method {self.condenser_type!r} writes more rows, which stand for none of the source, so they "
                f"have no `weight`; got {self.config.weight!r}. Leave it out; `score_synthetic` weights such rows."
            )

    def in_source_columns(self, rows: Dataset) -> Dataset:
        """The rows that the last `condense` gave, with the columns of the source, whatever `row_format` is."""
        return rows if self._made is None else self._made

    def _writer(self, prepared: PreparedSource, llm: CachedLLM | None, events: Events) -> WriteAfter:
        """Makes what writes in this run."""
        raise NotImplementedError

    def _answer_prompt(self) -> Prompt:
        raise NotImplementedError

    def _answering_llm(self, llm: CachedLLM) -> CachedLLM:
        """The model that answers, where `llm` writes."""
        return llm

    @property
    def _kind(self) -> str:
        """What a row is called in prompts."""
        return "question"

    def _condense(self, prepared: PreparedSource, shares: Mapping[int, int]) -> Condensed:
        rows, config = prepared.rows, self.config
        questions = config.questions_of(rows.dataset)
        against = self._objects.get("against", config.against)
        # First, since all else takes longer.
        references = [] if against is None else reference_texts(against, self._source, questions)
        llm = self._fresh_llm() if self.asks_llm else None
        events, tally = Events(), Tally()
        self._llm_record = self._generation = None
        generation = Generation(
            self._writer(prepared, llm, events),
            Sieve(rows, references, num_clusters=config.num_clusters, dim=config.num_dimensions, seed=config.seed),
            None if questions.answer is None or llm is None else self._answers(llm, events, rows, questions),
            tally,
            lambda: llm is not None and llm.usage.problems[LIMIT] > 0,
        )
        made = {}
        for code, n in shares.items():
            positions = np.flatnonzero(rows.codes == code)
            num_written = self._num_written(n, shares)
            made[code] = generation.run(positions, n, num_written=num_written, allow_fewer=config.allow_fewer)
        self._generation = {
            **tally.to_dict(),
            "answer": questions.answer,
            "row_format": "prompt_completion" if self._gives_prompts(questions) else "source",
            "against": config.against,
            **self._facts(),
        }
        if llm is not None:
            self._llm_record = {
                "model": llm.name,
                "fingerprint": llm.fingerprint,
                "reply_format": "text",
                "events": events.to_dict(),
                "usage": llm.usage.to_dict(),
            }
        self._check_made(made, shares, tally)
        parts = [self._condensed_class(prepared, code, found, questions) for code, found in made.items() if found]
        return Condensed.joined(parts)

    def _num_written(self, n: int, shares: Mapping[int, int]) -> int | None:
        """Texts to write for a class of which `n` rows are wanted; None if the settings do not say."""
        return self.config.num_written and -(-self.config.num_written * n // sum(shares.values()))

    def _facts(self) -> dict[str, Any]:
        """What a method has to add to the record of what it wrote."""
        return {}

    def _check_made(self, made: Mapping[int, list[Generated]], shares: Mapping[int, int], tally: Tally) -> None:
        n_rows, n_wanted = sum(map(len, made.values())), sum(shares.values())
        if not n_rows:
            raise BudgetError(
                "the spending limit was reached before a row was whole. Raise it; what was replied so far is in the "
                "cache and costs nothing the next time."
            )
        if n_rows < n_wanted:
            _logger.warning("there are %d of %d rows; of what was written, %s.", n_rows, n_wanted, tally)

    def _answers(self, llm: CachedLLM, events: Events, rows: Rows, questions: QuestionColumns) -> AnswerWriter:
        answering = self._answering_llm(llm)
        is_boolean = rows.dataset.features[questions.answer or ""] == Value("bool")
        # How an object of the user's draws is not known.
        draws = "llm" in self._objects or self.config.answer_temperature > 0
        desk = Desk(
            answering,
            events,
            n_samples=1,
            max_input_tokens=self.config.max_input_tokens,
            # A reply that mends another begins with an apology, which is no answer; True and False have room for none.
            second_chances=draws or is_boolean,
            regenerates=draws,
        )
        return AnswerWriter(desk, self._answer_prompt(), questions, kind=self._kind, is_boolean=is_boolean)

    def _condensed_class(
        self, prepared: PreparedSource, code: int, made: list[Generated], questions: QuestionColumns
    ) -> Condensed:
        texts, parents = [row.text for row in made], np.asarray([row.parent for row in made], dtype=np.int64)
        vectors = embed_texts(texts, self.embedder).vectors[:]
        own = prepared.vectors.rows(np.flatnonzero(prepared.rows.codes == code))
        return Condensed(
            texts=texts,
            codes=np.full(len(texts), code, dtype=np.int64),
            similarity=cosines(vectors, prepared.vectors[parents]),
            parents=[[i] for i in parents.tolist()],
            cluster_size=cluster_sizes(own, vectors),
            further={} if questions.answer is None else {questions.answer: [row.answer for row in made]},
        )

    def _as_dataset(self, condensed: Condensed, rows: Rows) -> Dataset:
        dataset = super()._as_dataset(condensed, rows)
        questions = self.config.questions_of(rows.dataset)
        if not self._gives_prompts(questions):
            self._made = None
            return dataset
        self._made = dataset
        label = rows.columns.label
        provenance = [name for name in dataset.column_names if name not in rows.dataset.column_names]
        return as_prompts(dataset, questions, [*([label] if label else []), *provenance])

    def _gives_prompts(self, questions: QuestionColumns) -> bool:
        return questions.answer is not None and self.config.row_format != "source"

    def _outcome(self) -> Mapping[str, Any]:
        return {**super()._outcome(), "generation": self._generation}

    # What it will cost

    def _estimate(self, rows: Rows, shares: Mapping[int, int]) -> RunEstimate:
        n = sum(shares.values())
        written = [self._num_written(share, shares) or SPARE * share for share in shares.values()]
        expected, most = (
            [*self._writing_chats(rows, written, longest=longest), *self._answer_chats(rows, n, longest=longest)]
            for longest in (False, True)
        )
        own_work = {**self._own_work(rows), "texts written": sum(written)}
        return run_estimate(expected, most, self.config.prices, n_rounds=1, own_work=own_work)

    def _own_work(self, rows: Rows) -> dict[str, int]:
        return {}

    def _writing_chats(self, rows: Rows, written: Sequence[int], *, longest: bool) -> Chats:
        """The chats that so many texts of each class take."""
        return []

    def _answer_chats(self, rows: Rows, n: int, *, longest: bool) -> Chats:
        questions = self.config.questions_of(rows.dataset)
        if questions.answer is None:
            return []
        writer = AnswerWriter(Desk(self.llm, Events(), n_samples=1), self._answer_prompt(), questions, kind=self._kind)
        (text,) = stand_ins(rows, 1, longest=longest)
        known = [str(answer) for answer in rows.dataset.with_format(None)[questions.answer][:]]
        usual = rough_tokens("x" * round(float(np.mean([len(answer) for answer in known]))))
        return [([Planned(writer.messages(text), self.config.reply_tokens if longest else usual)], n)]
