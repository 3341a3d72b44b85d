"""How near the condensed rows come to the source rows."""

import numpy as np

from condensers.embedding import Matrix, VectorRows, iter_blocks
from condensers.errors import RowError


def nearest_distances(
    source: Matrix,
    condensed: Matrix,
    source_codes: np.ndarray | None = None,
    condensed_codes: np.ndarray | None = None,
) -> np.ndarray:
    """Cosine distance of each source row to its nearest condensed row, of the same class where codes are given.

    Shape:
        source: (n_source, dim); condensed: (n, dim), unit vectors; codes: (n_source,) and (n,).
        returns: (n_source,), float32; 1 for rows of a class that has no condensed row.

    Raises:
        RowError: if the dimensions differ, there are no condensed rows, or codes are missing on one side or too few.
    """
    if source.shape[1] != condensed.shape[1] or condensed.shape[0] == 0:
        raise RowError(f"rows must share a dimension, and some be condensed; got {source.shape}, {condensed.shape}.")
    if (source_codes is None) != (condensed_codes is None):
        raise RowError("class codes are needed for both sides or for neither.")
    if source_codes is None or condensed_codes is None:
        return _distances(source, np.asarray(condensed[:]))
    if len(source_codes) != source.shape[0] or len(condensed_codes) != condensed.shape[0]:
        raise RowError(
            f"each row needs a class code; got {len(source_codes)} for {source.shape[0]} source rows and "
            f"{len(condensed_codes)} for {condensed.shape[0]} condensed rows."
        )
    out = np.ones(source.shape[0], dtype=np.float32)
    for code in np.unique(condensed_codes):
        here = np.flatnonzero(source_codes == code)
        out[here] = _distances(VectorRows(source, here), condensed[np.flatnonzero(condensed_codes == code)])
    return out


def coverage_similarity(
    source: Matrix,
    condensed: Matrix,
    source_codes: np.ndarray | None = None,
    condensed_codes: np.ndarray | None = None,
) -> float:
    """Mean cosine of each source row to its nearest condensed row; see `nearest_distances`.

    It is what facility location maximises, so it tells how well rows cover, not how well they teach.
    """
    return float(1.0 - nearest_distances(source, condensed, source_codes, condensed_codes).mean(dtype=np.float64))


def _distances(source: Matrix, condensed: np.ndarray) -> np.ndarray:
    out = np.empty(source.shape[0], dtype=np.float32)
    for where, block in iter_blocks(source):
        out[where] = 1.0 - (block @ condensed.T).max(axis=1)
    return out
