"""The card of a condensed dataset, written from the record of its run and from nothing that was not measured."""

import shlex
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from datasets import ClassLabel, Dataset, Value
from huggingface_hub import DatasetCard, DatasetCardData

from condensers.hub.leak_guard import LeakReport
from condensers.hub.reproduction import public_path, reproduction
from condensers.hub.source_card import SourceCard
from condensers.methods import PROVENANCE, REWARD_PROVENANCE, RunRecord
from condensers.sharing.papers import PAPERS

UNKNOWN_LICENCE = "unknown"


def dataset_card(
    rows: Dataset,
    run: RunRecord,
    data_file: str,
    *,
    repo_id: str | None = None,
    source: SourceCard | None = None,
    licence: str | None = None,
    language: str | Sequence[str] | None = None,
    leaks: LeakReport | None = None,
    evaluation: Mapping[str, Any] | None = None,
) -> DatasetCard:
    """Writes the card.

    Args:
        rows: The condensed rows.
        run: What made them.
        data_file: Where the Parquet file lies beside the card.
        repo_id: Where they will be found; None for a folder.
        source: What the card of the source says.
        licence: The licence, as the Hub calls it; None takes that of the source.
        language: ISO 639 codes; None takes those of the source.
        leaks: What the leak guard found; None where it has not looked.
        evaluation: What ``condensers evaluate`` measured; None where nothing was.
    """
    known = source or SourceCard()
    inherited = licence is None and known.licence is not None
    named = licence or known.licence or UNKNOWN_LICENCE
    data = DatasetCardData(
        license=named,
        license_name=known.licence_name if inherited else None,
        license_link=known.licence_link if inherited else None,
        language=known.language if language is None else language if isinstance(language, str) else list(language),
        task_categories=known.task_categories or _tasks(run),
        tags=["condensers", run.method, *_tags(run)],
        size_categories=_size_category(len(rows)),
        source_datasets=[known.hub_id] if known.hub_id else None,
        configs=[{"config_name": "default", "data_files": [{"split": "train", "path": data_file}]}],
    )
    template = (files("condensers.hub") / "templates" / "dataset_card.md").read_text(encoding="utf-8")
    return DatasetCard.from_template(
        data,
        template_str=template,
        run=run,
        rows=rows,
        n_rows=len(rows),
        repo_id=repo_id or "THIS_REPOSITORY_OR_FOLDER",
        source_path=public_path(run.source.get("path")),
        columns=[(name, _kind(feature)) for name, feature in _plain_columns(rows).items()],
        embedder=public_path(run.settings["embedder"]),
        paper=PAPERS.get(run.method),
        code=reproduction(run),
        command=shlex.join(public_path(word) or "" for word in run.command) if run.command else None,
        licence=named if isinstance(named, str) else ", ".join(named),
        licence_from="the source" if inherited else "the publisher" if licence else None,
        leaks=leaks,
        evaluation=evaluation,
        scores=_score_rows(evaluation or {}),
        metrics=_metric_rows(evaluation or {}),
        budget=next(
            f"{name.replace('_', ' ')} {run.settings[name]}"
            for name in ("per_class", "total", "fraction")
            if run.settings.get(name) is not None
        ),
    )


def _plain_columns(rows: Dataset) -> dict[str, Any]:
    provenance = {*PROVENANCE, *REWARD_PROVENANCE}
    return {name: feature for name, feature in rows.features.items() if name not in provenance}


def _kind(feature: object) -> str:
    if isinstance(feature, ClassLabel):
        return f"class, one of {feature.num_classes}"
    return feature.dtype if isinstance(feature, Value) else str(feature)


def _tags(run: RunRecord) -> list[str]:
    if run.generation:
        return ["synthetic"]
    return ["dataset-condensation", "coreset" if run.keeps_rows else "synthetic"]


def _tasks(run: RunRecord) -> list[str] | None:
    if run.settings.get("label") is not None:
        return ["text-classification"]
    return ["text-generation"] if run.generation else None


def _score_rows(evaluation: Mapping[str, Any]) -> list[tuple[str, str, str, int]]:
    """Learner, mean accuracy, its standard deviation over seeds (both in percent), number of seeds."""
    found = []
    for learner, scores in evaluation.get("scores", {}).items():
        values = [100 * value for value in scores["accuracy"]]
        mean = sum(values) / len(values)
        spread = (sum((v - mean) ** 2 for v in values) / (len(values) - 1)) ** 0.5 if len(values) > 1 else None
        found.append((learner, f"{mean:.1f}", "" if spread is None else f"{spread:.1f}", len(values)))
    return found


def _metric_rows(evaluation: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    return [
        (
            name,
            f"{score['value']:.3f}",
            f"{score['low']:.3f} to {score['high']:.3f}",
            f"{score['null_low']:.3f} to {score['null_high']:.3f}",
            "" if score["informative"] else "says nothing at this size",
        )
        for name, score in evaluation.get("metrics", {}).items()
    ]


def _size_category(n_rows: int) -> str:
    for limit, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")):
        if n_rows < limit:
            return name
    return "100K<n<1M"
