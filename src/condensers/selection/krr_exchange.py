"""Rows on which kernel ridge regression predicts the labels of all others best."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from condensers.embedding import EmbeddedRows, Matrix, check_finite, iter_blocks
from condensers.embedding.tfidf import tfidf_vectors
from condensers.errors import SettingError
from condensers.placement.label_moments import LabelMoments, with_bias
from condensers.selection.exchange_view import ExchangeView, mean_losses
from condensers.selection.protocol import check_sizes

# An exchange has to promise more than the rounding of its judgement, which is in float32.
_LEAST_GAIN = 1e-5


@dataclass(frozen=True)
class KRRExchange:
    r"""Real rows for the objective of KIP (Nguyen, Chen and Lee 2021), by greedy choice and exchange.

    Minimises over sets :math:`S` with the given number of rows a class

    .. math:: \mathbb{E}\,\lVert k(x, S)\,(k(S, S) + \lambda I)^{-1} Y_S - y \rVert^2, \qquad k(x, z) = x^\top z + 1,

    the mean over all rows, in which classes count the same and labels are one-hot less :math:`1/C`. Rows are first
    added one at a time, a class after the other, each the best there is; then the best of all single exchanges within
    a class is made until none helps. Each is judged by rank-one updates (`ExchangeView`), and the rows enter
    through two matrices of moments (`LabelMoments`), so no pair of source rows is ever compared. A change
    costs O(candidates rows^2), so it is for budgets of up to a few hundred rows. No randomness.

    The chosen rows keep their labels. Of all probabilities that they might be given instead, the hard ones left the
    least loss on sst2; and smoothing the labels of both sides scales the loss, so it chooses the same rows.

    Attributes:
        ridge: :math:`\lambda`.
        typical: Share of each class that may be chosen: the rows of whose class ridge regression on all rows is most
            sure. Rows that are mislabelled, or say little of their class, are left to be predicted. The default is
            the best of 1, 0.5, 0.2 and 0.05 for a linear probe, on longer rows held out of the training rows of sst2.
        words: Judge in the space of words too (TF-IDF, reduced), and take the mean of the losses. On the same rows
            that served neither the probe nor a TextRNN.
        max_candidates: Rows of a class that may be chosen at most, evenly spaced among those that are left.

    Raises:
        SettingError: if `ridge` or `typical` is not positive, `typical` is above 1, or `max_candidates` below 1.
    """

    ridge: float = 1.0
    typical: float = 0.2
    words: bool = False
    max_candidates: int = 50_000

    def __post_init__(self) -> None:
        if not self.ridge > 0:
            raise SettingError(f"`ridge` must be above 0; got {self.ridge!r}.")
        if not 0 < self.typical <= 1:
            raise SettingError(f"`typical` must be above 0 and at most 1; got {self.typical!r}.")
        if self.max_candidates < 1:
            raise SettingError(f"`max_candidates` must be at least 1; got {self.max_candidates!r}.")

    def select_by_class(
        self, rows: EmbeddedRows, codes: np.ndarray, counts: Mapping[int, int]
    ) -> dict[int, np.ndarray]:
        """Selects `counts[code]` rows of each class; see `SupervisedSelector.select_by_class`.

        Raises:
            BudgetError: if a class has fewer rows than are asked for.
            RowError: if there are fewer than two classes, or vectors hold numbers that are not finite.
        """
        check_sizes(rows, codes, counts)
        check_finite(rows.vectors)
        moments = LabelMoments.of(rows.vectors, codes)
        candidates = self._candidates(rows.vectors, codes, counts, moments)
        words = tfidf_vectors(rows.texts) if self.words else None
        spaces = [(rows.vectors[candidates], moments)]
        if words is not None:
            spaces.append((words[candidates], LabelMoments.of(words, codes)))
        return {code: candidates[chosen] for code, chosen in self._chosen(spaces, codes[candidates], counts).items()}

    def select_among(
        self,
        texts: EmbeddedRows,
        codes_of_texts: np.ndarray,
        rows: EmbeddedRows,
        codes: np.ndarray,
        counts: Mapping[int, int],
    ) -> dict[int, np.ndarray]:
        """Selects among other texts than the rows, such as written ones, by what they tell of the rows' labels.

        `typical` and `max_candidates` are for rows; here every text may be chosen.

        Args:
            texts: What is chosen from.
            codes_of_texts: Their classes.
            rows: Whose labels are to be predicted.
            codes: Their classes.
            counts: How many texts to take of each class.

        Shape:
            codes_of_texts: (n_texts,), int64; codes: (n_rows,), int64; returns: (count,) for each class, positions of
                texts.

        Raises:
            BudgetError: if a class has fewer texts than are asked for.
            RowError: if there are fewer than two classes, or vectors hold numbers that are not finite.
            SettingError: if the vectors of texts and rows differ in dimension.
        """
        check_sizes(texts, codes_of_texts, counts)
        check_finite(texts.vectors)
        check_finite(rows.vectors)
        if texts.vectors.shape[1] != rows.vectors.shape[1]:
            raise SettingError(
                f"vectors of the texts have {texts.vectors.shape[1]} dimensions, those of the rows "
                f"{rows.vectors.shape[1]}. Embed both with one embedder."
            )
        order = np.argsort(codes_of_texts, kind="stable")
        spaces = [(texts.vectors[order], LabelMoments.of(rows.vectors, codes))]
        if self.words:
            words = tfidf_vectors([*rows.texts, *texts.texts])
            spaces.append((words[len(rows) :][order], LabelMoments.of(words[: len(rows)], codes)))
        chosen = self._chosen(spaces, np.asarray(codes_of_texts)[order], counts)
        return {code: order[places] for code, places in chosen.items()}

    def _chosen(
        self, spaces: list[tuple[np.ndarray, LabelMoments]], codes: np.ndarray, counts: Mapping[int, int]
    ) -> dict[int, np.ndarray]:
        """Positions of the candidates that are chosen of each class, which `codes` must hold in ascending order."""
        n = sum(counts.values())
        views = [
            ExchangeView(x.astype(np.float32, copy=False), codes, moments, self.ridge, n) for x, moments in spaces
        ]
        places = _in_turn(counts)
        chosen = _exchange(views, codes, places)
        return {code: chosen[places == code] for code in counts}

    def select_sets(
        self, rows: EmbeddedRows, codes: np.ndarray, counts: Mapping[int, int], n_sets: int
    ) -> dict[int, np.ndarray]:
        """Selects several sets one after the other, by vectors, each among the rows that those before have left.

        Args:
            rows: Rows of all classes.
            codes: Their classes.
            counts: How many rows a set has of each class; the last sets have fewer of a class that runs out, and there
                are no more sets once one has.
            n_sets: How many sets.

        Shape:
            codes: (n_rows,), int64; returns: (at most n_sets x count,) for each class, positions, set after set.

        Raises:
            BudgetError: if a class has fewer rows than are asked for.
            RowError: if there are fewer than two classes, or vectors hold numbers that are not finite.
        """
        check_sizes(rows, codes, counts)
        check_finite(rows.vectors)
        moments = LabelMoments.of(rows.vectors, codes)
        sizes = dict(zip(*(each.tolist() for each in np.unique(codes, return_counts=True)), strict=True))
        wanted = {code: min(n_sets * n, sizes[code]) for code, n in counts.items()}
        left = self._candidates(rows.vectors, codes, wanted, moments)
        found: dict[int, list[np.ndarray]] = {code: [] for code in counts}
        for _ in range(n_sets):
            here = {code: min(n, int((codes[left] == code).sum())) for code, n in counts.items()}
            if not all(here.values()):
                break
            chosen = self._chosen([(rows.vectors[left], moments)], codes[left], here)
            for code, places in chosen.items():
                found[code].append(left[places])
            left = np.delete(left, np.concatenate(list(chosen.values())))
        return {code: np.concatenate(sets) for code, sets in found.items()}

    def _candidates(
        self, x: Matrix, codes: np.ndarray, counts: Mapping[int, int], moments: LabelMoments
    ) -> np.ndarray:
        """Positions of the rows that may be chosen, class by class, ascending within each."""
        kept = []
        sureness = _sureness(x, codes, moments, self.ridge) if self.typical < 1 else np.zeros(len(codes))
        for code in sorted(counts):
            own = np.flatnonzero(codes == code)
            n = max(counts[code], int(np.ceil(self.typical * len(own))))
            own = np.sort(own[np.argsort(-sureness[own], kind="stable")[:n]])
            most = max(counts[code], self.max_candidates)
            if len(own) > most:
                own = own[np.arange(most) * len(own) // most]
            kept.append(own)
        return np.concatenate(kept)


def _sureness(x: Matrix, codes: np.ndarray, moments: LabelMoments, ridge: float) -> np.ndarray:
    """How far ridge regression on all rows puts each row on the side of its class; shape (n_rows,)."""
    weights = moments.weights(ridge / x.shape[0])
    found = np.empty(x.shape[0])
    for where, block in iter_blocks(x):
        found[where] = np.einsum("ij,ij->i", with_bias(block) @ weights, moments.labels(codes[where]))
    return found


def _in_turn(counts: Mapping[int, int]) -> np.ndarray:
    """The class of each place, in the order of filling: one place of each class in turn."""
    return np.asarray([code for turn in range(max(counts.values())) for code in sorted(counts) if turn < counts[code]])


def _exchange(views: list[ExchangeView], codes: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Fills the places and exchanges what is there until no single exchange helps.

    Shape:
        codes: (n_candidates,), ascending; places: (n_places,), the class of each; returns: (n_places,), candidates.
    """
    spans = {code: slice(*np.searchsorted(codes, [code, code + 1])) for code in np.unique(codes).tolist()}
    chosen = np.full(len(places), -1, dtype=np.int64)

    def best(place: int) -> tuple[float, int]:
        own = spans[int(places[place])]
        losses = mean_losses(views, place, own)
        taken = chosen[(chosen >= own.start) & (chosen < own.stop)]
        losses[taken - own.start] = np.inf
        row = int(losses.argmin())
        return float(losses[row]), own.start + row

    def fill(place: int, row: int) -> None:
        chosen[place] = row
        for view in views:
            view.fill(place, row)
            view.solve()

    for place in range(len(places)):
        fill(place, best(place)[1])
    while True:
        loss = np.mean([view.loss for view in views])
        offers = [best(place) for place in range(len(places))]
        place = int(np.argmin([offer for offer, _ in offers]))
        if not offers[place][0] < loss - _LEAST_GAIN:
            return chosen
        before = int(chosen[place])
        fill(place, offers[place][1])
        if not np.mean([view.loss for view in views]) < loss:  # so it ends, whatever the rounding
            chosen[place] = before
            return chosen
