"""The model card of a saved condenser."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard, ModelCardData

from condensers.methods.record import RunRecord
from condensers.sharing import hub_name, link_model, render_card
from condensers.sharing.papers import PAPERS


def condenser_card(document: Mapping[str, Any], run: RunRecord | None, embedder_fingerprint: str | None) -> ModelCard:
    """Writes a card that says what the condenser is, after which paper, what it was last run on, and how to load it.

    Args:
        document: What `condenser_config.json` holds.
        run: The last run; None if it has not run.
        embedder_fingerprint: Whose vectors the learned parts belong to; None if no embedder was loaded.
    """
    settings = document["settings"]
    kind = document["condenser_type"]
    source = hub_name(run.source.get("path")) if run else None
    data = ModelCardData(
        library_name="condensers",
        tags=["condensers", "synthetic-data" if run and run.generation else "dataset-condensation", kind],
        datasets=source.id if source else None,
    )
    return render_card(
        "condensers.methods",
        "condenser_card.md",
        data,
        condenser_type=kind,
        paper=PAPERS.get(kind),
        version=document["condensers_version"],
        settings=_shown(settings),
        components=_shown(document["components"]),
        learned=sorted(document["learned"]),
        keeps_vectors=_keeps_vectors(document),
        embedder=link_model(settings.get("embedder")),
        embedder_fingerprint=embedder_fingerprint,
        run=_without_folders(run.to_json()) if run else None,
    )


def _shown(value: Any) -> str:  # noqa: ANN401  (any JSON value)
    return json.dumps(_without_folders(value), indent=2, ensure_ascii=False)


def _without_folders(value: Any) -> Any:  # noqa: ANN401  (any JSON value)
    """The same without the places of this machine, which concern nobody and help nobody."""
    if isinstance(value, Mapping):
        return {name: _without_folders(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_folders(part) for part in value]
    if isinstance(value, str) and len(value) > 1 and (value.startswith("~") or Path(value).is_absolute()):
        found = hub_name(value)
        return found.id if found else f"A_FOLDER/{Path(value).name}"
    return value


def _keeps_vectors(document: Mapping[str, Any]) -> bool:
    """Whether a learned part holds vectors of source rows: a kernel density is made of them."""
    named = document["settings"].get("score_model") == "kernel_density"
    given = "KernelDensityScore" in json.dumps(document["components"])
    return bool(document["learned"]) and (named or given)
