"""What a method hands back, and how it becomes a dataset with the source's columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from datasets import ClassLabel, Dataset, Features, List, Value

from condensers.data import Rows
from condensers.data.rows import companion_column
from condensers.embedding import Matrix
from condensers.selection import nearest_of

PROVENANCE = ("condensed_method", "condensed_similarity", "condensed_parents", "condensed_cluster_size")
_PROVENANCE_FEATURES = Features(
    {
        "condensed_method": Value("string"),
        "condensed_similarity": Value("float32"),
        "condensed_parents": List(Value("int64")),
        "condensed_cluster_size": Value("int64"),
    }
)
# Only where a method has them: the reward a row was chosen by, and the round that made it.
REWARD_PROVENANCE = ("condensed_reward", "condensed_round")


@dataclass(frozen=True)
class Condensed:
    """The few rows that a method made of many.

    Attributes:
        texts: Joined text of each row; length n.
        codes: Class of each row; shape (n,), int64.
        similarity: Cosine of each row to the point it realises; shape (n,), float32.
        parents: For each row, positions of the source rows it was made from.
        cluster_size: Source rows of the class to which no other condensed row is nearer; shape (n,), int64.
        positions: Where the rows are source rows kept whole, their positions, shape (n,); None where text was written.
        reward: What each row was chosen by, shape (n,), float32; None for methods without rewards.
        rounds: Round that made each row, from 1, shape (n,), int64; None for methods without rounds.
        further: Values that were written for other columns of the source, such as answers, by column.
    """

    texts: list[str]
    codes: np.ndarray
    similarity: np.ndarray
    parents: list[list[int]]
    cluster_size: np.ndarray
    positions: np.ndarray | None = None
    reward: np.ndarray | None = None
    rounds: np.ndarray | None = None
    further: Mapping[str, list] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.texts)

    @classmethod
    def joined(cls, parts: "Sequence[Condensed]") -> Self:
        """The rows of several classes, one class after the other."""

        def all_of(name: str) -> np.ndarray | None:
            values = [getattr(part, name) for part in parts]
            return None if any(value is None for value in values) else np.concatenate(values)

        return cls(
            texts=[text for part in parts for text in part.texts],
            parents=[parents for part in parts for parents in part.parents],
            codes=np.concatenate([part.codes for part in parts]),
            similarity=np.concatenate([part.similarity for part in parts]),
            cluster_size=np.concatenate([part.cluster_size for part in parts]),
            positions=all_of("positions"),
            reward=all_of("reward"),
            rounds=all_of("rounds"),
            further={name: [v for part in parts for v in part.further[name]] for name in parts[0].further},
        )


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine of each row of `a` to the row of `b` beside it; shapes (n, dim), (n, dim) in, (n,) float32 out."""
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (np.einsum("ij,ij->i", a, b) / np.maximum(norms, 1e-12)).astype(np.float32)


def cluster_sizes(source: Matrix, condensed: np.ndarray) -> np.ndarray:
    """How many source rows are nearest to each condensed row.

    Shape:
        source: (n_rows, dim); condensed: (n, dim); returns: (n,), int64.
    """
    return np.bincount(nearest_of(source, condensed), minlength=len(condensed))


def to_dataset(condensed: Condensed, rows: Rows, *, method: str, provenance: bool) -> Dataset:
    """Builds a dataset with the columns and features of the source, and provenance in extra columns.

    Columns of the source that are neither text nor label, nor name the classes, are kept for whole rows and None for
    written ones.
    """
    earlier = [name for name in (*PROVENANCE, *REWARD_PROVENANCE) if name in rows.dataset.column_names]
    source = rows.dataset.remove_columns(earlier)
    if condensed.positions is not None:
        columns = source.select(condensed.positions).with_format(None).to_dict()
    else:
        columns = _written_columns(condensed, rows, source)
    features = Features(source.features)
    if provenance:
        columns["condensed_method"] = [method] * len(condensed)
        columns["condensed_similarity"] = condensed.similarity.tolist()
        columns["condensed_parents"] = [rows.source_index[parents].tolist() for parents in condensed.parents]
        columns["condensed_cluster_size"] = condensed.cluster_size.tolist()
        features = Features({**features, **_PROVENANCE_FEATURES})
        for name, values, dtype in zip(
            REWARD_PROVENANCE, (condensed.reward, condensed.rounds), ("float32", "int64"), strict=True
        ):
            if values is not None:
                columns[name] = values.tolist()
                features[name] = Value(dtype)
    return Dataset.from_dict(columns, features=features)


def _written_columns(condensed: Condensed, rows: Rows, source: Dataset) -> dict[str, list]:
    columns: dict[str, list] = {name: [None] * len(condensed) for name in source.column_names}
    parts = [rows.columns.split(text) for text in condensed.texts]
    for k, name in enumerate(rows.columns.text):
        columns[name] = [part[k] for part in parts]
    columns |= condensed.further
    label = rows.columns.label
    if label is not None:
        for name in filter(None, (label, companion_column(source, label))):
            values = _class_values(rows, source, name)
            columns[name] = [values[code] for code in condensed.codes.tolist()]
    return columns


def _class_values(rows: Rows, source: Dataset, column: str) -> dict[int, object]:
    """The value that stands for each class in a column that tells classes apart."""
    if isinstance(source.features[column], ClassLabel):
        return {code: code for code in range(len(rows.class_names))}
    codes, first = np.unique(rows.codes, return_index=True)
    values = source.select(first).with_format(None)[column][:]
    return dict(zip(codes.tolist(), values, strict=True))
