"""Puts the page together and writes it."""

import base64
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from condensers.data import Rows, write_text
from condensers.embedding import Matrix
from condensers.errors import StorageError
from condensers.evaluation import MethodResult, Scores
from condensers.report import formatting
from condensers.report.accuracy import accuracy_text, draw_accuracy, scores_of
from condensers.report.budgets import CURVE_HEIGHT, draw_curves
from condensers.report.charts import HISTOGRAM_HEIGHT, draw_balance, draw_histograms
from condensers.report.classes import N_STYLES, class_styles
from condensers.report.lineage import Lineage, lineage_data, trace_lineage
from condensers.report.result import LabelledResult, label_results
from condensers.report.scatter import draw_map
from condensers.report.stages import DESCENT_HEIGHT, draw_closeness, draw_descent
from condensers.report.tables import compare, tabulate

if TYPE_CHECKING:
    from jinja2 import Environment

# With more classes than this the balance chart shows the largest ones first and folds the rest away.
MAX_OPEN_CLASSES = 12


@dataclass(frozen=True)
class Fact:
    """A line of the page's head, or a key figure: a name, a value and a note."""

    name: str
    value: str
    note: str = ""


def write_report(
    path: str | os.PathLike[str],
    *,
    title: str,
    source: Rows,
    vectors: Matrix,
    results: Sequence[MethodResult],
    ceilings: Sequence[Scores] = (),
    seed: int = 0,
) -> Path:
    """Writes one HTML file about condensed rows: numbers, charts, a map, and the rows themselves.

    The file needs nothing but itself and asks the network for nothing. The same input gives the same bytes. However
    large the source, it holds the beginnings of at most 1,500 of its rows for the map, and of those that condensed
    rows stand for or were made from as many as `trace_lineage` says.

    Example::

        write_report("report.html", title="AG News", source=rows, vectors=vectors, results=[result])

    Args:
        path: Where the file goes; folders on the way are made, an older file is replaced.
        title: Heading of the page.
        source: The rows that were condensed, without duplicates.
        vectors: One unit vector a source row.
        results: What each method made of them; several are compared, and where a method was run with several budgets
            its accuracy is drawn over them.
        ceilings: Scores of learners that were trained on all source rows; the charts show what there is to reach.
        seed: Fixes which source rows are on the map, and where.

    Shape:
        vectors: (n_source_rows, dim), float32.

    Raises:
        SettingError: if there are no results, or those of a private run.
        RowError: if a result has no rows, or rows, vectors and labels do not fit together.
        ColumnError: if condensed rows lack a text or label column of the source.
        StorageError: if the file cannot be written.
    """
    page = render(title=title, source=source, vectors=vectors, results=results, ceilings=ceilings, seed=seed)
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_text(target, page)
    except OSError as error:
        raise StorageError(
            f"could not write the report {str(target)!r}: {error.strerror or error}. Choose another place."
        ) from error
    return target


def render(
    *,
    title: str,
    source: Rows,
    vectors: Matrix,
    results: Sequence[MethodResult],
    ceilings: Sequence[Scores] = (),
    seed: int = 0,
) -> str:
    """Makes the page that `write_report` writes; see there."""
    entries = label_results(results, source, vectors)
    styles = class_styles(source)
    lineages = trace_lineage(entries, source, vectors)
    distances = [_distances(lineage) for lineage in lineages]
    drawn = draw_map(source, vectors, entries, styles, seed)
    script = _asset("_rows.js") + _asset("_lineage.js")
    many_classes = len(styles) > MAX_OPEN_CLASSES
    page = (
        _environment()
        .get_template("report.html.jinja")
        .render(
            title=title,
            entries=entries,
            styles=list(styles.values()),
            styles_by_code=styles,
            n_styles=N_STYLES,
            labelled=source.columns.label is not None,
            facts=_facts(source, vectors, entries),
            figures=_figures(entries[0], source, float(np.nanmean(distances[0]))) if len(entries) == 1 else [],
            columns=compare(entries),
            panels=draw_accuracy(entries, ceilings),
            curves=draw_curves(entries, ceilings=ceilings),
            token_curves=draw_curves(entries, "tokens", ceilings),
            curve_height=CURVE_HEIGHT,
            histograms=draw_histograms([entry.label for entry in entries], distances),
            histogram_height=HISTOGRAM_HEIGHT,
            balances=[draw_balance(source, entry, sort=many_classes) for entry in entries],
            descents=[draw_descent(entry, styles) for entry in entries],
            descent_height=DESCENT_HEIGHT,
            closeness=[draw_closeness(entry) for entry in entries],
            n_open_classes=MAX_OPEN_CLASSES if many_classes else len(styles),
            map=drawn,
            lineage=lineage_data(lineages, source, styles, drawn.positions),
            tables=[tabulate(entry, source, styles) for entry in entries],
            seeds=[entry.result.run.settings.get("seed") for entry in entries],
            settings=[_settings(entry.result) for entry in entries],
            style=_asset("_style.css"),
            script=script,
            script_hash=_script_hash(script),
        )
    )
    # A lone surrogate, which JSON can smuggle into a string, has no place in a UTF-8 file.
    return page.encode("utf-8", "replace").decode("utf-8")


def _facts(source: Rows, vectors: Matrix, entries: Sequence[LabelledResult]) -> list[Fact]:
    run = entries[0].result.run
    where = run.source.get("path") or "rows in memory"
    details = [f"{key} {run.source[key]}" for key in ("name", "split", "revision") if run.source.get(key)]
    dropped = f"{formatting.count(run.n_duplicates, 'repeated row')} left out" if run.n_duplicates else ""
    classes = f"{len(source.class_counts):,}" if source.columns.label else "none: unlabelled text"
    label = f"from column {source.columns.label}" if source.columns.label else ""
    return [
        Fact("Source", where, ", ".join(details)),
        Fact("Rows", formatting.whole(len(source)), dropped),
        Fact("Classes", classes, label),
        Fact("Text", " + ".join(source.columns.text), f"from {formatting.count(len(source.columns.text), 'column')}"),
        Fact("Embedder", str(run.settings.get("embedder") or formatting.DASH), f"{vectors.shape[1]:,} dimensions"),
        Fact("Made with", f"condensers {run.versions.get('condensers', '')}".strip()),
    ]


def _figures(entry: LabelledResult, source: Rows, distance: float) -> list[Fact]:
    """Key figures of a single method."""
    result = entry.result
    n = len(entry.codes)
    generation = result.run.generation
    named = "Generated rows" if generation else "Condensed rows"
    figures = [Fact(named, formatting.whole(n), f"{formatting.percent(n / len(source))} of the source")]
    if generation:
        dropped = f"{formatting.whole(sum(generation['dropped'].values()))} dropped"
        figures.append(Fact("Texts written", formatting.whole(generation["written"]), dropped))
    for learner in dict.fromkeys(scores.learner for scores in result.scores):
        scores = scores_of(entry, learner)
        if scores is not None:
            seeds = f"%, {formatting.count(scores.n, 'seed')}"
            figures.append(Fact(f"Accuracy, {learner}", accuracy_text(scores), seeds))
    similarity = 1.0 - distance if result.similarity is None else result.similarity
    figures.append(Fact("Similarity", formatting.fixed(similarity), "mean cosine, source to condensed rows"))
    embedding = result.run.seconds.get("embedding", 0.0)
    note = "embeddings came from the cache"
    if result.run.n_embedded:
        note = f"and {formatting.duration(embedding)} for {formatting.count(result.run.n_embedded, 'embedding')}"
    figures.append(Fact("Time", formatting.duration(result.seconds), note))
    return figures


def _distances(lineage: Lineage) -> np.ndarray:
    """Cosine distance of each source row to its nearest condensed row; NaN where its class has none."""
    # Rounding takes equal vectors a hair below 0.
    return np.maximum(1.0 - lineage.similarity, 0.0)


def _settings(result: MethodResult) -> str:
    return json.dumps(result.run.to_json(), indent=2, ensure_ascii=False, default=str)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("condensers.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("whole", "percent", "fixed", "count", "shorten"):
        environment.filters[name] = getattr(formatting, name)
    environment.globals["dash"] = formatting.DASH
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "sort_keys": True}
    return environment


def _asset(name: str) -> str:
    """A file of ours that goes into the page as it is."""
    return (files("condensers.report") / "templates" / name).read_text(encoding="utf-8")


def _script_hash(script: str) -> str:
    """What the page's content security policy calls its one script, so that no other can run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
