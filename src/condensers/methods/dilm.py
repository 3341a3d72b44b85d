"""DiLM: a language model that is trained to write the rows."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from condensers.data import temporary_seed
from condensers.data.dedup import normalise
from condensers.errors import BudgetError, RowError
from condensers.methods.condensed import Condensed
from condensers.methods.embedding_condenser import written_class
from condensers.methods.learned import Savable, fit_key, keep, kept_folder, training_folder
from condensers.methods.matching import ClassWriter, DiLMConfig, fit_writer, match_writer
from condensers.methods.matching.classifier import Parts
from condensers.methods.matching_condenser import MatchingCondenser, check_labelled
from condensers.methods.placing import PlacedClass
from condensers.methods.source import PreparedSource
from condensers.placement import KMeansCentroids
from condensers.selection import RoundRobin, nearest_rows

_PART = "generator"
_LEARNING = ("generator", "training_steps", "training_rate", "train_batch_size", "max_length", "training_seed")
_MATCHING = ("match_batch_size", "refresh_steps", "loss_temperature", "top_p")
# Of what is written some cannot be used; so often as many as are missing are written anew.
_DRAWS = 10


class DiLMCondenser(MatchingCondenser):
    """DiLM (Maekawa et al. 2024): a language model learns to write rows that train a classifier as the source does.

    It first learns to write rows of each class; then what it writes is matched to the source by gradients, through the
    weights that texts get by their probability; then it writes many rows, of which K-Center keeps a few. Batches hold
    texts of all clusters of what was written, as in the reference implementation.

    The paper's generator is GPT-2 and its classifier BERT, and it keeps the state that does best on validation rows;
    here it is the last. A killed training goes on where it was saved last. The language model is saved with the
    condenser, in the format of transformers; it serves other budgets and seeds.

    Args:
        config: Settings; see `Condenser`.
        embedder: See `Condenser`.
        **settings: Those of `DiLMConfig`.
    """

    condenser_type = "dilm"
    config_class: ClassVar[type[DiLMConfig]] = DiLMConfig
    config: DiLMConfig
    models = ("classifier", "generator")

    def _condense(self, prepared: PreparedSource, shares: Mapping[int, int]) -> Condensed:
        check_labelled(prepared.rows, self.condenser_type)
        self._distances = []
        facts = {name: getattr(self.config, name) for name in (*_LEARNING, *_MATCHING)}
        key = fit_key(prepared.rows, {**facts, **self._course_facts(), "part": _PART})
        writer: ClassWriter = self._learned(_PART, key, lambda: self._fit(prepared, key))
        return Condensed.joined([self._class(prepared, writer, code, n) for code, n in shares.items()])

    def _class(self, prepared: PreparedSource, writer: ClassWriter, code: int, n: int) -> Condensed:
        """Many texts of a class, and of these those nearest to their own centroids."""
        source = {normalise(text) for text in prepared.rows.texts}
        seed = _seed(self.config.seed, code)
        texts = [text for text, _ in self._draw(prepared, writer, code, n * self.config.oversampling, seed, source, n)]
        vectors = self.embedder.encode(texts)
        points = KMeansCentroids(seed=seed).place(vectors, n)
        chosen = nearest_rows(points, vectors)
        positions = np.flatnonzero(prepared.rows.codes == code)
        placed = PlacedClass(code, positions, prepared.of_class(positions), points)
        return written_class(placed, np.arange(n), [texts[i] for i in chosen.tolist()], vectors[chosen])

    def _fit(self, prepared: PreparedSource, key: str) -> ClassWriter:
        config = self.config
        writer, trajectory = self._writer_of_rows(prepared), self._trajectory(prepared)

        def draw(code: int, n: int, step: int) -> list[tuple[str, Parts]]:
            seed = _seed(config.training_seed, code, step)
            found = self._draw(prepared, writer, code, n, seed)
            turns = RoundRobin(min(config.match_batch_size, n), seed=seed)
            order = turns.take_turns(turns.cluster(self.embedder.encode([text for text, _ in found])), n)
            return [found[i] for i in order.tolist()]

        self._distances = match_writer(
            writer,
            trajectory,
            draw,
            training_folder(key),
            n_steps=config.matching_steps,
            learning_rate=config.matching_rate,
            batch_size=config.match_batch_size,
            refresh_steps=config.refresh_steps,
            temperature=config.loss_temperature,
            distance=config.gradient_distance,
            seed=config.training_seed,
        )
        return writer

    def _writer_of_rows(self, prepared: PreparedSource) -> ClassWriter:
        """A language model that writes like the source: from the cache if it is there, else trained now and kept."""
        config, rows = self.config, prepared.rows
        facts = {name: getattr(config, name) for name in _LEARNING}
        key = fit_key(rows, {**facts, "generator": self._model_names()["generator"], "part": "language_model"})
        if not kept_folder(key).is_dir():
            # Where output weights are not the input embeddings, those of the new tokens are drawn.
            with temporary_seed(config.training_seed):
                writer = ClassWriter.from_language_model(
                    config.generator, len(rows.class_names), max_length=config.max_length
                )
            fit_writer(
                writer,
                rows.texts,
                rows.codes,
                training_folder(key),
                n_steps=config.training_steps,
                learning_rate=config.training_rate,
                batch_size=config.train_batch_size,
                seed=config.training_seed,
            )
            keep(writer, key)
        return ClassWriter.from_pretrained(kept_folder(key), max_length=config.max_length)

    def _draw(
        self,
        prepared: PreparedSource,
        writer: ClassWriter,
        code: int,
        n: int,
        seed: int,
        not_these: set[str] | None = None,
        least: int | None = None,
    ) -> list[tuple[str, Parts]]:
        """Texts of a class that have all their parts; where `not_these` are given, new and different ones."""
        found: list[tuple[str, Parts]] = []
        taken = set(not_these or ())
        write = partial(writer.write, code, top_p=self.config.top_p, batch_size=self.config.write_batch_size)
        for turn in range(_DRAWS):
            for text in write(n - len(found), seed=_seed(seed, turn)):
                parts = _parts(prepared, text)
                if parts is None or (not_these is not None and normalise(text) in taken):
                    continue
                taken.add(normalise(text))
                found.append((text, parts))
            if len(found) == n:
                return found
        if len(found) < (n if least is None else least):
            raise BudgetError(
                f"of class {prepared.rows.class_name(code)!r} the language model wrote {len(found)} usable texts in "
                f"{_DRAWS} attempts, and {least or n} are needed. Train it longer (`training_steps`), raise `top_p`, "
                f"or lower the budget."
            )
        return found

    def _load_part(self, name: str, folder: Path) -> Savable:
        return ClassWriter.from_pretrained(folder, max_length=self.config.max_length)


def _parts(prepared: PreparedSource, text: str) -> Parts | None:
    try:
        parts = prepared.columns.split(text)
    except RowError:
        return None
    return parts if all(part.strip() for part in parts) else None


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0] // 2)
