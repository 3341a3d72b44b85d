"""A name for what a model's weights are, without reading all of them."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_SMALL = 1 << 22
_N_PLACES = 64
_PLACE = 1 << 16
_READ = (".json", ".jinja", ".txt", ".model", ".safetensors", ".gguf")


def folder_digest(folder: Path) -> str:
    """Hash of a model's folder: its small files whole, of its weights 64 places and the size.

    Training changes weights everywhere, so places tell two models apart; reading gigabytes would take longer than
    many a run.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.suffix in _READ and path.is_file()):
        size = path.stat().st_size
        digest.update(f"{path.name}:{size};".encode())
        with path.open("rb") as file:
            if size <= _SMALL:
                digest.update(file.read())
                continue
            for place in range(_N_PLACES):
                file.seek(place * (size - _PLACE) // (_N_PLACES - 1))
                digest.update(file.read(_PLACE))
    return digest.hexdigest()[:32]


def folder_digests(sources: Mapping[str, str | None]) -> dict[str, str]:
    """`folder_digest` of those sources that are local folders: training changes them, and their names would not tell.

    Args:
        sources: Folders and Hub ids by what they are for.
    """
    folders = {name: Path(source) for name, source in sources.items() if source and Path(source).is_dir()}
    return {name: folder_digest(folder) for name, folder in folders.items()}


def weights_digest(model: "PreTrainedModel") -> str:
    """Hash of a model in memory: its config, and for each weight its name, shape and two sums."""
    digest = hashlib.sha256(model.config.to_json_string(use_diff=False).encode())
    for name, weight in model.named_parameters():
        total, size = weight.detach().double().sum().item(), weight.detach().double().abs().sum().item()
        digest.update(f"{name}:{tuple(weight.shape)}:{total!r}:{size!r};".encode())
    return digest.hexdigest()[:32]
