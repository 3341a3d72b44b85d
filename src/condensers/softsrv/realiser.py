"""Points become texts by an adapter."""

import os
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from peft import PeftModel

from condensers.embedding import DEFAULT_EMBEDDER, EmbeddedRows, Embedder, check_finite, load_embedder
from condensers.errors import RowError, SettingError
from condensers.llm.protocol import SamplingSettings
from condensers.selection import nearest_of
from condensers.softsrv.embedders import adapter_config, check_embedder
from condensers.softsrv.generation import SoftSRVWriter
from condensers.softsrv.loading import load_adapter


@dataclass(frozen=True)
class SoftSRVRealised:
    """Texts for points, and how close they come.

    Attributes:
        texts: One a point.
        cosine: Cosine of each text's vector to its point; shape (n,), float32.
    """

    texts: list[str]
    cosine: np.ndarray


@dataclass(frozen=True)
class SoftSRVRealiser:
    r"""Realises points with a SoftSRV adapter: a point is a context of its own, and no row's.

    Ours; the paper reads the contexts of the training rows and leaves new ones to the future (Section 5). A few texts
    are drawn for a point, and the one whose vector has the largest cosine to it is taken.

    Example::

        EmbeddingCondenser(placement=SteinParticles(), realiser=SoftSRVRealiser("me/sst2-softsrv"))

    Attributes:
        adapter: Folder or Hub id of an adapter, or a language model with one.
        processing_class: Tokenizer; needed beside a model, else read from the folder.
        embedder: What the adapter was trained for; as `load_embedder` takes it.
        num_candidates: Texts drawn for a point.
        sampling: How words are picked.
        batch_size: Texts written together.
        progress: Show a bar.
        seed: Seed of the draws, in place of that of `sampling`.

    Raises:
        SettingError: if a number is below 1.
    """

    adapter: str | os.PathLike[str] | PeftModel
    processing_class: Any = None
    embedder: str | Embedder = DEFAULT_EMBEDDER
    num_candidates: int = 4
    sampling: SamplingSettings = field(default_factory=lambda: SamplingSettings(max_tokens=256))
    batch_size: int = 32
    progress: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("num_candidates", "batch_size"):
            if getattr(self, name) < 1:
                raise SettingError(f"`{name}` must be at least 1; got {getattr(self, name)}.")

    def realise(self, points: np.ndarray, rows: EmbeddedRows) -> list[str]:
        """Writes one text a point; see `Realiser.realise`.

        Raises:
            RowError: as `write`.
            SettingError: as `write`.
            SourceNotFoundError: as `write`.
        """
        return self.write(points, rows).texts

    def redrawn(self, draw: int) -> Self:
        """The same, with a seed of its own for each draw, from 1."""
        derived = int(np.random.SeedSequence((self.seed, draw)).generate_state(1)[0])
        # The model is handed on, so that it is loaded once.
        model, tokenizer = self._loaded
        return replace(self, adapter=model, processing_class=tokenizer, embedder=self._embedder, seed=derived)

    def write(self, points: np.ndarray, rows: EmbeddedRows) -> SoftSRVRealised:
        """Writes one text a point, and says how close it comes.

        Args:
            points: Where the texts should sit; only their direction matters.
            rows: Source rows, of which the nearest one tells how long a text may become.

        Shape:
            points: (n, context_dim).

        Raises:
            RowError: if there are no points or rows, or a point holds NaN or is zero.
            SettingError: if the adapter was trained for another embedder or width.
            SourceNotFoundError: if the adapter or its language model is not where it should be.
        """
        model, _ = self._loaded
        config = adapter_config(model)
        if config.parameterization != "static":
            check_embedder(config, self._embedder)
        targets = _unit(points)
        nearest = nearest_of(targets, rows.vectors)
        lengths = np.asarray([len(rows.texts[i]) for i in nearest.tolist()])
        owners = np.repeat(np.arange(len(targets)), self.num_candidates)
        texts = self._writer.write(targets[owners], lengths[owners]).texts
        distinct = list(dict.fromkeys(texts))
        vectors = dict(zip(distinct, self._embedder.encode(distinct), strict=True))
        cosines = np.asarray([vectors[text] @ targets[i] for text, i in zip(texts, owners.tolist(), strict=True)])
        # A text of nothing has a vector too, but is no text.
        cosines[[not text for text in texts]] = -1.0
        cosines = cosines.reshape(len(targets), self.num_candidates).astype(np.float32)
        best = cosines.argmax(axis=1)
        chosen = np.arange(len(targets)) * self.num_candidates + best
        return SoftSRVRealised([texts[i] for i in chosen.tolist()], cosines[np.arange(len(targets)), best])

    @cached_property
    def _loaded(self) -> tuple[PeftModel, Any]:
        if isinstance(self.adapter, (str, os.PathLike)):
            model, tokenizer = load_adapter(self.adapter)
            return model, self.processing_class or tokenizer
        if self.processing_class is None:
            raise SettingError("a model needs its tokenizer beside it; pass `processing_class=`.")
        return self.adapter, self.processing_class

    @cached_property
    def _writer(self) -> SoftSRVWriter:
        sampling = replace(self.sampling, seed=self.seed)
        return SoftSRVWriter(*self._loaded, sampling, self.batch_size, self.progress)

    @cached_property
    def _embedder(self) -> Embedder:
        return load_embedder(self.embedder)


def _unit(points: np.ndarray) -> np.ndarray:
    points = np.asarray(points, dtype=np.float32)
    if len(points) == 0:
        raise RowError("there are no points to write texts for; pass at least one.")
    check_finite(points)
    norms = np.linalg.norm(points, axis=1, keepdims=True)
    if not norms.all():
        raise RowError(f"point {int(np.argmin(norms))} is zero, so no text lies in its direction. Drop it.")
    return points / norms
