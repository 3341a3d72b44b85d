"""What users pass to metrics: texts, or vectors that they have made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from condensers.embedding import DEFAULT_EMBEDDER, Embedder, Matrix, check_finite, embed_texts, load_embedder
from condensers.errors import ColumnError, RowError


@dataclass(frozen=True)
class TextSet:
    """One of the two sets that a metric compares.

    Shape:
        vectors: (n_rows, dim), float32; None if the metric reads texts alone.
    """

    texts: Sequence[str]
    vectors: Matrix | None = None


def as_texts(rows: Any, what: str) -> list[str]:  # noqa: ANN401  (whatever a user passes)
    """Checks texts.

    Args:
        rows: Strings.
        what: What to call them in messages.

    Raises:
        RowError: if there are none.
        ColumnError: if one is no string.
    """
    texts = list(rows)
    if not texts:
        raise RowError(f"there are no {what}; pass at least one.")
    wrong = next((i for i, text in enumerate(texts) if not isinstance(text, str)), None)
    if wrong is not None:
        raise ColumnError(f"{what} must be texts; number {wrong} is {type(texts[wrong]).__name__}.")
    return texts


def are_texts(rows: Any) -> bool:  # noqa: ANN401
    """Whether rows are texts rather than vectors, told by the first."""
    return not hasattr(rows, "shape") and len(rows) > 0 and isinstance(rows[0], str)


def as_vectors(
    predictions: Any,  # noqa: ANN401
    references: Any,  # noqa: ANN401
    embedder: str | Embedder | None = None,
) -> tuple[Matrix, Matrix]:
    """Embeds texts, or checks vectors.

    Args:
        predictions: Texts, or vectors.
        references: The same of the reference set; not necessarily as many.
        embedder: See `load_embedder`; for texts only.

    Shape:
        predictions: (n_predictions, dim); references: (n_references, dim), float32 out.

    Raises:
        RowError: if a side is empty, holds NaN, or has vectors of another dimension than the other.
        ColumnError: if one side is of texts and the other of vectors.
    """
    sides = {"predictions": predictions, "references": references}
    for what, rows in sides.items():
        if len(rows) == 0:
            raise RowError(f"there are no {what}; pass at least one.")
    textual = {what: are_texts(rows) for what, rows in sides.items()}
    if len(set(textual.values())) > 1:
        texts, vectors = sorted(textual, key=lambda what: not textual[what])
        raise ColumnError(f"the {texts} are texts and the {vectors} are not; pass both as texts or both as vectors.")
    if textual["predictions"]:
        model = load_embedder(embedder or DEFAULT_EMBEDDER)
        found: list[Matrix] = [
            embed_texts(as_texts(rows, what), model, progress=False).vectors for what, rows in sides.items()
        ]
    else:
        found = [_matrix(rows, what) for what, rows in sides.items()]
    if found[0].shape[1] != found[1].shape[1]:
        raise RowError(
            f"vectors must have one dimension; predictions have {found[0].shape[1]} and references "
            f"{found[1].shape[1]}. Embed both with one model."
        )
    return found[0], found[1]


def _matrix(rows: Any, what: str) -> Matrix:  # noqa: ANN401
    if hasattr(rows, "shape") and not isinstance(rows, np.ndarray):
        matrix = rows
    else:
        try:
            matrix = np.asarray(rows, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise ColumnError(f"{what} must be texts, or vectors of one length each: {error}") from error
    if len(matrix.shape) != 2 or matrix.shape[1] == 0:
        raise RowError(f"{what} must be of shape (n_rows, dim); got {tuple(matrix.shape)}.")
    check_finite(matrix)
    return matrix
