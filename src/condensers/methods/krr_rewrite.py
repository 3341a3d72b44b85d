"""Rows that a language model puts in other words, chosen so that ridge regression on them knows all labels."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from condensers.data import Rows
from condensers.data.dedup import normalise
from condensers.embedding import EmbeddedRows
from condensers.errors import SettingError
from condensers.llm import live_usage
from condensers.methods.condensed import Condensed, cluster_sizes, cosines
from condensers.methods.llm_condenser import LLMCondenser
from condensers.methods.llm_config import LLMCondenserConfig
from condensers.methods.matching_condenser import check_labelled
from condensers.methods.rounds import stand_in_rows
from condensers.methods.run_estimate import RunEstimate, run_estimate
from condensers.methods.source import PreparedSource
from condensers.methods.writing import Desk, Events, Rewrite, Task, Written, too_few_rows
from condensers.selection import KRRExchange

# How often all is rewritten again, if of a class too little can be used.
_EXTRA_DRAWS = 3


@dataclass(frozen=True)
class KRRRewriteConfig(LLMCondenserConfig):
    """How much is written, and what is chosen from.

    Raises:
        SettingError: if a value is out of its range.
    """

    rewritten: int = field(default=5, metadata={"help": "Source rows to rewrite, in multiples of the budget."})
    candidates: int = field(default=10, metadata={"help": "How often each is rewritten."})
    ridge: float = field(default=1.0, metadata={"help": "Of the regression; see `KRRExchange`."})
    typical: float = field(
        default=0.2, metadata={"help": "Share of each class that may be rewritten; see `KRRExchange`."}
    )
    at_length: bool = field(
        default=True, metadata={"help": "Have rows told at greater length; False keeps their length."}
    )
    by_words: bool = field(
        default=True, metadata={"help": "Choose by the words of what was written too, not by its vectors alone."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("rewritten", "candidates"):
            if getattr(self, name) < 1:
                raise SettingError(f"`{name}` must be at least 1; got {getattr(self, name)}.")
        KRRExchange(ridge=self.ridge, typical=self.typical)  # raises


class KRRRewriteCondenser(LLMCondenser):
    """Written rows for the objective of KIP (Nguyen, Chen and Lee 2021); ours.

    `KRRExchange` chooses several sets of rows of the size of the budget, one after the other, none of which shares a
    row with another. A language model puts each of their rows in other words a few times. Of all that it wrote, the
    exchange chooses the rows from which kernel ridge regression predicts the labels of the whole source best. So the
    reward is of a set, not of its rows one by one, and the model needs to be shown one text at a time, which the
    smallest ones manage.

    Of written texts many lie at one place for the embedder, and differ in their words. So the choice among them is by
    both, which on training rows of sst2 that were held out served a linear model on TF-IDF, a TextRNN and the probe
    alike; among real rows it served neither of the last two (`KRRExchange.words`).

    Rows are told at greater length, in two to three times the words (`at_length`), which on those rows served all four
    learners that were tried. So they take longer to read, and to train on, than as many rows of the source. Of a pair
    the second text is rewritten, and keeps its length.

    No row is a copy of one of the source. Reads the labels of all rows.
    """

    condenser_type = "krr_rewrite"
    config_class: ClassVar[type[KRRRewriteConfig]] = KRRRewriteConfig
    config: KRRRewriteConfig

    def _estimate(self, rows: Rows, shares: Mapping[int, int]) -> RunEstimate:
        check_labelled(rows, self.condenser_type)
        n = self.config.candidates
        writer = self._writer(Desk(self.llm, Events(), n_samples=n), Task(rows))
        expected, most = [], []
        for code, share in shares.items():
            size = min(self.config.rewritten * share, rows.class_counts[code])
            typical, longest = (stand_in_rows(rows, size, longest=long) for long in (False, True))
            expected.append((writer.plan(typical, {code: size}, None), n))
            most.append((writer.plan(longest, {code: size}, self.config.reply_tokens), n))
        return run_estimate(expected, most, self.config.prices, n_rounds=1)

    def _condense(self, prepared: PreparedSource, shares: Mapping[int, int]) -> Condensed:
        check_labelled(prepared.rows, self.condenser_type)
        llm, events, task = self._fresh_llm(), Events(), Task(prepared.rows)
        rows, source_codes = EmbeddedRows(prepared.rows.texts, prepared.vectors), prepared.rows.codes
        exchange = KRRExchange(ridge=self.config.ridge, typical=self.config.typical, words=self.config.by_words)
        seeds = exchange.select_sets(rows, source_codes, shares, self.config.rewritten)
        with live_usage(llm.usage):
            written = self._written(Desk(llm, events, n_samples=self.config.candidates), task, seeds, shares)
        self._llm_record = {
            "model": llm.name,
            "fingerprint": llm.fingerprint,
            "reply_format": "single",
            "events": events.to_dict(),
            "usage": llm.usage.to_dict(),
        }
        codes = np.asarray([row.code for row in written], dtype=np.int64)
        counts = {code: min(n, int((codes == code).sum())) for code, n in shares.items()}
        if counts != dict(shares) and not (llm.usage.reached and all(counts.values())):
            raise too_few_rows(
                llm.name,
                task,
                counts,
                shares,
                events,
                tried=f"though {len(written)} were written in all",
                advice="Use a stronger model, or raise `candidates` (`--candidates`), `rewritten` (`--rewritten`) or "
                "the limit that was reached",
            )
        self._warn_if_stopped(llm, sum(counts.values()), shares)
        vectors = self.embedder.encode([row.text for row in written])
        texts = EmbeddedRows([row.text for row in written], vectors)
        chosen = exchange.select_among(texts, codes, rows, source_codes, counts)
        return Condensed.joined(
            [
                self._class(prepared, code, [written[i] for i in places], vectors[places])
                for code, places in chosen.items()
            ]
        )

    def _writer(self, desk: Desk, task: Task) -> Rewrite:
        return Rewrite(desk, task, at_length=self.config.at_length)

    def _written(
        self, desk: Desk, task: Task, seeds: Mapping[int, np.ndarray], shares: Mapping[int, int]
    ) -> list[Written]:
        """Other words for the rows, each text once; asked for again as long as a class has too few."""
        writer, n = self._writer(desk, task), self.config.candidates
        found: dict[str, Written] = {}
        for draw in range(1 + _EXTRA_DRAWS):
            counts = Counter(row.code for row in found.values())
            short = {code: seeds[code] for code in shares if counts[code] < shares[code]}
            if not short or desk.stopped:
                break
            # Replies that were asked for anew are those behind the samples of a draw.
            first = 2 * n * draw
            wanted = {code: len(positions) for code, positions in short.items()}
            for candidate in writer.write(short, wanted, range(first, first + n)):
                for row in candidate.rows:
                    found.setdefault(normalise(row.text), row)
        return list(found.values())

    def _class(self, prepared: PreparedSource, code: int, rows: Sequence[Written], vectors: np.ndarray) -> Condensed:
        parents = [list(row.parents) for row in rows]
        positions = np.flatnonzero(prepared.rows.codes == code)
        return Condensed(
            texts=[row.text for row in rows],
            codes=np.full(len(rows), code, dtype=np.int64),
            similarity=cosines(vectors, prepared.vectors[np.concatenate(parents)]),
            parents=parents,
            cluster_size=cluster_sizes(prepared.of_class(positions).vectors, vectors),
        )
