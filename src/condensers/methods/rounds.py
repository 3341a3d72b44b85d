"""Condensation round by round: retrieve a subset, have an LLM condense it, add the best candidate."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from datasets import Dataset, DatasetDict

from condensers.data import Rows, load_source
from condensers.errors import SettingError
from condensers.llm import Estimate, estimate, live_usage
from condensers.methods.condensed import Condensed, cluster_sizes, cosines
from condensers.methods.guided_rounds import N_TRIED, Guide, Kept, Rounds
from condensers.methods.llm_condenser import LLMCondenser
from condensers.methods.llm_config import RoundConfig
from condensers.methods.source import PreparedSource, read_source
from condensers.methods.subset_sizes import SubsetSizes, subset_sizes
from condensers.methods.writing import Desk, Events, FewShot, Form, Planned, Rewrite, Task, Writer

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunEstimate:
    """What a run will need of its language model if nothing goes wrong.

    Attributes:
        n_rounds: Rounds.
        n_requests: Requests: exact, unless replies have to be repaired or another form of reply is fallen back to.
        n_input_tokens: Tokens in, at the mean length of rows.
        n_output_tokens: Tokens out, at a guess of each reply's length.
        max_input_tokens: Tokens in at most: the longest rows are retrieved, and replies quoted are as long as can be.
        max_output_tokens: Tokens out at most: every reply takes all of `reply_tokens`.
        cost: Of the expected tokens at the user's prices; None without.
        max_cost: Of the most tokens.
        counted_by: How tokens were counted.
    """

    n_rounds: int
    n_requests: int
    n_input_tokens: int
    n_output_tokens: int
    max_input_tokens: int
    max_output_tokens: int
    cost: float | None
    max_cost: float | None
    counted_by: str


class RoundCondenser(LLMCondenser):
    r"""Iterative, subset-wise condensation (CondenseLM, Section 2.2 and Algorithm 1).

    .. math:: D_{syn} = \bigcup_{t=1}^{T} S_{syn}^{(t)}, \quad |S_{syn}^{(t)}| = K' \text{ of each class}

    In each round a `Guide` retrieves K rows of each class, a `Writer` makes N candidates for K' rows of each class,
    and the candidate with the highest sum of rewards is kept. T follows from the budget, and the last round may
    be smaller.
    """

    config_class: ClassVar[type[RoundConfig]] = RoundConfig
    config: RoundConfig

    @property
    def n_candidates(self) -> int:
        """Candidates a round, N."""
        return 1

    def _guide(self, prepared: PreparedSource, sizes: SubsetSizes, events: Events) -> Guide:
        """Makes the guide of one run."""
        raise NotImplementedError

    def _structured_writer(self, desk: Desk, task: Task, form: Form) -> Writer:
        """Makes the writer, for any form but ``single``."""
        return FewShot(desk, task, form)

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

        Which rows will be retrieved is not known yet: rows of mean length, and the longest ones, stand for them.

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
        rows, _ = read_source(load_source(dataset, split=split, name=name, revision=revision), self.config)
        task, shares = self._task(rows), self._shares(rows)
        sizes = subset_sizes(rows, self.config)
        form: Form = "json" if self.config.reply_format == "auto" else self.config.reply_format
        writer = self._writer(Desk(self.llm, Events(), n_samples=self.n_candidates), task, form)
        typical, longest = (_stand_ins(rows, sizes.retrieved, longest=longest) for longest in (False, True))
        expected, most = [], []
        n_done, n_rounds = 0, 0
        while wanted := {code: n for code, share in shares.items() if (n := min(sizes.condensed, share - n_done)) > 0}:
            is_trial = self.config.reply_format == "auto" and not n_done
            n = max(self.n_candidates, N_TRIED) if is_trial else self.n_candidates
            expected.append((writer.plan(typical, wanted, None), n))
            most.append((writer.plan(longest, wanted, self.config.reply_tokens), n))
            n_done, n_rounds = n_done + sizes.condensed, n_rounds + 1
        few, many = self._totals(expected), self._totals(most)
        return RunEstimate(
            n_rounds=n_rounds,
            n_requests=few.n_requests,
            n_input_tokens=few.n_input_tokens,
            n_output_tokens=few.n_output_tokens,
            max_input_tokens=many.n_input_tokens,
            max_output_tokens=many.n_output_tokens,
            cost=few.cost,
            max_cost=many.cost,
            counted_by=few.counted_by,
        )

    def _totals(self, rounds: Sequence[tuple[list[Planned], int]]) -> Estimate:
        prices = self.config.prices
        parts = [
            estimate([planned.messages], n=n, output_tokens=planned.n_reply_tokens, prices=prices)
            for chats, n in rounds
            for planned in chats
        ]
        n_in, n_out = (sum(getattr(part, name) for part in parts) for name in ("n_input_tokens", "n_output_tokens"))
        return Estimate(
            n_requests=sum(part.n_requests for part in parts),
            n_cached=0,
            n_input_tokens=n_in,
            n_output_tokens=n_out,
            cost=prices.cost(n_in, n_out) if prices else None,
            counted_by=parts[0].counted_by,
        )

    def _condense(self, prepared: PreparedSource, shares: Mapping[int, int]) -> Condensed:
        task = self._task(prepared.rows)
        sizes = subset_sizes(prepared.rows, self.config)
        llm, events = self._fresh_llm(), Events()
        guide = self._guide(prepared, sizes, events)
        rounds = Rounds(
            self.config,
            task,
            guide,
            sizes,
            llm,
            events,
            n_candidates=self.n_candidates,
            make_writer=self._writer,
        )
        with live_usage(llm.usage):
            kept = rounds.run(shares)
        self._llm_record = rounds.record()
        if len(kept) < sum(shares.values()):
            _logger.warning(
                "the limit %s was reached with %d of %d rows; they are what is returned.",
                llm.usage.reached,
                len(kept),
                sum(shares.values()),
            )
        return self._condensed(prepared, kept)

    def _condensed(self, prepared: PreparedSource, kept: Sequence[Kept]) -> Condensed:
        parts = []
        for code, positions in prepared.rows.by_class():
            own = [each for each in kept if each.row.code == code]
            if not own:
                continue
            texts = [each.row.text for each in own]
            vectors = self.embedder.encode(texts)
            points = np.stack([prepared.vectors[np.asarray(each.row.parents)].mean(axis=0) for each in own])
            parts.append(
                Condensed(
                    texts=texts,
                    codes=np.full(len(own), code, dtype=np.int64),
                    similarity=cosines(vectors, points),
                    parents=[list(each.row.parents) for each in own],
                    cluster_size=cluster_sizes(prepared.of_class(positions).vectors, vectors),
                    reward=np.asarray([each.reward for each in own], dtype=np.float32),
                    rounds=np.asarray([each.round for each in own], dtype=np.int64),
                )
            )
        return Condensed.joined(parts)

    def _task(self, rows: Rows) -> Task:
        if not rows.class_names:
            raise SettingError(
                f"the method {self.condenser_type!r} needs labelled rows, and these have no label column. Name it "
                f"with `label=`, or choose a method that needs none, such as k_center."
            )
        return Task(rows)

    def _writer(self, desk: Desk, task: Task, form: Form) -> Writer:
        return Rewrite(desk, task) if form == "single" else self._structured_writer(desk, task, form)


def _stand_ins(rows: Rows, size: int, *, longest: bool) -> dict[int, np.ndarray]:
    """Rows of each class of about mean length, or the longest ones."""
    lengths = np.asarray([len(text) for text in rows.texts])
    found = {}
    for code, positions in rows.by_class():
        own = lengths[positions]
        distance = -own if longest else np.abs(own - own.mean())
        found[code] = positions[np.argsort(distance, kind="stable")[:size]]
    return found
