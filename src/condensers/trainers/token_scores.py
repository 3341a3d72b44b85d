"""Log-probabilities of the tokens of many rows under a language model, and how they reach the loss."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from datasets import Dataset
from torch import nn

from condensers.data import progress_bar
from condensers.errors import RowError
from condensers.trainers.carried_columns import CarriedColumns
from condensers.trainers.importance_weights import IGNORED_LABEL

Collate = Callable[[list[dict[str, Any]]], Any]


def score_tokens(
    model: nn.Module,
    rows: Dataset,
    collate: Collate,
    *,
    batch_size: int,
    autocast: Callable[[], AbstractContextManager],
    progress: bool = True,
) -> np.ndarray:
    """Runs a causal language model once over tokenised rows.

    Batches hold rows of like length. The softmax is taken in float32 whatever the dtype of the logits. Where there are
    several processes, each takes every n-th batch and all get the whole.

    Args:
        model: The language model, on the device where it shall run.
        rows: Columns ``input_ids`` and ``labels``.
        collate: Makes one batch of a list of rows; must return an ``attention_mask``.
        batch_size: Rows a forward pass.
        autocast: Context of the forward pass, for mixed precision.
        progress: Show a bar.

    Shape:
        returns: (n_tokens,), float32, natural logarithms: one number a token of ``input_ids``, row after row; 0 for
            tokens that are not predicted, which are the first of each row and those labelled -100.

    Raises:
        RowError: if the model returns NaN.
    """
    state = PartialState()
    ends = np.cumsum(token_counts(rows))
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    order = np.argsort(starts - ends, kind="stable")
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    mine = batches[state.process_index :: state.num_processes]
    was_training = model.training
    model.eval()
    try:
        bar = progress_bar(mine, desc="Scoring", unit="batch", shown=progress and state.is_main_process)
        found = [
            (int(position), values)
            for positions in bar
            for position, values in zip(positions, _batch(model, rows, positions, collate, autocast), strict=True)
        ]
    finally:
        model.train(was_training)
    if state.num_processes > 1:
        found = gather_object(found)
    scores = np.empty(int(ends[-1]), dtype=np.float32)
    for position, values in found:
        scores[starts[position] : ends[position]] = values
    if np.isnan(scores).any():
        row = int(np.searchsorted(ends, np.argmax(np.isnan(scores)), side="right"))
        raise RowError(f"the quality model returned NaN (first in row {row}). Check its weights and its precision.")
    return scores


def token_counts(rows: Dataset, column: str = "input_ids") -> np.ndarray:
    """Length of the list that each row holds in a column; shape (n_rows,), int64."""
    return np.asarray([len(values) for values in rows.with_format(None)[column][:]], dtype=np.int64)


def _batch(
    model: nn.Module,
    rows: Dataset,
    positions: np.ndarray,
    collate: Collate,
    autocast: Callable[[], AbstractContextManager],
) -> list[np.ndarray]:
    columns = rows.with_format(None)[positions.tolist()]
    features = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    device = next(model.parameters()).device
    batch = {name: value.to(device) for name, value in collate(features).items()}
    labels = batch.pop("labels")
    with torch.no_grad(), autocast():
        logits = model(**batch, use_cache=False).logits
    found = []
    # Row by row, since the logits of a batch in float32 can be the largest tensor of a run.
    for row_logits, row_labels, mask in zip(logits, labels, batch["attention_mask"].bool(), strict=True):
        targets = row_labels[1:]
        log_probs = torch.log_softmax(row_logits[:-1].float(), dim=-1)
        chosen = log_probs.gather(-1, targets.clamp(min=0)[:, None]).squeeze(-1)
        chosen = chosen.masked_fill(targets == IGNORED_LABEL, 0.0)
        found.append(torch.cat([chosen.new_zeros(1), chosen])[mask].cpu().numpy())
    return found


class CarriedTokens(CarriedColumns):
    """A collator around another one, which never sees the carried columns: one number a token each.

    Numbers are laid out as the tokens are, by the attention mask, and padded with zeros.
    """

    def __call__(self, features: list[Any]) -> Any:  # noqa: ANN401  (what the collator within returns)
        """Collates rows.

        Shape:
            returns: what the collator within returns, with one tensor of shape (n_rows, n_tokens), float32, a column.

        Raises:
            RowError: if a row holds more or fewer numbers than tokens.
        """
        found = [name for name in self.columns if isinstance(features[0], Mapping) and name in features[0]]
        batch = self.collate([{k: v for k, v in row.items() if k not in found} for row in features])
        for name in found:
            mask = batch["attention_mask"].bool()
            values = torch.tensor([value for row in features for value in row[name]], dtype=torch.float32)
            if len(values) != int(mask.sum()):
                raise RowError(f"column {name!r} holds {len(values)} numbers for {int(mask.sum())} tokens.")
            batch[name] = torch.zeros(mask.shape).masked_scatter(mask, values)
        return batch
