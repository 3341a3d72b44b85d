"""Rows as `SoftSRVTrainer` trains on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import torch
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from condensers.data import read_rows, resolve_columns
from condensers.embedding import Embedder, embed_texts, vector_column
from condensers.errors import SettingError
from condensers.softsrv.model import IGNORED_LABEL


def softsrv_rows(
    dataset: Dataset,
    embedder: Embedder | None,
    processing_class: PreTrainedTokenizerBase,
    *,
    text: str | Sequence[str] | None = None,
    max_length: int = 256,
    progress: bool = True,
) -> Dataset:
    """Texts as token ids, with the vectors that are their contexts: z_i = E(x_i) (Section 2).

    Vectors come from the cache if they were made before. A text that is cut has no end: the model shall not learn to
    stop in the middle of a sentence.

    Args:
        dataset: Rows with text; several text columns are joined as `Columns` joins them.
        embedder: Makes the contexts; None makes none.
        processing_class: Tokenizer of the language model.
        text: The text columns; None guesses.
        max_length: Tokens of a text, its end included.
        progress: Show a bar.

    Returns:
        Columns ``labels``, and ``context`` if there is an embedder.

    Raises:
        RowError: if there are no rows, or a text is missing.
        ColumnError: if the text column cannot be found.
        SettingError: if the tokenizer has no token that ends a text.
    """
    end = processing_class.eos_token_id
    if end is None:
        raise SettingError("the tokenizer has no end-of-sequence token, so no text would end; set `eos_token`.")
    texts = read_rows(dataset, resolve_columns(dataset, text, label=None)).texts
    ids = processing_class(texts, add_special_tokens=False, verbose=False)["input_ids"]
    columns: dict[str, Any] = {"labels": [[*row, end][:max_length] for row in ids]}
    if embedder is not None:
        columns["context"] = vector_column(embed_texts(texts, embedder, progress=progress).vectors[:])
    return Dataset(pa.table(columns))


@dataclass(frozen=True)
class SoftSRVCollator:
    """Makes one batch of such rows."""

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Collates rows.

        Shape:
            returns: ``labels`` (n, n_tokens), int64, -100 after the end of a text; ``context`` (n, context_dim).
        """
        labels = [torch.tensor(row["labels"]) for row in features]
        batch = {
            "labels": torch.nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=IGNORED_LABEL),
        }
        if "context" in features[0]:
            batch["context"] = torch.tensor([row["context"] for row in features], dtype=torch.float32)
        return batch
