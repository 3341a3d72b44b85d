"""The table of methods, and the class that loads whichever was saved."""

import os
from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from typing import Any

from condensers.errors import SettingError
from condensers.methods.condenser import Condenser
from condensers.methods.saving import condenser_folder, read_document

# Adding a method is one file in this folder and one line here.
METHODS: dict[str, str] = {
    "aug_pe": "aug_pe:AugPECondenser",
    "condenselm": "condenselm:CondenseLMCondenser",
    "dallme": "dallme:DaLLMECondenser",
    "dilm": "dilm:DiLMCondenser",
    "discretization": "discretization:DiscretizationCondenser",
    "e2sc_is": "e2sc_is:E2SCISCondenser",
    "el2n": "el2n:EL2NCondenser",
    "embedding": "embedding_condenser:EmbeddingCondenser",
    "error_extrapolation": "error_extrapolation:ErrorExtrapolationCondenser",
    "facility_location": "facility_location:FacilityLocationCondenser",
    "few_shot": "few_shot:FewShotCondenser",
    "g_dig": "g_dig:GDIGCondenser",
    "greedy_k_center": "greedy_k_center:GreedyKCenterCondenser",
    "herding": "herding:HerdingCondenser",
    "inducing_points": "inducing_points:InducingPointsCondenser",
    "k_center": "k_center:KCenterCondenser",
    "krr_exchange": "krr_exchange:KRRExchangeCondenser",
    "krr_rewrite": "krr_rewrite:KRRRewriteCondenser",
    "mgd3": "mgd3:MGD3Condenser",
    "moderate": "moderate:ModerateCondenser",
    "pinr": "pinr:PInRCondenser",
    "prompt_template": "prompt_template:PromptTemplateCondenser",
    "random": "random:RandomCondenser",
    "self_refine": "self_refine:SelfRefineCondenser",
    "softsrv": "softsrv:SoftSRVCondenser",
}


def condenser_class(condenser_type: str) -> type[Condenser]:
    """The class of a method.

    Raises:
        SettingError: if there is no method of that name.
    """
    place = METHODS.get(condenser_type)
    if place is None:
        raise SettingError(f"there is no method {condenser_type!r}; choose one of {', '.join(sorted(METHODS))}.")
    module, _, name = place.partition(":")
    return getattr(import_module(f"condensers.methods.{module}"), name)


def generating_methods() -> list[str]:
    """Names of the methods that write more rows, not fewer."""
    return sorted(name for name in METHODS if condenser_class(name).may_exceed_source)


def settings_for(method: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of some settings that a method has: several methods, of which some ask an LLM, share one list of them.

    Raises:
        SettingError: if there is no method of that name.
    """
    known = {field.name for field in fields(condenser_class(method).config_class)}
    return {name: value for name, value in settings.items() if name in known}


class AutoCondenser:
    """Loads a saved condenser of any type."""

    @staticmethod
    def from_pretrained(
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
        **settings: Any,
    ) -> Condenser:
        """Loads a condenser from a folder or the Hub; see `Condenser.from_pretrained`.

        Raises:
            SourceNotFoundError: if there is no condenser there.
            SettingError: if its config is broken or names a method that this version has not.
        """
        folder = condenser_folder(
            pretrained_model_name_or_path,
            revision=revision,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            force_download=force_download,
        )
        cls = condenser_class(read_document(folder)["condenser_type"])
        return cls.from_pretrained(folder, **settings)

    @staticmethod
    def from_method(method: str, **settings: Any) -> Condenser:
        """Makes a condenser by the name of its method, as the command line does.

        Raises:
            SettingError: if there is no method of that name, or it has no such setting.
        """
        return condenser_class(method)(**settings)
