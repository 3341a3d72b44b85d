"""Model cards: written from what is known, and never over what somebody wrote."""

import hashlib
import logging
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard, ModelCardData
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from condensers.data import write_text
from condensers.sharing.hub_names import hub_name, is_path

CARD_NAME = "README.md"

_MARK = re.compile(r"\s*<!-- Written by condensers, (\w+)\. A card that was edited stays as it is\. -->\s*")
# The title that huggingface_hub's template gives a card about nothing; PEFT writes such.
_BLANK = "# Model Card for Model ID"
# PEFT writes its version into whatever card it finds.
_VERSION = re.compile(r"^- PEFT \S+$", re.MULTILINE)
# What we say about a model, and say anew each time; all else in the metadata stays.
_OURS = ("base_model", "datasets", "library_name", "pipeline_tag", "tags")

_NAMELESS = "a model from a folder, which has no name elsewhere"

_logger = logging.getLogger(__name__)


def render_card(package: str, template: str, data: ModelCardData, **facts: Any) -> ModelCard:  # noqa: ANN401
    """Makes a card out of a template.

    Args:
        package: The package in whose folder ``templates`` the template lies; it may include those of this room.
        template: Name of its file.
        data: The metadata.
        **facts: What it has to say.
    """
    text = re.sub(r"\n{3,}", "\n\n", _environment(package).get_template(template).render(facts)).strip()
    mark = f"<!-- Written by condensers, {_digest(text)}. A card that was edited stays as it is. -->"
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text}\n\n{mark}\n")


@cache
def _environment(package: str) -> Environment:
    # Kept: a training writes a card with each checkpoint, and reading a template takes longer than filling it in.
    loader = ChoiceLoader([PackageLoader(package), PackageLoader("condensers.sharing")])
    return Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701  (Markdown)


def card_data(known: ModelCardData, given: Mapping[str, Any]) -> ModelCardData:
    """The metadata of a card: what is known of a model, and what its user says of it.

    Args:
        known: What is known.
        given: Takes precedence; tags are added.
    """
    tags = [*(known.tags or []), *(given.get("tags") or [])]
    return ModelCardData(**{**known.to_dict(), **given, "tags": list(dict.fromkeys(tags))})


def link_model(name: str | None, revision: str | None = None) -> str:
    """A model as a card names it: a link, where it is on the Hub; never a path of the machine it was made on."""
    found = hub_name(name)
    if found is None:
        return _NAMELESS if name is None or is_path(name) else f"`{name.partition('@')[0]}`"
    at = found.revision or revision
    return f"[{found.id}](https://huggingface.co/{found.id})" + (f" at {at}" if at else "")


def model_spec(name: str | None) -> str:
    """What to load a model by, as it stands in code."""
    if name is None or is_path(name):
        return '"FOLDER_OF_THE_MODEL"'
    model, at, _ = name.partition("@")
    return f'"{model}@URL_OF_THE_SERVER"' if at else f'"{name}"'


def write_card(folder: Path, card: ModelCard) -> bool:
    """Writes a card into the folder of a model.

    A card that somebody wrote or edited stays as it is, and the log says so. One of ours is written anew, with what
    others have put into its metadata: a licence, languages, tags.

    Args:
        folder: Where.
        card: What `render_card` made.

    Returns:
        Whether it was written.

    Raises:
        OSError: if it cannot be.
    """
    path = folder / CARD_NAME
    if path.is_file():
        old = read_card(path)
        if not is_replaceable(old):
            _logger.info("%s is left as it is: somebody wrote or edited it.", path)
            return False
        _keep_metadata(card, old)
    write_text(path, str(card))
    return True


def read_card(path: Path) -> ModelCard:
    """Reads a card, metadata or none."""
    return ModelCard(path.read_text(encoding="utf-8"), ignore_metadata_errors=True)


def is_replaceable(card: ModelCard) -> bool:
    """Whether nobody wrote a card: it is ours, as we made it, or the empty one of huggingface_hub."""
    mark = _MARK.search(card.text)
    if mark is None:
        return _BLANK in card.text
    return mark[1] == _digest(_MARK.sub("\n", card.text))


def _keep_metadata(card: ModelCard, old: ModelCard) -> None:
    ours, theirs = card.data.to_dict(), old.data.to_dict()
    for name, value in theirs.items():
        if name not in _OURS and name not in ours:
            card.data[name] = value
    card.data["tags"] = list(dict.fromkeys([*(ours.get("tags") or []), *(theirs.get("tags") or [])]))


def _digest(text: str) -> str:
    lines = [line.rstrip() for line in _VERSION.sub("", text).strip().splitlines()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
