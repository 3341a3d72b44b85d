"""Rows as `InverterTrainer` trains on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from datasets import Dataset

from condensers.data import read_rows, resolve_columns
from condensers.embedding import Embedder, embed_texts, vector_column
from condensers.inversion.inverter.corrector import InverterCorrector
from condensers.inversion.inverter.embedding_inverter import EmbeddingInverter
from condensers.inversion.inverter.hypotheses import write_hypotheses
from condensers.inversion.inverter.network import IGNORED_LABEL, pad_left
from condensers.inversion.inverter.prefixed_model import PrefixedModel
from condensers.inversion.inverter.targets import unit_targets

# What Trainer groups rows by.
LENGTH_COLUMN = "length"


def inversion_rows(
    dataset: Dataset,
    model: PrefixedModel,
    embedder: Embedder,
    *,
    inverter: EmbeddingInverter | None = None,
    text: str | Sequence[str] | None = None,
    batch_size: int = 64,
    progress: bool = True,
) -> Dataset:
    """Texts with their vectors; for a corrector also with an inverter's attempts and their vectors.

    Vectors and attempts come from the cache if they were made before.

    Args:
        dataset: Rows with text; several text columns are joined as `Columns` joins them.
        model: Whose tokens and whose dimension.
        embedder: What the model was made for.
        inverter: Writes the attempts; needed where `model` is an `InverterCorrector`.
        text: The text columns; None guesses.
        batch_size: Vectors a forward pass of the inverter.
        progress: Show bars.

    Returns:
        Columns ``embeddings``, ``labels``, ``length``, and for a corrector ``hypothesis_embeddings`` and
        ``hypothesis_ids``.

    Raises:
        RowError: if there are no rows, a text is missing, or the embedder returns numbers that are not finite.
        ColumnError: if the text column cannot be found.
        SettingError: if the embedder has another dimension than the model.
    """
    texts = read_rows(dataset, resolve_columns(dataset, text, label=None)).texts
    targets = unit_targets(embed_texts(texts, embedder, progress=progress).vectors[:], model.config)
    labels = model.label_ids(texts)
    lengths = np.asarray([len(ids) for ids in labels])
    columns: dict[str, Any] = {"embeddings": vector_column(targets), "labels": labels}
    if isinstance(model, InverterCorrector) and inverter is not None:
        hypotheses = write_hypotheses(inverter, targets, batch_size=batch_size, progress=progress)
        attempts = embed_texts(hypotheses, embedder, progress=progress).vectors[:]
        columns["hypothesis_embeddings"] = vector_column(attempts)
        columns["hypothesis_ids"] = model.hypothesis_ids(hypotheses)
        lengths += [len(ids) for ids in columns["hypothesis_ids"]]
    return Dataset(pa.table({**columns, LENGTH_COLUMN: lengths}))


@dataclass(frozen=True)
class InversionCollator:
    """Makes one batch of such rows.

    Attributes:
        pad_token_id: Fills up attempts, on the left.
    """

    pad_token_id: int

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Collates rows.

        Shape:
            returns: what the model's `forward` takes.
        """
        batch: dict[str, torch.Tensor] = {
            name: torch.tensor([row[name] for row in features], dtype=torch.float32)
            for name in ("embeddings", "hypothesis_embeddings")
            if name in features[0]
        }
        labels = [torch.tensor(row["labels"]) for row in features]
        batch["labels"] = torch.nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=IGNORED_LABEL)
        if "hypothesis_ids" in features[0]:
            ids = [row["hypothesis_ids"] for row in features]
            batch["hypothesis_ids"], batch["hypothesis_mask"] = pad_left(ids, self.pad_token_id)
        return batch
