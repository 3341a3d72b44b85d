"""Saving and loading the parts of a condenser: plain settings as JSON, learned parts in a folder of their own."""

import os
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np

from condensers.errors import SettingError
from condensers.inversion import NearestRow
from condensers.placement import KMeansCentroids
from condensers.selection import FacilityLocation, GreedyKCenter, Herding, KCenter, RandomRows

T = TypeVar("T")

# Every part that a saved condenser may name. Loading builds these classes and no others.
COMPONENTS: dict[str, type] = {
    cls.__name__: cls
    for cls in (FacilityLocation, GreedyKCenter, Herding, KCenter, KMeansCentroids, NearestRow, RandomRows)
}


def component_spec(component: object) -> dict[str, Any]:
    """Describes a part as JSON: its class and its settings.

    Raises:
        SettingError: if the part is not one of the library's, so that loading could not build it again.
    """
    name = type(component).__name__
    if COMPONENTS.get(name) is not type(component):
        raise SettingError(
            f"a condenser with the part {name} cannot be saved; only {', '.join(sorted(COMPONENTS))} can."
        )
    return describe(component)


def describe(component: object) -> dict[str, Any]:
    """Names a part and its settings, for the record of a run; a user's own part need not be one that can be saved."""
    known = fields(component) if is_dataclass(component) and not isinstance(component, type) else ()
    return {"type": type(component).__name__, **{f.name: _plain(getattr(component, f.name)) for f in known}}


def _plain(setting: Any) -> Any:  # noqa: ANN401  (any JSON value)
    """Models and embedders, which a part may hold, by their names."""
    if isinstance(setting, (str, int, float, list, tuple, dict)) or setting is None:
        return setting
    if is_dataclass(setting) and not isinstance(setting, type):
        return asdict(setting)
    if isinstance(setting, os.PathLike):
        return os.fspath(setting)
    return getattr(setting, "name_or_path", None) or getattr(setting, "name", None) or type(setting).__name__


def component_from_spec(spec: dict[str, Any]) -> Any:  # noqa: ANN401  (one of COMPONENTS)
    """Builds a part from its description.

    Raises:
        SettingError: if the class or a setting is not known.
    """
    settings = dict(spec)
    name = settings.pop("type", None)
    cls = COMPONENTS.get(name or "")
    if cls is None:
        raise SettingError(f"unknown part {name!r} in a condenser's config; there is {', '.join(sorted(COMPONENTS))}.")
    known = {f.name for f in fields(cls)}
    unknown = sorted(set(settings) - known)
    if unknown:
        raise SettingError(f"{name} has no setting(s) {', '.join(unknown)}; it was saved by another version.")
    return cls(**settings)


def is_seeded(component: object) -> bool:
    """Whether a part has a seed."""
    return is_dataclass(component) and any(f.name == "seed" for f in fields(component))


def seeded(component: T, seed: int, code: int) -> T:
    """A copy of a part whose seed follows from the run's seed and the class, if it has one."""
    if not is_seeded(component):
        return component
    derived = int(np.random.SeedSequence((seed, code)).generate_state(1)[0])
    return replace(component, seed=derived)  # type: ignore[type-var]
