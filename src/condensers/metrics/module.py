"""The class behind the folders in ``modules/``: a metric of the catalogue as a module of `evaluate`."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from inspect import getdoc
from typing import Any

import evaluate
from datasets import Features, List, Value

from condensers.embedding import Embedder, Matrix
from condensers.errors import SettingError
from condensers.metrics.catalogue import METRICS
from condensers.metrics.inputs import TextSet, as_texts, as_vectors
from condensers.metrics.resampling import assess, flat

_INPUTS = """
Args:
    predictions: The set to be judged: texts{vectors}.
    references: The set to compare with; as many as you like, not necessarily as many as predictions.
    n_resamples: Resamples for the interval, and true samples for the null distribution; at least 20.
    seed: Fixes all that is drawn.{embedder}{own}

Returns:
    For each score: its value under its name, and behind it `_low`, `_high` (90% bootstrap interval), `_null_mean`,
    `_null_low`, `_null_high` (where 90% of true samples of the same size fall) and `_informative`.
"""


class CatalogueMetric(evaluate.Metric, ABC):
    """Compares a set of any size with a reference set of any other.

    `evaluate` itself keeps rows in an Arrow table, which wants as many predictions as references and takes seconds to
    write vectors; here they stay in memory as they are.
    """

    @property
    @abstractmethod
    def entry(self) -> str:
        """Name in the catalogue; a class attribute of the subclasses."""

    def _info(self) -> evaluate.MetricInfo:
        kind = METRICS[self.entry]
        vectors, embeds = kind.reads == "vectors", kind.reads != "texts"
        forms = [Value("string"), *([List(Value("float32"))] if vectors else [])]
        return evaluate.MetricInfo(
            description=getdoc(type(self)) or "",
            citation="",
            inputs_description=_INPUTS.format(
                vectors=", or vectors of shape (n_rows, dim)" if vectors else "",
                embedder="\n    embedder: Turns texts into vectors; see `condensers.load_embedder`." if embeds else "",
                own=f"\n    {', '.join(kind.settings)}: Settings of this metric; see its card." * bool(kind.settings),
            ),
            features=[Features({"predictions": form, "references": form}) for form in forms],
        )

    def add_batch(
        self,
        *,
        predictions: Any = None,  # noqa: ANN401
        references: Any = None,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """Adds rows to either set, or to both."""
        if kwargs:
            raise SettingError(f"{self.entry} takes `predictions` and `references`; got {', '.join(kwargs)}, too.")
        for rows, given in zip(self._rows(), (predictions, references), strict=True):
            rows.extend(() if given is None else given)

    def add(
        self,
        *,
        prediction: Any = None,  # noqa: ANN401
        reference: Any = None,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """Adds one row to either set, or to both."""
        one = ([] if row is None else [row] for row in (prediction, reference))
        self.add_batch(predictions=next(one), references=next(one), **kwargs)

    def __len__(self) -> int:
        return len(self._rows()[0])

    def compute(
        self,
        *,
        predictions: Any = None,  # noqa: ANN401
        references: Any = None,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> dict[str, Any] | None:
        """Compares the two sets, of whatever sizes, with whatever was added before."""
        if self.num_process > 1:
            raise SettingError("this metric keeps its rows in memory; compute it in one process.")
        held = self._rows()
        self._held: tuple[list, list] | None = None
        sides = [
            given if not rows and given is not None else [*rows, *(() if given is None else given)]
            for rows, given in zip(held, (predictions, references), strict=True)
        ]
        return self._compute(predictions=sides[0], references=sides[1], **kwargs)

    def _rows(self) -> tuple[list, list]:
        held = getattr(self, "_held", None)
        if held is None:
            self._held = held = ([], [])
        return held

    def _compute(
        self,
        predictions: Any,  # noqa: ANN401
        references: Any,  # noqa: ANN401
        *,
        embedder: str | Embedder | None = None,
        n_resamples: int = 100,
        seed: int = 0,
        **settings: Any,  # noqa: ANN401
    ) -> dict[str, Any]:
        kind = METRICS[self.entry]
        if kind.reads == "texts" and embedder is not None:
            raise SettingError(f"{self.entry} compares texts and takes no `embedder`.")
        texts: list[Sequence[str]] = [(), ()]
        vectors: Sequence[Matrix | None] = (None, None)
        if kind.reads != "vectors":
            texts = [as_texts(predictions, "predictions"), as_texts(references, "references")]
        if kind.reads == "vectors" or embedder is not None:
            vectors = as_vectors(predictions, references, embedder)
        sides = [TextSet(*parts) for parts in zip(texts, vectors, strict=True)]
        comparison = kind.on(*sides, seed=seed, **settings)
        scores = assess(comparison, n_resamples=n_resamples, seed=seed)
        silent = [name for name, score in scores.items() if not score.informative]
        if silent:
            warnings.warn(
                f"{', '.join(silent)}: at {len(predictions)} predictions even a set that is wrong by design scores "
                f"like a true sample, so these numbers say nothing; take more rows.",
                stacklevel=3,
            )
        return flat(scores)
