"""Log-probabilities of all classes for many rows."""

import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from datasets import Dataset
from torch import nn

from condensers.data import agreed, gathered, meet, process_count, process_index, progress_bar
from condensers.errors import RowError, StorageError
from condensers.rewards.tokens import LABEL_COLUMNS

Collate = Callable[[list[dict[str, Any]]], Any]


def score_rows(
    model: nn.Module,
    rows: Dataset,
    collate: Collate,
    *,
    batch_size: int = 64,
    autocast: Callable[[], AbstractContextManager] = nullcontext,
    progress: bool = True,
) -> np.ndarray:
    """Runs a classifier once over tokenised rows.

    Batches hold rows of like length. The softmax is taken in float32 whatever the dtype of the logits. Where there are
    several processes, each takes every n-th batch and all get the whole.

    Args:
        model: The classifier, on the device where it shall run.
        rows: Columns that `model` takes, ``input_ids`` among them; labels are passed to `collate` only.
        collate: Makes one batch of a list of rows.
        batch_size: Rows a forward pass (IMP-Loss, Appendix E: 64).
        autocast: Context of the forward pass, for mixed precision.
        progress: Show a bar.

    Shape:
        returns: (n_rows, n_classes), float32, natural logarithms.

    Raises:
        RowError: if the model returns NaN.
    """
    meet()
    lengths = np.asarray([len(ids) for ids in rows.with_format(None)["input_ids"][:]])
    order = np.argsort(-lengths, kind="stable")
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    mine = batches[process_index() :: process_count()]
    was_training = model.training
    model.eval()
    try:
        bar = progress_bar(mine, desc="Scoring", unit="batch", shown=progress and process_index() == 0)
        parts = [_log_probs(model, rows, positions, collate, autocast) for positions in bar]
    finally:
        model.train(was_training)
    found = gathered([(positions, part.cpu().numpy()) for positions, part in zip(mine, parts, strict=True)])
    scores = np.empty((len(rows), found[0][1].shape[1]), dtype=np.float32)
    for positions, values in found:
        scores[positions] = values
    bad = np.flatnonzero(np.isnan(scores).any(axis=1))
    if len(bad):
        raise RowError(
            f"the classifier returned NaN for {len(bad)} of {len(rows)} rows (the first is row {bad[0]}). Check its "
            f"weights, or fit it with a lower learning rate."
        )
    return scores


def cached_scores(key: Sequence[str], compute: Callable[[], np.ndarray]) -> np.ndarray:
    """Takes scores from the cache of `datasets`, or computes them and puts them there.

    Args:
        key: Digests of all that the scores depend on.
        compute: Called by all processes together, or by none.

    Raises:
        StorageError: if the cache cannot be written.
    """
    meet()
    folder = Path(datasets.config.HF_DATASETS_CACHE) / "condensers" / "label_confidence"
    path = folder / f"{'-'.join(part[:32] for part in key)}.npy"
    # One process looks for all, since machines need not share the folder, and `compute` must be called by all or none.
    is_first = process_index() == 0
    found = agreed(np.load(path, allow_pickle=False) if is_first and path.exists() else None)
    if found is not None:
        return found
    scores = compute()
    if is_first:
        _write(path, scores)
    return scores


def _log_probs(
    model: nn.Module,
    rows: Dataset,
    positions: np.ndarray,
    collate: Collate,
    autocast: Callable[[], AbstractContextManager],
) -> torch.Tensor:
    columns = rows.with_format(None)[positions.tolist()]
    features = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    device = next(model.parameters()).device
    batch = {name: value.to(device) for name, value in collate(features).items() if name not in LABEL_COLUMNS}
    with torch.no_grad(), autocast():
        logits = model(**batch).logits
    return torch.log_softmax(logits.float(), dim=-1)


def _write(path: Path, scores: np.ndarray) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            np.save(file, scores, allow_pickle=False)
        os.replace(scratch, path)
    except OSError as error:
        raise StorageError(
            f"could not write the score cache in {str(path.parent)!r}: {error.strerror or error}. Free some space, "
            f"set HF_DATASETS_CACHE to another place, or pass `cache=False`."
        ) from error
