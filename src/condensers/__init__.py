"""Text dataset condensation, and training on synthetic text, for the Hugging Face ecosystem.

Public names load when they are first used, so that ``import condensers`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Public name -> the room that defines it.
_PUBLIC: dict[str, str] = {
    "AutoCondenser": "methods",
    "Budget": "data",
    "Columns": "data",
    "Condenser": "methods",
    "CondenserConfig": "methods",
    "CondensersError": "errors",
    "DIMPConfig": "trainers",
    "DIMPTrainer": "trainers",
    "EmbeddingCondenser": "methods",
    "FacilityLocationCondenser": "methods",
    "GreedyKCenterCondenser": "methods",
    "HerdingCondenser": "methods",
    "ImportanceWeightedConfig": "trainers",
    "ImportanceWeightedTrainer": "trainers",
    "KCenterCondenser": "methods",
    "RandomCondenser": "methods",
    "load_embedder": "embedding",
    "load_source": "data",
    "load_test_split": "data",
    "plot_weights": "trainers",
    "sample_dataset": "data",
}

__all__ = [
    "AutoCondenser",
    "Budget",
    "Columns",
    "Condenser",
    "CondenserConfig",
    "CondensersError",
    "DIMPConfig",
    "DIMPTrainer",
    "EmbeddingCondenser",
    "FacilityLocationCondenser",
    "GreedyKCenterCondenser",
    "HerdingCondenser",
    "ImportanceWeightedConfig",
    "ImportanceWeightedTrainer",
    "KCenterCondenser",
    "RandomCondenser",
    "load_embedder",
    "load_source",
    "load_test_split",
    "plot_weights",
    "sample_dataset",
]

if TYPE_CHECKING:
    from condensers.data import Budget, Columns, load_source, load_test_split, sample_dataset
    from condensers.embedding import load_embedder
    from condensers.errors import CondensersError
    from condensers.methods import (
        AutoCondenser,
        Condenser,
        CondenserConfig,
        EmbeddingCondenser,
        FacilityLocationCondenser,
        GreedyKCenterCondenser,
        HerdingCondenser,
        KCenterCondenser,
        RandomCondenser,
    )
    from condensers.trainers import (
        DIMPConfig,
        DIMPTrainer,
        ImportanceWeightedConfig,
        ImportanceWeightedTrainer,
        plot_weights,
    )


def __getattr__(name: str) -> Any:  # noqa: ANN401
    room = _PUBLIC.get(name)
    if room is None:
        raise AttributeError(f"module 'condensers' has no attribute {name!r}")
    return getattr(import_module(f"condensers.{room}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
