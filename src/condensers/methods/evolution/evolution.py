"""The loop of Aug-PE: real rows vote for texts, those with most votes are kept and varied."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from condensers.embedding import Embedder, Matrix
from condensers.errors import BudgetError
from condensers.llm import CachedLLM, Events
from condensers.methods.condensed import cluster_sizes
from condensers.methods.evolution.config import AugPEConfig
from condensers.methods.evolution.privacy import VoteRelease
from condensers.methods.evolution.writer import MAX_SUBJECTS, EvolutionWriter, Kind, Member


@dataclass(frozen=True)
class Elected:
    """A text of the result.

    Attributes:
        member: The text.
        votes: What it was chosen by: votes as released, less the threshold.
    """

    member: Member
    votes: float


def top_voted(votes: np.ndarray, n: int) -> np.ndarray:
    """Positions of the n largest counts, largest first, the first among equals; shape (at most n,), int64."""
    return np.argsort(-votes, kind="stable")[:n]


class Evolution:
    r"""Evolves one population a class (Xie et al. 2024, Algorithm 1).

    In iteration t each real row of a class votes for the text of its class that is nearest to it. Noise may be added,
    a threshold H is taken off and what is below 0 becomes 0. The N texts with most votes are kept,

    .. math:: h_i = \max\left(\left|\{x : i = \arg\min_j \lVert \psi(x) - \psi(s_j) \rVert\}\right|
              + \mathcal N(0, \sigma^2) - H, 0\right)

    and L new versions of each join them, until after T iterations the N that are kept are the result. All classes go
    through an iteration together: a row votes in its own class only, so one release serves all.

    Args:
        config: Settings.
        kinds: The classes.
        voters: Vectors of the real rows of each class.
        embedder: What they were embedded with.
        writer: Writes texts.
        release: Lets votes out.
        llm: Who is asked; only its name and what it spent are read.
        events: Where replies were counted.

    Attributes:
        log: What each iteration did, in public terms.
    """

    def __init__(
        self,
        config: AugPEConfig,
        kinds: Sequence[Kind],
        voters: Callable[[int], Matrix],
        *,
        embedder: Embedder,
        writer: EvolutionWriter,
        release: VoteRelease,
        llm: CachedLLM,
        events: Events,
    ) -> None:
        self.config = config
        self.kinds = {kind.code: kind for kind in kinds}
        self.voters = voters
        self.embedder = embedder
        self.writer = writer
        self.release = release
        self.llm = llm
        self.events = events
        self.log: list[dict[str, Any]] = []
        self._vectors: dict[str, np.ndarray] = {}

    def run(self, shares: Mapping[int, int]) -> dict[int, list[Elected]]:
        """Evolves until the last iteration, or until a spending limit is reached; then with what there is.

        Args:
            shares: Rows wanted of each class.

        Returns:
            For each class its texts, those with most votes first: as many as wanted, unless a limit was reached.

        Raises:
            BudgetError: if the model wrote too few texts that can be used, or a limit was reached before any.
        """
        populations = self._first(shares)
        for iteration in range(1, self.config.iterations + 1):
            elected = self._elect(iteration, populations, shares)
            if iteration == self.config.iterations or self.writer.desk.stopped:
                break
            kept = [(self.kinds[code], [each.member for each in found]) for code, found in elected.items()]
            populations = self.writer.vary(kept, iteration)
        return elected

    def record(self) -> dict[str, Any]:
        """What the record of the run says of its language model."""
        return {
            "model": self.llm.name,
            "fingerprint": self.llm.fingerprint,
            "reply_format": "single",
            "events": self.events.to_dict(),
            "rounds": self.log,
            "usage": self.llm.usage.to_dict(),
        }

    def _first(self, shares: Mapping[int, int]) -> dict[int, list[Member]]:
        """The first population of each class; what is missing to the rows wanted is asked for again."""
        sizes = first_sizes(shares, self.config)
        subjects = self.writer.subjects(list(self.kinds.values()), n_subjects(sizes))
        populations: dict[int, list[Member]] = {code: [] for code in shares}
        numbers = dict.fromkeys(shares, 0)
        wanted = dict(sizes)
        for _ in range(self.config.extra_rounds + 1):
            requests = [(self.kinds[code], numbers[code], n) for code, n in wanted.items() if n > 0]
            for code, members in self.writer.initial(requests, subjects).items():
                populations[code] += members
                numbers[code] += wanted[code]
            wanted = {code: share - len(populations[code]) for code, share in shares.items()}
            if self.writer.desk.stopped or max(wanted.values()) <= 0:
                break
        if not any(populations.values()) and self.writer.desk.stopped:
            raise BudgetError(
                f"the limit {self.llm.usage.reached} was reached before a text was written. Raise it; what was "
                f"replied so far is in the cache and costs nothing the next time."
            )
        if max(wanted.values()) > 0 and not self.writer.desk.stopped:
            raise self._too_few(populations, shares)
        return populations

    def _elect(
        self, iteration: int, populations: Mapping[int, list[Member]], shares: Mapping[int, int]
    ) -> dict[int, list[Elected]]:
        texts = [[member.text for member in members] for members in populations.values()]
        votes = self.release.release(iteration, texts, lambda: self._count(populations))
        elected: dict[int, list[Elected]] = {}
        for (code, members), own in zip(populations.items(), votes, strict=True):
            net = np.maximum(own - self.config.vote_threshold, 0.0)
            elected[code] = [Elected(members[i], float(net[i])) for i in top_voted(net, shares[code]).tolist()]
        kept = [each for found in elected.values() for each in found]
        self.log.append(
            {
                "texts": sum(map(len, texts)),
                "kept": len(kept),
                "new_kept": sum(each.member.iteration == iteration - 1 for each in kept),
                "votes_kept": sum(each.votes for each in kept),
            }
        )
        return elected

    def _count(self, populations: Mapping[int, list[Member]]) -> list[np.ndarray]:
        self._embed([member.text for members in populations.values() for member in members])
        return [self._votes(code, members) for code, members in populations.items()]

    def _votes(self, code: int, members: Sequence[Member]) -> np.ndarray:
        """Votes of the real rows of a class, before any noise; shape (n_members,), int64."""
        if not members:
            return np.zeros(0, dtype=np.int64)
        return cluster_sizes(self.voters(code), np.stack([self._vectors[member.text] for member in members]))

    def _embed(self, texts: Sequence[str]) -> None:
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        known = {text: self._vectors[text] for text in texts if text in self._vectors}
        if new:
            known |= zip(new, np.asarray(self.embedder.encode(new), dtype=np.float32), strict=True)
        self._vectors = known

    def _too_few(self, populations: Mapping[int, list[Member]], shares: Mapping[int, int]) -> BudgetError:
        short = [
            f"{len(populations[code])} of {share}{self._of_class(code)}"
            for code, share in shares.items()
            if len(populations[code]) < share
        ]
        faults = ", ".join(f"{reason} {n}" for reason, n in self.events.unusable.most_common(4)) or "none"
        return BudgetError(
            f"{self.llm.name} wrote too few texts that can be used: {', '.join(short)}. What was wrong with its "
            f"replies: {faults}. Use a stronger model, say more with `topic`, or raise `extra_rounds`; what was "
            f"replied is in the cache and costs nothing again."
        )

    def _of_class(self, code: int) -> str:
        label = self.kinds[code].label
        return "" if label is None else f" of class {label!r}"


def first_sizes(shares: Mapping[int, int], config: AugPEConfig) -> dict[int, int]:
    """How many first texts are asked for, of each class."""
    return {code: share * config.initial for code, share in shares.items()}


def n_subjects(sizes: Mapping[int, int]) -> int:
    """How many subjects are asked for, of each class."""
    return min(MAX_SUBJECTS, max(sizes.values()))
