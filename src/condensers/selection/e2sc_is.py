"""Rows that are left when those a weak classifier is sure of have gone."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from condensers.embedding import EmbeddedRows, Matrix, iter_blocks
from condensers.errors import SettingError
from condensers.selection.protocol import check_sizes

# Rows a tile of 1024 x max_references distances.
_TILE_ROWS = 1024


@dataclass(frozen=True)
class E2SCIS:
    r"""E2SC-IS (Cunha et al. 2023; CondenseLM, Table 12).

    The nearest neighbours of a row say how surely it is redundant: :math:`\alpha_i` is the share of their votes for
    its class if that class wins, and 0 if another does. A share `reduction` of the rows is then removed, drawn without
    replacement with probabilities in proportion to :math:`\alpha`. The paper estimates that share from the data; it
    leaves most rows, and CondenseLM does not say how it came from those to few. Here they are drawn at random from
    what is left, `counts[code]` of each class. ``reduction=None`` removes by :math:`\alpha` until so many
    are left: at small budgets those are rows that the neighbours get wrong.

    Attributes:
        num_neighbours: Neighbours that vote.
        reduction: Share of rows to remove, in [0, 1); the default is what the authors' code takes for short texts or
            classes of unequal size, in place of its search. None removes all but the budget.
        max_references: Rows, drawn at random, among which neighbours are looked for.
        seed: Seed of all draws.
    """

    num_neighbours: int = 10
    reduction: float | None = 0.25
    max_references: int = 10_000
    seed: int = 0

    def select_by_class(
        self, rows: EmbeddedRows, codes: np.ndarray, counts: Mapping[int, int]
    ) -> dict[int, np.ndarray]:
        """Selects `counts[code]` rows of each class; see `SupervisedSelector.select_by_class`.

        Where a class has too few left, those come back that were removed last.

        Raises:
            BudgetError: if a class has too few rows.
            RowError: if there are fewer than two classes.
            SettingError: if a setting is out of its range.
        """
        check_sizes(rows, codes, counts)
        weights = self.removal_weights(rows.vectors, codes)
        rng = np.random.default_rng((self.seed, 1))
        n_rows = len(codes)
        # The smallest of exponential variables over weights are a weighted draw without replacement, in its order.
        with np.errstate(divide="ignore"):
            keys = rng.exponential(size=n_rows) / weights
        draw = rng.permutation(n_rows)
        rank = np.empty(n_rows, dtype=np.int64)
        rank[np.lexsort((draw, keys))] = np.arange(n_rows)
        n_removed = n_rows
        if self.reduction is not None:
            n_removed = min(int(self.reduction * n_rows), int(np.count_nonzero(weights)))
        removed = rank < n_removed
        order = np.lexsort((np.where(removed, -rank, draw), removed))
        return {code: order[codes[order] == code][:n] for code, n in counts.items()}

    def removal_weights(self, x: Matrix, codes: np.ndarray) -> np.ndarray:
        r""":math:`\alpha` of each row, before it is normalised.

        Shape:
            x: (n_rows, dim), float32; codes: (n_rows,), int64; returns: (n_rows,), float64, in [0, 1].

        Raises:
            SettingError: if a setting is out of its range.
        """
        if self.num_neighbours < 1 or self.max_references < 2:
            raise SettingError(
                f"`num_neighbours` must be at least 1 and `max_references` at least 2; got {self.num_neighbours} and "
                f"{self.max_references}."
            )
        if self.reduction is not None and not 0 <= self.reduction < 1:
            raise SettingError(f"`reduction` must be in [0, 1), or None; got {self.reduction}.")
        names, codes = np.unique(codes, return_inverse=True)
        chosen = np.sort(np.random.default_rng((self.seed, 0)).permutation(len(codes))[: self.max_references])
        references = np.asarray(x[chosen], dtype=np.float32)
        norms = np.einsum("ij,ij->i", references, references)
        n_votes = min(self.num_neighbours, len(chosen) - 1)
        weights = np.empty(len(codes))
        for where, block in iter_blocks(x, _TILE_ROWS):
            costs = norms - 2.0 * (block @ references.T)
            inside = (chosen >= where.start) & (chosen < where.stop)
            costs[chosen[inside] - where.start, np.flatnonzero(inside)] = np.inf
            nearest = np.argpartition(costs, n_votes - 1, axis=1)[:, :n_votes]
            votes = np.zeros((len(block), len(names)))
            np.add.at(votes, (np.arange(len(block))[:, None], codes[chosen[nearest]]), 1.0 / n_votes)
            own = votes[np.arange(len(block)), codes[where]]
            weights[where] = np.where(votes.argmax(axis=1) == codes[where], own, 0.0)
        return weights
