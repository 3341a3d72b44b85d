"""The base of methods that make rows by matching gradients."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from condensers.data import Rows
from condensers.errors import ColumnError, SettingError
from condensers.llm.model_digest import folder_digests
from condensers.methods.condenser import Condenser
from condensers.methods.matching import MatchedClassifier, MatchingConfig, Trajectory
from condensers.methods.matching.classifier import Parts
from condensers.methods.source import PreparedSource
from condensers.selection import KCenter

# Settings on which the course of the classifier depends, and with it all that is matched along it.
_COURSE = (
    "matching_steps",
    "matching_rate",
    "gradient_distance",
    "num_teachers",
    "inner_steps",
    "classifier_steps",
    "classifier_rate",
    "classifier_batch_size",
    "max_length",
    "training_seed",
)


class MatchingCondenser(Condenser):
    """Trains a classifier on the source again and again, and makes rows whose gradients are like those of the source.

    As in DiLM, the source is stood for by rows of each class that K-Center chooses, and gradients are those of the
    classifier's last layer. A pair of texts is read as the classifier reads pairs.
    """

    config_class: ClassVar[type[MatchingConfig]] = MatchingConfig
    config: MatchingConfig
    models: ClassVar[tuple[str, ...]] = ("classifier",)
    """Settings that name a model."""

    def __init__(self, config: MatchingConfig | None = None, **settings: Any) -> None:
        self._distances: list[float] = []
        super().__init__(config, **settings)

    def _trajectory(self, prepared: PreparedSource) -> Trajectory:
        config, rows = self.config, prepared.rows
        teachers = {}
        for code, positions in rows.by_class():
            few = KCenter(seed=config.training_seed)
            n = min(config.num_teachers, len(positions))
            teachers[code] = positions[few.select(prepared.of_class(positions).vectors, n)]
        classifier = MatchedClassifier(
            config.classifier,
            len(rows.class_names),
            max_length=config.max_length,
            learning_rate=config.classifier_rate,
            seed=config.training_seed,
        )
        return Trajectory(
            classifier,
            parts_of(rows),
            rows.codes,
            teachers,
            inner_steps=config.inner_steps,
            classifier_steps=config.classifier_steps,
            batch_size=config.classifier_batch_size,
            seed=config.training_seed,
        )

    def _course_facts(self) -> dict[str, Any]:
        """What the matching depends on besides the rows, as JSON."""
        facts = {name: getattr(self.config, name) for name in _COURSE}
        return {**facts, **self._model_names(), "embedder": self.embedder.fingerprint}

    def _model_names(self) -> dict[str, str]:
        """The models that the settings name; folders by what is in them."""
        names = {name: getattr(self.config, name) for name in self.models}
        return {**names, **folder_digests(names)}

    def _outcome(self) -> Mapping[str, Any]:
        models = {name: getattr(self.config, name) for name in self.models}
        return {**super()._outcome(), "stages": {"matching": {**models, "distances": _thinned(self._distances)}}}

    def _document(self) -> dict[str, Any]:
        digests = folder_digests({name: getattr(self.config, name) for name in self.models})
        return {**super()._document(), **({"objects": digests} if digests else {})}


def check_labelled(rows: Rows, method: str) -> None:
    """Raises unless a classifier can be trained on rows.

    Raises:
        ColumnError: if they have no labels.
        SettingError: if they have more text columns than a classifier reads.
    """
    if not rows.class_names:
        raise ColumnError(
            f"the method {method!r} trains a classifier, and these rows have no labels. Name their column with "
            f"`label=`, or take a method that reads none, such as k_center or herding."
        )
    if len(rows.columns.text) > 2:
        raise SettingError(
            f"a classifier reads one text or a pair; got {len(rows.columns.text)} text columns, "
            f"{', '.join(rows.columns.text)}. Name one or two with `text=`."
        )


def parts_of(rows: Rows) -> list[Parts]:
    """The texts of rows, column by column."""
    return [rows.columns.split(text) for text in rows.texts]


def _thinned(distances: list[float], most: int = 100) -> list[float]:
    """Means over equal stretches, at most so many: a record is read by people."""
    return [float(np.mean(part)) for part in np.array_split(distances, min(most, len(distances)))] if distances else []
