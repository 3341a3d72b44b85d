"""The Python code that makes a run's rows again."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import PurePath
from typing import Any

from condensers.methods import RunRecord, condenser_class


def reproduction(run: RunRecord) -> str:
    """Code that gives the same rows from the same source, with the settings that are no defaults.

    A run on rows in memory, or with parts of one's own, names what has to be put in by hand.
    """
    settings = _own_settings(run)
    where = [f"{key}={run.source[key]!r}" for key in ("split", "name") if run.source.get(key)]
    revision = run.source.get("commit") or run.source.get("revision")
    if revision:
        where.append(f"revision={revision!r}")
    if run.source.get("path") is None:
        source, note = "my_rows", "  # rows in memory, a datasets.Dataset"
    else:
        source, note = repr(public_path(run.source["path"])), ""
    lines = ["from condensers import AutoCondenser", "", "condenser = AutoCondenser.from_method("]
    lines += [f"    {argument}," for argument in (repr(run.method), *(f"{k}={v!r}" for k, v in settings.items()))]
    lines += [")", f"rows = condenser.condense({', '.join([source, *where])}){note}"]
    if run.method == "embedding":
        parts = json.dumps(run.components, ensure_ascii=False)
        lines.insert(2, f"# Give it the parts {parts}")
    return "\n".join(lines)


def public_path(path: str | None) -> str | None:
    """A name that tells nothing of somebody's disk: the last part of a local path, and all of anything else."""
    if path is None or path.startswith("sample:"):
        return path
    local = path.startswith((".", "/", "~")) or "\\" in path or path.count("/") > 1 or PurePath(path).suffix in _FILES
    return PurePath(path.replace("\\", "/")).name if local else path


_FILES = {".csv", ".tsv", ".json", ".jsonl", ".parquet"}


def _own_settings(run: RunRecord) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for f in fields(condenser_class(run.method).config_class):
        default = None if f.default is MISSING else f.default
        value = run.settings.get(f.name, default)
        value = tuple(value) if isinstance(value, list) else value
        if isinstance(value, str) and value.startswith(("/", "~", ".")):
            value = public_path(value)
        if value != default and not isinstance(value, Mapping):
            found[f.name] = value
    return found
