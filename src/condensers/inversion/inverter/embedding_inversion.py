"""Points become texts by an inverter and rounds of correction."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Self, TypeVar

import numpy as np
from accelerate import PartialState
from transformers import AutoModel

from condensers.data import find_model_files, temporary_seed
from condensers.embedding import DEFAULT_EMBEDDER, EmbeddedRows, Embedder, load_embedder
from condensers.errors import SettingError
from condensers.inversion.inverter.corrector import InverterCorrector
from condensers.inversion.inverter.embedding_inverter import EmbeddingInverter
from condensers.inversion.inverter.guidance import TextVectors, guided_search
from condensers.inversion.inverter.prefixed_model import PrefixedModel
from condensers.inversion.inverter.targets import check_embedder, unit_targets

Model = TypeVar("Model", bound=PrefixedModel)


@dataclass(frozen=True)
class Inverted:
    """Texts for points, and how close they come.

    Attributes:
        texts: One a point.
        cosine: Cosine of each text's vector to its point; shape (n,), float32.
        history: The same after the inverter and after each round of correction; shape (num_rounds + 1, n), float32.
    """

    texts: list[str]
    cosine: np.ndarray
    history: np.ndarray


@dataclass(frozen=True)
class EmbeddingInversion:
    r"""Realises points with an inverter, and corrects the texts in rounds (vec2text; PInR, Appendix A.1, Eq. 5).

    The inverter writes a few texts a point. In each round the corrector writes a few more for every text that was
    kept, and of old and new those stay whose vectors have the largest cosine to the point. So the best cosine of a
    point never falls from round to round.

    Texts are written by a beam search that embeds what it has written at every token (`EmbeddingGuidance`). A small
    inverter, which has seen thousands of texts and not millions, comes far closer in this way than by drawing whole
    texts. It costs `num_candidates` times `branching` embeddings a token. The second round of correction gains little:
    a mean cosine of 0.762 as written, 0.797 and 0.801 after the rounds (`benchmarks/results/inverter.md`).

    Models are a Hub id, a folder or an object. The result depends on `batch_size` where texts are drawn.

    Example::

        realiser = EmbeddingInversion("me/sst2-inverter", corrector="me/sst2-corrector")
        EmbeddingCondenser(placement=KMeansCentroids(), realiser=realiser)        # DaLLME

    Attributes:
        inverter: The inverter.
        corrector: The corrector; None makes do with the inverter's texts.
        embedder: What both were trained for; as `load_embedder` takes it.
        num_rounds: Rounds of correction.
        beam_width: Texts kept for a point.
        num_candidates: Texts written for a point at first, and for each kept text in a round; beams of a search.
        guidance: What a cosine of 1 counts in the search, in nats of log-probability. 0 embeds whole texts alone.
        branching: Next tokens embedded for each beam.
        temperature: Texts are drawn at this temperature; 0 searches for the best with as many beams instead.
        batch_size: Points worked on together.
        seed: Seed of the draws.

    Raises:
        SettingError: if a number is out of its range.
    """

    inverter: str | os.PathLike[str] | EmbeddingInverter
    corrector: str | os.PathLike[str] | InverterCorrector | None = None
    embedder: str | Embedder = DEFAULT_EMBEDDER
    num_rounds: int = 2
    beam_width: int = 1
    num_candidates: int = 4
    guidance: float = 300.0
    branching: int = 8
    temperature: float = 0.7
    batch_size: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        leasts = {"num_rounds": 0, "beam_width": 1, "num_candidates": 1, "branching": 1, "batch_size": 1}
        for name, least in leasts.items():
            if getattr(self, name) < least:
                raise SettingError(f"`{name}` must be at least {least}; got {getattr(self, name)}.")
        for name in ("guidance", "temperature"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise SettingError(f"`{name}` must be 0 or more; got {getattr(self, name)}.")

    def realise(self, points: np.ndarray, rows: EmbeddedRows | None = None) -> list[str]:
        """Writes one text a point; see `Realiser.realise`. The source rows are not looked at.

        Raises:
            RowError: as `invert`.
            SettingError: as `invert`.
        """
        return self.invert(points).texts

    def check(self) -> None:
        """Loads the models and raises unless both were trained for the embedder.

        Raises:
            SettingError: if one was trained for another embedder.
            SourceNotFoundError: if a model is not where it should be.
        """
        for model in (self._inverter, self._corrector):
            if model is not None:
                check_embedder(model.config, self._embedder)

    def redrawn(self, draw: int) -> Self:
        """The same, with a seed of its own for each draw; see `DrawingRealiser.redrawn`."""
        derived = int(np.random.SeedSequence((self.seed, draw)).generate_state(1)[0])
        # The models are handed on, so that they are loaded once.
        return replace(self, inverter=self._inverter, corrector=self._corrector, embedder=self._embedder, seed=derived)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the models, the embedder and the settings; see `SlowRealiser`."""
        models = [None if model is None else model.digest() for model in (self._inverter, self._corrector)]
        given = ("inverter", "corrector", "embedder")
        settings = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in given}
        facts = [models, self._embedder.fingerprint, settings]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]

    def invert(self, points: np.ndarray) -> Inverted:
        """Writes one text a point, and says how close it comes.

        Shape:
            points: (n, embedding_dim); only their direction matters.

        Raises:
            RowError: if there are no points, or one holds NaN or is zero.
            SettingError: if a model was trained for another embedder or dimension.
            SourceNotFoundError: if a model is not where it should be.
        """
        self.check()
        inverter, corrector = self._inverter, self._corrector
        targets = unit_targets(points, inverter.config)
        parts = []
        with temporary_seed(self.seed):
            for start in range(0, len(targets), self.batch_size):
                parts.append(self._invert_batch(targets[start : start + self.batch_size], inverter, corrector))
        history = np.concatenate([part[1] for part in parts], axis=1)
        return Inverted([text for part in parts for text in part[0]], history[-1], history)

    def _invert_batch(
        self, targets: np.ndarray, inverter: EmbeddingInverter, corrector: InverterCorrector | None
    ) -> tuple[list[str], np.ndarray]:
        embedded = TextVectors(self._embedder)
        owners = np.repeat(np.arange(len(targets)), self.num_candidates)
        written = inverter.write(targets, **self._search(inverter, targets, embedded))
        beams = self._kept([_EMPTY] * len(targets), written, owners, targets, embedded)
        history = [[beam.cosines[0] for beam in beams]]
        for _ in range(self.num_rounds if corrector is not None else 0):
            owners = np.repeat(np.arange(len(beams)), [len(beam.texts) for beam in beams])
            texts = [text for beam in beams for text in beam.texts]
            vectors = np.stack([vector for beam in beams for vector in beam.vectors])
            search = self._search(corrector, targets[owners], embedded)  # type: ignore[arg-type]
            written = corrector.write(targets[owners], vectors, texts, **search)  # type: ignore[union-attr]
            beams = self._kept(beams, written, np.repeat(owners, self.num_candidates), targets, embedded)
            history.append([beam.cosines[0] for beam in beams])
        while len(history) <= self.num_rounds:
            history.append(history[-1])
        return [beam.texts[0] for beam in beams], np.asarray(history, dtype=np.float32)

    def _kept(
        self,
        beams: Sequence["_Beam"],
        texts: list[str],
        owners: np.ndarray,
        targets: np.ndarray,
        embedded: TextVectors,
    ) -> list["_Beam"]:
        """Beams of the best of old and new, each text once.

        Shape:
            owners: (n_texts,), the point that each new text was written for; targets: (n_points, embedding_dim).
        """
        vectors = dict(zip(texts, embedded.of(texts), strict=True))
        kept = []
        for point, beam in enumerate(beams):
            written = dict.fromkeys(texts[i] for i in np.flatnonzero(owners == point))
            new = [text for text in written if text not in beam.texts]
            kept.append(beam.joined(new, [vectors[text] for text in new], targets[point]).best(self.beam_width))
        return kept

    def _search(self, model: PrefixedModel, targets: np.ndarray, embedded: TextVectors) -> dict[str, Any]:
        """Options of `generate`."""
        n = self.num_candidates
        if not self.guidance:
            if self.temperature:
                return {"do_sample": True, "temperature": self.temperature, "top_k": 0, "num_return_sequences": n}
            return {"num_beams": n, "num_return_sequences": n}
        return guided_search(
            targets,
            embedded,
            model.processing_class,
            num_beams=n,
            guidance=self.guidance,
            branching=self.branching,
            temperature=self.temperature,
        )

    @cached_property
    def _inverter(self) -> EmbeddingInverter:
        return load_prefixed(self.inverter, EmbeddingInverter)

    @cached_property
    def _corrector(self) -> InverterCorrector | None:
        return None if self.corrector is None else load_prefixed(self.corrector, InverterCorrector)

    @cached_property
    def _embedder(self) -> Embedder:
        return load_embedder(self.embedder)


@dataclass(frozen=True)
class _Beam:
    """Texts of one point, their vectors and their cosines to it."""

    texts: list[str]
    vectors: list[np.ndarray]
    cosines: list[float]

    def joined(self, texts: list[str], vectors: list[np.ndarray], target: np.ndarray) -> "_Beam":
        cosines = [float(vector @ target) for vector in vectors]
        return _Beam(self.texts + texts, self.vectors + vectors, self.cosines + cosines)

    def best(self, n: int) -> "_Beam":
        order = np.argsort(-np.asarray(self.cosines), kind="stable")[:n].tolist()
        return _Beam(*([part[i] for i in order] for part in (self.texts, self.vectors, self.cosines)))


_EMPTY = _Beam([], [], [])


def load_prefixed(source: str | os.PathLike[str] | Model, kind: type[Model]) -> Model:
    """Loads an inverter or a corrector to the device that accelerate chose; an object is handed back as it is.

    Raises:
        SourceNotFoundError: if there is no such model.
        SettingError: if it is a model of another kind.
    """
    model: Any = source
    if isinstance(source, (str, os.PathLike)):
        folder = find_model_files(os.fspath(source), remedy="train one with `InverterTrainer`.")
        model = AutoModel.from_pretrained(folder, use_safetensors=True).to(PartialState().device)
    if not isinstance(model, kind):
        raise SettingError(f"{source!r} must be an {kind.__name__}; it is a {type(model).__name__}.")
    return model
