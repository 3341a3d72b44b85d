"""The model card of a saved condenser."""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from huggingface_hub import ModelCard, ModelCardData

from condensers.methods.record import RunRecord


def condenser_card(document: Mapping[str, Any], run: RunRecord | None) -> ModelCard:
    """Writes a card that says what the condenser is, what it was last run on, and how to load it.

    Args:
        document: What `condenser_config.json` holds.
        run: The last run; None if it has not run.
    """
    data = ModelCardData(library_name="condensers", tags=["dataset-condensation", document["condenser_type"]])
    template = (files("condensers.methods") / "templates" / "condenser_card.md").read_text(encoding="utf-8")
    return ModelCard.from_template(
        data,
        template_str=template,
        condenser_type=document["condenser_type"],
        version=document["condensers_version"],
        settings=json.dumps(document["settings"], indent=2, ensure_ascii=False),
        components=json.dumps(document["components"], indent=2, ensure_ascii=False),
        keeps_vectors=_keeps_vectors(document),
        run=run.to_json() if run else None,
    )


def _keeps_vectors(document: Mapping[str, Any]) -> bool:
    """Whether a learned part holds vectors of source rows: a kernel density is made of them."""
    named = document["settings"].get("score_model") == "kernel_density"
    given = "KernelDensityScore" in json.dumps(document["components"])
    return bool(document["learned"]) and (named or given)
