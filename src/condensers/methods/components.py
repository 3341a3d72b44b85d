"""Saving and loading the parts of a condenser: plain settings as JSON, learned parts in a folder of their own."""

import os
from dataclasses import fields, is_dataclass, replace
from importlib import import_module
from typing import Any, TypeVar

import numpy as np

from condensers.errors import SettingError
from condensers.inversion import LLMWriter, NearestRow
from condensers.llm import SamplingSettings
from condensers.placement import (
    DenoisingScoreNetwork,
    GaussianMixtureScore,
    InducingPoints,
    KernelDensityScore,
    KMeansCentroids,
    ModeGuided,
    SteinParticles,
)
from condensers.refinement import LLMRefiner
from condensers.selection import (
    E2SCIS,
    EL2N,
    GDIG,
    FacilityLocation,
    GreedyKCenter,
    Herding,
    KCenter,
    KRRExchange,
    Moderate,
    RandomRows,
    RoundRobin,
    SoftmaxRegression,
)

T = TypeVar("T")

# Every part that a saved condenser may name. Loading builds these classes and no others.
COMPONENTS: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        E2SCIS,
        EL2N,
        GDIG,
        DenoisingScoreNetwork,
        FacilityLocation,
        GaussianMixtureScore,
        GreedyKCenter,
        Herding,
        InducingPoints,
        KCenter,
        KernelDensityScore,
        KMeansCentroids,
        KRRExchange,
        ModeGuided,
        Moderate,
        NearestRow,
        RandomRows,
        RoundRobin,
        SamplingSettings,
        SoftmaxRegression,
        SteinParticles,
    )
}
# Those whose rooms take seconds to import.
_SLOW = {
    "EmbeddingInversion": "condensers.inversion.inverter",
    "SoftSRVRealiser": "condensers.softsrv.realiser",
}
# What a condenser gives its parts itself (`bound`).
_GIVEN = ("embedder", "events")


def component_spec(component: object) -> dict[str, Any]:
    """Describes a part as JSON: its class and its settings.

    Raises:
        SettingError: if the part is not one of the library's, or holds a model in memory, so that loading could not
            build it again.
    """
    cls, name = type(component), type(component).__name__
    if COMPONENTS.get(name) is not cls and not f"{cls.__module__}.".startswith(f"{_SLOW.get(name)}."):
        remedy = ""
        if isinstance(component, (LLMWriter, LLMRefiner)):
            remedy = " What asks a language model is saved as settings: give `llm=` to a PInRCondenser, say."
        raise SettingError(
            f"a condenser with the part {name} cannot be saved; only {', '.join(_known())} can.{remedy}"
        )
    settings = {f.name: getattr(component, f.name) for f in fields(cls) if f.name not in _GIVEN}  # type: ignore[arg-type]
    # Of lists and mappings those that ship are empty, as they are by default.
    settings = {key: value for key, value in settings.items() if not (isinstance(value, (tuple, dict)) and not value)}
    return {"type": name, **{key: _spec_of(value, f"{name}({key}=...)") for key, value in settings.items()}}


def _spec_of(setting: Any, where: str) -> Any:  # noqa: ANN401  (any JSON value)
    if is_dataclass(setting) and not isinstance(setting, type):
        return component_spec(setting)
    if isinstance(setting, os.PathLike):
        return os.fspath(setting)
    if setting is None or isinstance(setting, (str, int, float)):
        return setting
    raise SettingError(
        f"a condenser with a {type(setting).__name__} in memory as {where} cannot be saved; save that with "
        f"`save_pretrained`, and name its folder."
    )


def describe(component: object) -> dict[str, Any]:
    """Names a part and its settings, for the record of a run; a user's own part need not be one that can be saved."""
    known = fields(component) if is_dataclass(component) and not isinstance(component, type) else ()
    settings = {f.name: _plain(getattr(component, f.name)) for f in known if f.repr}
    return {"type": type(component).__name__, **settings}


def _plain(setting: Any) -> Any:  # noqa: ANN401  (any JSON value)
    """Models and embedders, which a part may hold, by their names."""
    if isinstance(setting, (str, int, float, list, tuple, dict)) or setting is None:
        return setting
    if is_dataclass(setting) and not isinstance(setting, type):
        return describe(setting)
    if isinstance(setting, os.PathLike):
        return os.fspath(setting)
    return getattr(setting, "name_or_path", None) or getattr(setting, "name", None) or type(setting).__name__


def component_from_spec(spec: dict[str, Any]) -> Any:  # noqa: ANN401  (one of COMPONENTS)
    """Builds a part from its description, the parts within it too.

    Raises:
        SettingError: if the class or a setting is not known.
    """
    settings = dict(spec)
    name = settings.pop("type", None)
    cls = COMPONENTS.get(name or "")
    if cls is None and name in _SLOW:
        cls = getattr(import_module(_SLOW[name]), name)
    if cls is None:
        raise SettingError(f"unknown part {name!r} in a condenser's config; there is {', '.join(_known())}.")
    known = {f.name for f in fields(cls)}
    unknown = sorted(set(settings) - known)
    if unknown:
        raise SettingError(f"{name} has no setting(s) {', '.join(unknown)}; it was saved by another version.")
    return cls(**{key: component_from_spec(v) if isinstance(v, dict) else v for key, v in settings.items()})


def bound(component: T, **given: Any) -> T:  # noqa: ANN401  (values of any fields)
    """A copy of a part with those of its settings filled in that follow from the condenser and its rows.

    Texts are embedded with what the rows were embedded with, so a part need not be told.
    """
    if not is_dataclass(component) or isinstance(component, type):
        return component
    known = {f.name for f in fields(component)}
    return replace(component, **{name: value for name, value in given.items() if name in known})


def _known() -> list[str]:
    return sorted([*COMPONENTS, *_SLOW])


def is_seeded(component: object) -> bool:
    """Whether a part has a seed."""
    return is_dataclass(component) and any(f.name == "seed" for f in fields(component))


def seeded(component: T, seed: int, code: int) -> T:
    """A copy of a part whose seed follows from the run's seed and the class, if it has one."""
    if not is_seeded(component):
        return component
    derived = int(np.random.SeedSequence((seed, code)).generate_state(1)[0])
    return replace(component, seed=derived)  # type: ignore[type-var]
