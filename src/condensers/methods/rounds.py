"""Condensation round by round: retrieve a subset, have an LLM condense it, add the best candidate."""

import logging
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from condensers.data import Rows
from condensers.errors import SettingError
from condensers.llm import live_usage
from condensers.methods.condensed import Condensed, cluster_sizes, cosines
from condensers.methods.guided_rounds import N_TRIED, Guide, Kept, Rounds
from condensers.methods.llm_condenser import LLMCondenser
from condensers.methods.llm_config import RoundConfig
from condensers.methods.run_estimate import RunEstimate, run_estimate
from condensers.methods.source import PreparedSource
from condensers.methods.subset_sizes import SubsetSizes, subset_sizes
from condensers.methods.writing import Desk, Events, FewShot, Form, Rewrite, Task, Writer

_logger = logging.getLogger(__name__)


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

    @property
    def _from_earlier_rounds(self) -> str | None:
        """What takes rows of earlier rounds, so that a run of one round goes without; None if nothing does."""
        return None

    def _guide(self, prepared: PreparedSource, sizes: SubsetSizes, events: Events) -> Guide:
        """Makes the guide of one run."""
        raise NotImplementedError

    def _structured_writer(self, desk: Desk, task: Task, form: Form) -> Writer:
        """Makes the writer, for any form but ``single``."""
        return FewShot(desk, task, form)

    def _estimate(self, rows: Rows, shares: Mapping[int, int]) -> RunEstimate:
        task = self._task(rows)
        sizes = subset_sizes(rows, self.config)
        form: Form = "json" if self.config.reply_format == "auto" else self.config.reply_format
        writer = self._writer(Desk(self.llm, Events(), n_samples=self.n_candidates), task, form)
        typical, longest = (stand_in_rows(rows, sizes.retrieved, longest=longest) for longest in (False, True))
        expected, most = [], []
        n_done, n_rounds = 0, 0
        while wanted := {code: n for code, share in shares.items() if (n := min(sizes.condensed, share - n_done)) > 0}:
            is_trial = self.config.reply_format == "auto" and not n_done
            n = max(self.n_candidates, N_TRIED) if is_trial else self.n_candidates
            expected.append((writer.plan(typical, wanted, None), n))
            most.append((writer.plan(longest, wanted, self.config.reply_tokens), n))
            n_done, n_rounds = n_done + sizes.condensed, n_rounds + 1
        return run_estimate(expected, most, self.config.prices, n_rounds=n_rounds)

    def _condense(self, prepared: PreparedSource, shares: Mapping[int, int]) -> Condensed:
        task = self._task(prepared.rows)
        sizes = subset_sizes(prepared.rows, self.config)
        most = max(shares.values())
        if self._from_earlier_rounds and 1 < most <= sizes.condensed:
            _logger.warning(
                "%s goes without %s: they take rows of earlier rounds, and %d rows a class come out of one. Set "
                "`condensed_size` (`--condensed-size`) below %d.",
                *(self.condenser_type, self._from_earlier_rounds, most, most),
            )
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
        self._warn_if_stopped(llm, len(kept), shares)
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


def stand_in_rows(rows: Rows, size: int, *, longest: bool) -> dict[int, np.ndarray]:
    """Rows of each class of about mean length, or the longest ones."""
    lengths = np.asarray([len(text) for text in rows.texts])
    found = {}
    for code, positions in rows.by_class():
        own = lengths[positions]
        distance = -own if longest else np.abs(own - own.mean())
        found[code] = positions[np.argsort(distance, kind="stable")[:size]]
    return found
