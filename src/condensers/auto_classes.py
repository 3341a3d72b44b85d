"""Makes our model types known to the Auto classes of transformers and to PEFT, and loads neither by itself."""

from importlib import import_module
from types import ModuleType
from typing import Any

from wrapt import register_post_import_hook

from condensers.errors import MissingDependencyError

# Model type -> the room that registers its classes when it is imported, and the name of its configuration there.
MODEL_TYPES = {
    "embedding_inverter": ("condensers.inversion.inverter", "EmbeddingInverterConfig"),
    "inverter_corrector": ("condensers.inversion.inverter", "InverterCorrectorConfig"),
    "label_confidence": ("condensers.rewards", "LabelConfidenceConfig"),
}


class _ConfigToBe:
    """Stands in for a configuration class; the first use of it imports the room, which registers the true one."""

    room: str
    name: str

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401, D102  (a configuration)
        return cls.true()(*args, **kwargs)

    @classmethod
    def true(cls) -> Any:  # noqa: ANN401  (a class)
        return getattr(import_module(cls.room), cls.name)

    @classmethod
    def from_dict(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        return cls.true().from_dict(*args, **kwargs)


def _register(module: ModuleType) -> None:
    for model_type, (room, name) in MODEL_TYPES.items():
        stand_in = type(name, (_ConfigToBe,), {"room": room, "name": name})
        module.AutoConfig.register(model_type, stand_in, exist_ok=True)


def _register_adapter(module: ModuleType) -> None:
    try:
        # Costs next to nothing once PEFT is there; importing the room registers the type.
        import_module("condensers.softsrv")
    except MissingDependencyError:
        pass  # That PEFT is still good for all else; `SoftSRVConfig` says so when it is asked for.


def announce() -> None:
    """Registers our types as soon as transformers has loaded its Auto classes and PEFT itself, or now if they have."""
    register_post_import_hook(_register, "transformers.models.auto.configuration_auto")
    register_post_import_hook(_register_adapter, "peft")
