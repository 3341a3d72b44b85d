"""Word vectors out of the input table of a Hugging Face model."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from condensers.errors import SettingError, SourceNotFoundError

# What architectures call their input table: BERT and its kin, Llama and its kin, GPT-2, T5 and BART, ModernBERT,
# XLNet, GPT-NeoX. The first that a model has is taken.
_TABLE_NAMES = (
    "word_embeddings.weight",
    "embed_tokens.weight",
    "wte.weight",
    "shared.weight",
    "tok_embeddings.weight",
    "word_embedding.weight",
    "embed_in.weight",
)
_BLOCK_ROWS = 8192
_GLOVE_STD = 0.4


def read_word_vectors(folder: Path, dim: int) -> np.ndarray:
    r"""Reads a model's input embedding table and reduces it to its first `dim` principal components.

    Only the table is read, a block of rows at a time. The components are scaled together so that their root mean
    square is 0.4, that of the 100-dimensional GloVe vectors which they stand in for.

    Args:
        folder: A model in safetensors format, in one file or several.
        dim: Components kept.

    Shape:
        returns: (vocab_size, dim), float32, columns centred.

    Raises:
        SourceNotFoundError: if there are no safetensors files, or no input table in them.
        SettingError: if the table is narrower than `dim`.
    """
    path, name = _find_table(folder)
    mean, covariance = _moments(path, name)
    if dim > len(mean):
        raise SettingError(
            f"`embedding_dim` must be at most {len(mean)}, the width of the embedding table in {str(folder)!r}; "
            f"got {dim}."
        )
    variances, axes = np.linalg.eigh(covariance)
    axes = axes[:, ::-1][:, :dim]
    # An axis has no sign of its own; this one does not depend on the library that computed it.
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(dim)])
    scale = _GLOVE_STD / np.sqrt(max(variances[::-1][:dim].mean(), np.finfo(np.float64).tiny))
    return np.concatenate([((block - mean) @ axes * scale).astype(np.float32) for block in _blocks(path, name)])


def _find_table(folder: Path) -> tuple[Path, str]:
    """File and tensor name of the input table."""
    from safetensors import safe_open

    index = folder / "model.safetensors.index.json"
    single = folder / "model.safetensors"
    if single.is_file():
        with safe_open(single, framework="pt") as file:
            files = dict.fromkeys(file.keys(), single)
    elif index.is_file():
        weight_map = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        files = {name: folder / part for name, part in weight_map.items()}
    else:
        raise SourceNotFoundError(f"{str(folder)!r} holds no weights in safetensors format (model.safetensors).")
    for ending in _TABLE_NAMES:
        for name in sorted(files):
            if name == ending or name.endswith(f".{ending}"):
                return files[name], name
    raise SourceNotFoundError(
        f"the weights in {str(folder)!r} hold no input embedding table, called one of {', '.join(_TABLE_NAMES)}. "
        f"Choose another `model`, or pass `pretrained=False`."
    )


def _blocks(path: Path, name: str) -> Iterator[np.ndarray]:
    from safetensors import safe_open

    # The torch reader, since NumPy has no bfloat16.
    with safe_open(path, framework="pt") as file:
        table = file.get_slice(name)
        for start in range(0, table.get_shape()[0], _BLOCK_ROWS):
            yield table[start : start + _BLOCK_ROWS].double().numpy()


def _moments(path: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the rows; shapes (width,) and (width, width), float64."""
    n_rows, total, products = 0, np.zeros(()), np.zeros(())
    for block in _blocks(path, name):
        n_rows += len(block)
        total = total + block.sum(axis=0)
        products = products + block.T @ block
    mean = total / n_rows
    return mean, products / n_rows - np.outer(mean, mean)
