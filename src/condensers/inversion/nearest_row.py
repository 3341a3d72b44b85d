"""A point becomes the source row that lies nearest."""

from dataclasses import dataclass

import numpy as np

from condensers.embedding import EmbeddedRows
from condensers.selection import nearest_rows


@dataclass(frozen=True)
class NearestRow:
    """Realises each point as the nearest source row, no row twice. Needs no training and no LLM."""

    def locate(self, points: np.ndarray, rows: EmbeddedRows) -> np.ndarray:
        """Finds one row a point; see `RowRealiser.locate`.

        Raises:
            BudgetError: if there are more points than rows.
        """
        return nearest_rows(points, rows.vectors)

    def realise(self, points: np.ndarray, rows: EmbeddedRows) -> list[str]:
        """Gives the text of each point's row; see `Realiser.realise`.

        Raises:
            BudgetError: if there are more points than rows.
        """
        return [rows.texts[i] for i in self.locate(points, rows)]
