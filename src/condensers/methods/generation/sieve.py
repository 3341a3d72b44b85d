"""Which of the texts that were written may stay, and in which order they are taken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from condensers.data import Rows
from condensers.data.dedup import normalise
from condensers.errors import RowError
from condensers.metrics.contamination import decontaminate
from condensers.softsrv.targeted import turns_of


@dataclass(frozen=True)
class Drop:
    """Why a text is dropped.

    Attributes:
        reason: The key that it is counted under.
        why: What is wrong with it.
    """

    reason: str
    why: str


@dataclass(frozen=True)
class Sifted:
    """What a `Sieve` found.

    Attributes:
        order: Positions of the texts that may stay, in the order of their clusters' turns; shape (n,), int64.
        dropped: For each other position, why.
    """

    order: np.ndarray
    dropped: dict[int, Drop]


class Sieve:
    """Drops texts that are of no use, and puts the others in an order of which any beginning is diverse.

    Besides repeats (SoftSRV, Appendix A.2) and texts that share 13 words in a row with test rows (A.3), those go that
    lack a part or copy a row of the source, which the paper does not look for.

    Args:
        rows: The source.
        references: Test rows; none are looked at where there are none.
        num_clusters: See `sample_texts`.
        dim: See `sample_texts`.
        seed: See `sample_texts`.
    """

    def __init__(self, rows: Rows, references: Sequence[str], *, num_clusters: int, dim: int, seed: int) -> None:
        self._columns = rows.columns
        self._known = {normalise(text): i for i, text in reversed(list(enumerate(rows.texts)))}
        self._references = references
        self._settings = {"num_clusters": num_clusters, "dim": dim, "seed": seed}

    def sift(self, texts: Sequence[str], unusable: Mapping[int, Drop]) -> Sifted:
        """Sifts texts.

        Args:
            texts: What was written.
            unusable: Those that are known to be none of use.
        """
        dropped = dict(unusable)
        for i, text in enumerate(texts):
            found = None if i in dropped else self._fault(text)
            if found:
                dropped[i] = found
        left = [i for i in range(len(texts)) if i not in dropped]
        leaks = self.leaks([texts[i] for i in left])
        dropped |= {left[i]: leak for i, leak in leaks.items()}
        turns = turns_of(texts, dropped, **self._settings)
        dropped |= {i: Drop("repeats", f"it repeats text {j}") for i, j in turns.repeats.items()}
        return Sifted(turns.order, dropped)

    def leaks(self, texts: Sequence[str]) -> dict[int, Drop]:
        """Positions of texts that share words in a row with test rows."""
        if not self._references or not texts:
            return {}
        found = decontaminate(texts, self._references).leaks
        return {
            i: Drop("contaminated", f"test row {leak.reference} holds '{leak.words}', too")
            for i, leak in found.items()
        }

    def _fault(self, text: str) -> Drop | None:
        try:
            parts = self._columns.split(text)
        except RowError as error:
            return Drop("separator", str(error))
        if not all(part.strip() for part in parts):
            return Drop("empty", "a part of it is empty") if text.strip() else Drop("empty", "it is empty")
        twin = self._known.get(normalise(self._columns.join(parts)))
        return None if twin is None else Drop("copies_source", f"it copies row {twin}")
