"""The folder of a saved condenser: `condenser_config.json`, a card, and one subfolder a learned part."""

import json
import os
from pathlib import Path
from typing import Any

from condensers.errors import SettingError, SourceNotFoundError

CONFIG_NAME = "condenser_config.json"


def condenser_folder(
    spec: str | os.PathLike[str],
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
) -> Path:
    """Folder of a saved condenser: `spec` itself, or a snapshot of that Hub repository.

    Raises:
        SourceNotFoundError: if there is no condenser there.
    """
    path = Path(spec).expanduser()
    if not path.is_dir():
        path = _download(os.fspath(spec), revision, token, cache_dir, local_files_only, force_download)
    if not (path / CONFIG_NAME).is_file():
        raise SourceNotFoundError(f"{os.fspath(spec)!r} holds no condenser: {CONFIG_NAME} is missing.")
    return path


def read_document(folder: Path) -> dict[str, Any]:
    """Reads `condenser_config.json`.

    Raises:
        SettingError: if it is not a JSON object that names a condenser type.
    """
    try:
        document = json.loads((folder / CONFIG_NAME).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise SettingError(f"{str(folder / CONFIG_NAME)!r} is not valid JSON: {error}.") from error
    if not isinstance(document, dict) or not isinstance(document.get("condenser_type"), str):
        raise SettingError(f"{str(folder / CONFIG_NAME)!r} names no `condenser_type`.")
    return document


def _download(
    spec: str,
    revision: str | None,
    token: str | bool | None,
    cache_dir: str | os.PathLike[str] | None,
    local_files_only: bool,
    force_download: bool,
) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return Path(
            snapshot_download(
                spec,
                revision=revision,
                token=token,
                cache_dir=None if cache_dir is None else Path(cache_dir),
                local_files_only=local_files_only,
                force_download=force_download,
            )
        )
    except (OSError, HfHubHTTPError, HFValidationError) as error:
        raise SourceNotFoundError(
            f"{spec!r} is neither a local folder nor a repository that the Hub gave ({type(error).__name__}). "
            f"Check the spelling; for a private repository log in with `hf auth login`."
        ) from error
