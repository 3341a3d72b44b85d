"""Small results of made-up methods."""

from dataclasses import replace

import numpy as np
from datasets import ClassLabel, Dataset, Features, List, Value

from condensers.data import Columns, read_rows
from condensers.evaluation import Scores
from condensers.methods import RunRecord
from condensers.report import MethodResult


def make_scores(learner, *accuracy):
    return Scores(learner, accuracy, accuracy, 1.0, tuple(range(len(accuracy))))


def unit_vectors(n, dim=8, seed=0):
    x = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def make_source(texts, labels=None, names=None, columns=("text",)):
    """Rows of a dataset; `texts` holds one string a row, or one tuple a row where there are several columns."""
    parts = [text if isinstance(text, tuple) else (text,) for text in texts]
    data = {name: [part[i] for part in parts] for i, name in enumerate(columns)}
    features = {name: Value("string") for name in columns}
    if labels is not None:
        data["label"], features["label"] = labels, ClassLabel(names=names)
    dataset = Dataset.from_dict(data, features=Features(features))
    return read_rows(dataset, Columns(text=tuple(columns), label="label" if labels is not None else None))


def make_run(method, n_source, n_rows, **changes):
    facts = {
        "method": method,
        "settings": {"embedder": "words", "per_class": n_rows, "seed": 0},
        "components": {},
        "source": {"path": "me/rows", "split": "train", "name": None, "revision": None},
        "n_source_rows": n_source,
        "n_duplicates": 0,
        "n_embedded": n_source,
        "class_counts": {"all": n_rows},
        "seconds": {"embedding": 4.0, "condensing": 1.25},
        "versions": {"condensers": "0.1.0"},
    }
    return RunRecord(**{**facts, **changes})


def make_result(source, vectors, kept, *, method="k_center", provenance=True, scores=(), similarity=0.5, **changes):
    """The source rows at `kept` as a method would hand them over."""
    rows = source.dataset.select(kept)
    if provenance:
        rows = rows.add_column("condensed_method", [method] * len(kept))
        values = np.linspace(0.9, 0.6, len(kept), dtype=np.float32).tolist()
        rows = rows.add_column("condensed_similarity", values, feature=Value("float32"))
        rows = rows.add_column("condensed_parents", [[int(i)] for i in kept], feature=List(Value("int64")))
        rows = rows.add_column("condensed_cluster_size", [17 + i for i in range(len(kept))])
    record = make_run(method, len(source), len(kept), **changes)
    record = replace(record, settings={**record.settings, "text": list(source.columns.text)})
    return MethodResult(method, rows, np.asarray(vectors[kept]), record, tuple(scores), similarity, 1.25)
