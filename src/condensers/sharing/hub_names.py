"""Names of models that hold on every machine, told from what this one knows them by."""

import re
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

# Where huggingface_hub keeps what it downloaded.
_SNAPSHOT = re.compile(r"models--(?P<id>[^/\\]+)[/\\]snapshots[/\\](?P<revision>[^/\\]+)")


@dataclass(frozen=True)
class HubName:
    """A repository on the Hub.

    Attributes:
        id: Its name.
        revision: Its commit; None where it is not known.
    """

    id: str
    revision: str | None = None


def hub_name(name_or_path: str | None) -> HubName | None:
    """The Hub name of a model that was loaded by a name or from a folder.

    Args:
        name_or_path: What it was loaded by, ``user/name`` or a folder. A folder of the Hub's cache has a name; any
            other has none.
    """
    if not name_or_path:
        return None
    cached = _SNAPSHOT.search(name_or_path)
    if cached:
        return HubName(cached["id"].replace("--", "/"), cached["revision"])
    if "/" not in name_or_path or is_path(name_or_path):
        return None
    try:
        validate_repo_id(name_or_path)
    except HFValidationError:
        return None
    return HubName(name_or_path)


def public_name(name: str) -> str:
    """What to call a model where others read it: its Hub name, the last part of a path, or the name as it is."""
    found = hub_name(name)
    if found is not None:
        return found.id
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1] if is_path(name) else name


def is_path(name: str) -> bool:
    """Whether a name is that of a place on this machine or one like it."""
    return name.startswith((".", "/", "~", "\\")) or ":\\" in name or Path(name).exists()
