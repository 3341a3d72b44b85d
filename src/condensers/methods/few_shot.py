"""Few-shot prompting, a baseline."""

from collections.abc import Sequence

import numpy as np

from condensers.methods.guided_rounds import Guide, Kept
from condensers.methods.rounds import RoundCondenser
from condensers.methods.source import PreparedSource
from condensers.methods.subset_sizes import SubsetSizes
from condensers.methods.writing import Events, Subset


class RandomRetrieval(Guide):
    """Retrieves rows at random, anew each round.

    Args:
        prepared: The source rows.
        seed: Of the draws.
    """

    def __init__(self, prepared: PreparedSource, seed: int) -> None:
        self.prepared = prepared
        self._rng = np.random.default_rng(seed)

    def retrieve(self, size: int, kept: Sequence[Kept]) -> Subset:
        """Draws rows of each class without replacement; see `Guide.retrieve`."""
        return {
            code: self._rng.permutation(positions)[: min(size, len(positions))]
            for code, positions in self.prepared.rows.by_class()
        }


class FewShotCondenser(RoundCondenser):
    """Naive few-shot prompting: the LLM is shown real rows and asked for more like them (CondenseLM, Table 7, row 1).

    That row keeps the rewards and replaces LDSC only: it is ``CondenseLMCondenser(use_ldsc=False)``. Here nothing but
    the prompting is left: rows drawn at random, one candidate, no rewards. The paper prints no prompt; ours asks for
    rows of like length that differ from those shown.
    """

    condenser_type = "few_shot"

    def _guide(self, prepared: PreparedSource, sizes: SubsetSizes, events: Events) -> Guide:
        return RandomRetrieval(prepared, self.config.seed)
