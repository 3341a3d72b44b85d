"""What the card of a source dataset says that holds for its condensed rows, too: licence, language, task."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from huggingface_hub import DatasetCard, HfApi, metadata_load
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
from yaml import YAMLError

from condensers.methods import RunRecord

# Of a sample, the card stands beside its rows.
_SAMPLE = "sample:"


@dataclass(frozen=True)
class SourceCard:
    """Facts of the source's card; each None where it does not say, or there is no card.

    Attributes:
        licence: As on the Hub: ``"cc-by-4.0"``; several where it names several.
        licence_name: Name of a licence that the Hub does not know.
        licence_link: Where that one stands.
        language: ISO 639 codes.
        task_categories: As on the Hub.
        hub_id: Id of the source where it is a dataset on the Hub.
    """

    licence: str | list[str] | None = None
    licence_name: str | None = None
    licence_link: str | None = None
    language: str | list[str] | None = None
    task_categories: list[str] | None = None
    hub_id: str | None = None


def read_source_card(run: RunRecord, *, token: str | None = None) -> SourceCard:
    """Reads the card of a run's source: on the Hub at the commit that was read, in its folder, or beside the sample.

    A card that is not to be had says nothing, which is no error.

    Args:
        run: What was run.
        token: Hub token; None takes the one that is logged in.
    """
    path = run.source.get("path")
    if path is None:
        return SourceCard()
    if path.startswith(_SAMPLE):
        found = files("condensers.data.samples") / path.removeprefix(_SAMPLE) / "README.md"
        return _facts(DatasetCard(found.read_text(encoding="utf-8")).data.to_dict() if found.is_file() else {})
    local = Path(path).expanduser()
    if local.exists():
        card = local / "README.md"
        return _facts(_metadata(card) if card.is_file() else {})
    if run.source.get("commit") is None:
        return SourceCard()
    try:
        card_data = HfApi(token=token).dataset_info(path, revision=run.source["commit"]).card_data
    except (HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, OSError):
        return SourceCard(hub_id=path)
    return _facts(card_data.to_dict() if card_data else {}, hub_id=path)


def _metadata(card: Path) -> Mapping[str, Any]:
    """What stands above a card; nothing if it cannot be read, since it is not ours to mend."""
    try:
        return metadata_load(card) or {}
    except (OSError, ValueError, YAMLError):
        return {}


def _facts(card: Mapping[str, Any], hub_id: str | None = None) -> SourceCard:
    tasks = card.get("task_categories")
    return SourceCard(
        licence=card.get("license"),
        licence_name=card.get("license_name"),
        licence_link=card.get("license_link"),
        language=card.get("language"),
        task_categories=[tasks] if isinstance(tasks, str) else tasks,
        hub_id=hub_id,
    )
