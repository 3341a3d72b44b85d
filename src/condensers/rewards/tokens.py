"""Labelled texts as a classifier reads them."""

import hashlib
import inspect
from collections.abc import Sequence

import numpy as np
from datasets import Dataset
from torch import nn
from transformers import PreTrainedConfig, PreTrainedTokenizerBase

from condensers.data import resolve_columns
from condensers.errors import RowError, SettingError

LABEL_COLUMNS = ("label", "labels", "label_ids")

# Tokenizers without a limit report one of 10^30 tokens.
_NO_LIMIT = 1_000_000


def tokenize_rows(
    dataset: Dataset,
    processing_class: PreTrainedTokenizerBase | None,
    *,
    text: str | Sequence[str] | None = None,
    max_length: int | None = None,
) -> Dataset:
    """Adds the token columns, unless the rows have them already; all other columns stay.

    Two text columns go to the tokenizer as a pair; more are joined by the separator of `Columns`.

    Args:
        dataset: Rows with text, or with ``input_ids``.
        processing_class: The tokenizer.
        text: The text columns; None guesses.
        max_length: Tokens kept of a row; None keeps all.

    Raises:
        ColumnError: if there are no token columns and the text columns are missing or cannot be guessed.
        RowError: if a text is missing.
        SettingError: if a tokenizer is needed and there is none.
    """
    if "input_ids" in dataset.column_names:
        return dataset
    columns = resolve_columns(dataset, text, label=None)
    if processing_class is None:
        raise SettingError(
            f"the rows hold text ({', '.join(columns.text)}) but no `input_ids`; pass `processing_class=` to tokenise."
        )

    def encode(batch: dict[str, list]) -> dict[str, list]:
        parts = [batch[name] for name in columns.text]
        for name, values in zip(columns.text, parts, strict=True):
            if None in values:
                raise RowError(
                    f"{values.count(None)} rows have no text in column {name!r}. Fill them in or drop them."
                )
        texts = parts if len(parts) <= 2 else [[columns.join(row) for row in zip(*parts, strict=True)]]
        return dict(processing_class(*texts, truncation=max_length is not None, max_length=max_length))

    return dataset.map(encode, batched=True, desc="Tokenizing")


def length_limit(processing_class: PreTrainedTokenizerBase | None, config: PreTrainedConfig) -> int | None:
    """The most tokens that a classifier can read; None if neither its tokenizer nor its config says."""
    limit = getattr(processing_class, "model_max_length", None)
    if limit is None or limit > _NO_LIMIT:
        limit = getattr(config, "max_position_embeddings", None)
    return limit


def input_columns(model: nn.Module, dataset: Dataset) -> list[str]:
    """The columns of `dataset` that the forward pass of `model` takes, labels excluded."""
    accepted = inspect.signature(model.forward).parameters
    return [name for name in dataset.column_names if name in accepted and name not in LABEL_COLUMNS]


def rows_digest(dataset: Dataset, columns: Sequence[str]) -> str:
    """Hash of some columns of integers or lists of integers; equal rows in equal order give equal digests."""
    digest = hashlib.sha256()
    for name in sorted(columns):
        digest.update(name.encode())
        for value in dataset.with_format(None)[name][:]:
            array = np.asarray(value, dtype=np.int64)
            digest.update(array.size.to_bytes(8, "little") + array.tobytes())
    return digest.hexdigest()


def shared_rows(dataset: Dataset, other: Dataset) -> np.ndarray:
    """Positions of the rows of `dataset` whose tokens are also those of a row of `other`.

    Shape:
        returns: (n_shared,), int64, ascending.
    """
    theirs = {tuple(ids) for ids in other.with_format(None)["input_ids"][:]}
    ours = dataset.with_format(None)["input_ids"][:]
    return np.asarray([i for i, ids in enumerate(ours) if tuple(ids) in theirs], dtype=np.int64)
