"""Columns that go from the dataset to the loss, past the model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch


class CarriedColumns:
    """A collator around another one, which never sees the carried columns.

    So any collator will do, also one that pads the columns it knows and fails on or drops the others.

    Args:
        collate: The collator within; its attributes are visible from outside.
        columns: One number a row each; columns that a row does not have are left out.
    """

    def __init__(self, collate: Callable[[list[Any]], Any], columns: Sequence[str]) -> None:
        self.collate = collate
        self.columns = tuple(columns)

    def __call__(self, features: list[Any]) -> Any:  # noqa: ANN401  (what the collator within returns)
        """Collates rows.

        Shape:
            returns: what the collator within returns, with one tensor of shape (n_rows,) a carried column.
        """
        found = [name for name in self.columns if isinstance(features[0], Mapping) and name in features[0]]
        if not found:
            return self.collate(features)
        batch = self.collate([{k: v for k, v in row.items() if k not in found} for row in features])
        for name in found:
            batch[name] = torch.tensor([row[name] for row in features])
        return batch

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        # Trainer looks for `tokenizer`. Unpickling asks for dunder names before `collate` is there.
        if name.startswith("__") or name == "collate":
            raise AttributeError(name)
        return getattr(self.collate, name)
