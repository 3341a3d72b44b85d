"""What a refiner is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from condensers.llm import Events

Redraw = Callable[[np.ndarray], Sequence[str]]
"""Gives one more text for each of some rows; takes their positions, ascending, shape (n,), int64."""


@dataclass(frozen=True)
class Refined:
    """Texts after refinement, and how they got there.

    Attributes:
        texts: One a point.
        cosine: Cosine of each text's vector to its point; shape (n,), float32.
        coherent: Whether each text passes the coherence check; shape (n,), bool.
        history: The cosine before refinement and after each round; shape (n_rounds + 1, n), float32, where n_rounds
            are the rounds that were begun. An empty text counts as -1. Of a row that was drawn anew it is the course
            of the new text. From the first coherent text of a row on it never falls; the step from an incoherent
            text to a coherent one may be down, since coherence comes first (Eq. 3).
        coherent_history: Whether the text was coherent, at the same moments; shape (n_rounds + 1, n), bool.
        events: What became of the language model's replies.
        stopped: A spending limit was reached; what was not asked for by then is missing.
    """

    texts: list[str]
    cosine: np.ndarray
    coherent: np.ndarray
    history: np.ndarray
    coherent_history: np.ndarray
    events: Events
    stopped: bool


@runtime_checkable
class Refiner(Protocol):
    """Makes texts coherent without losing sight of the points that they stand for."""

    def refine(
        self,
        points: np.ndarray,
        texts: Sequence[str],
        labels: Sequence[str] | None = None,
        *,
        redraw: Redraw | None = None,
        events: Events | None = None,
    ) -> Refined:
        """Refines one text a point.

        Shape:
            points: (n, dim).

        Args:
            points: Where the texts should sit; only their direction matters.
            texts: What to refine, several columns joined by the separator.
            labels: Name of each text's class; None for texts without.
            redraw: Asked once for other texts in place of those that could not be made coherent.
            events: Where to count; None counts anew.
        """
        ...
