"""Input embeddings that match gradients, and the tokens nearest to them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from condensers.data import progress_bar, read_json, temporary_seed, write_json
from condensers.methods.matching.checkpoint import Checkpoint
from condensers.methods.matching.classifier import Parts, last_layer_gradient
from condensers.methods.matching.distance import gradient_distance
from condensers.methods.matching.trajectory import Trajectory

_FILE = "rows.json"


@dataclass(frozen=True)
class DiscretisedRows:
    """What `discretise` made.

    Attributes:
        parts: By class, the parts of each row.
        starts: By class, positions of the source rows that gave them their lengths.
        distances: Mean distance of the gradients at each step, before its update.
    """

    parts: Mapping[int, list[Parts]]
    starts: Mapping[int, list[int]]
    distances: list[float]

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:
        """Writes all of it as JSON."""
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        rows = {str(code): [[*each] for each in parts] for code, parts in self.parts.items()}
        starts = {str(code): list(positions) for code, positions in self.starts.items()}
        write_json(folder / _FILE, {"parts": rows, "starts": starts, "distances": self.distances})

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str]) -> Self:
        """Reads what `save_pretrained` wrote.

        Raises:
            SourceNotFoundError: if it is not there.
        """
        found = read_json(Path(folder) / _FILE, what="discretised rows")
        parts = {int(code): [tuple(each) for each in rows] for code, rows in found["parts"].items()}
        return cls(parts, {int(code): rows for code, rows in found["starts"].items()}, found["distances"])


def discretise(
    trajectory: Trajectory,
    rows: Sequence[Parts],
    starts: Mapping[int, np.ndarray],
    folder: Path,
    *,
    n_steps: int,
    learning_rate: float,
    distance: str,
    noise_seed: int | None = None,
) -> DiscretisedRows:
    """Moves the input embeddings of rows until they match gradients, class by class, and reads them as text.

    Each row has the length of a source row, whose special tokens stay. At the end each vector becomes the nearest
    token of the vocabulary that is not special.

    Args:
        trajectory: Where gradients are compared.
        rows: Parts of the source rows.
        starts: By class, positions of the rows that give the lengths, and without noise the first vectors.
        folder: Where checkpoints lie.
        n_steps: Comparisons, with one step of Adam each.
        learning_rate: That of Adam, on embeddings.
        distance: See `gradient_distance`.
        noise_seed: Seed of the first vectors, normal with the mean and deviation of the vocabulary's in each
            dimension; None begins with those of the source rows.
    """
    classifier = trajectory.classifier
    table = classifier.model.get_input_embeddings().weight.detach()
    drafts = {code: _Draft(trajectory, [rows[i] for i in where], table) for code, where in starts.items()}
    if noise_seed is not None:
        with temporary_seed(noise_seed):
            for draft in drafts.values():
                draft.begin_anew(table)
    optimizer = torch.optim.Adam([draft.vectors for draft in drafts.values()], lr=learning_rate)
    checkpoint = Checkpoint(folder, {str(code): draft.vectors for code, draft in drafts.items()}, optimizer)
    n_done, notes = checkpoint.restore()
    distances: list[float] = notes.get("distances", [])
    with progress_bar(total=n_steps, initial=n_done, desc="Matching gradients", unit="step") as bar:
        for step in trajectory.walk(n_steps, n_done):
            total = torch.zeros((), device=table.device)
            for code, draft in drafts.items():
                seen, logits = classifier.look(draft.inputs())
                synthetic = last_layer_gradient(seen, logits, trajectory.codes_of(code, len(logits)))
                total = total + gradient_distance(trajectory.real_gradient(code), synthetic, distance) / len(drafts)
            found = torch.autograd.grad(total, [draft.vectors for draft in drafts.values()])
            for draft, gradient in zip(drafts.values(), found, strict=True):
                draft.vectors.grad = gradient
            optimizer.step()
            distances.append(float(total.detach()))
            bar.set_postfix(distance=f"{distances[-1]:.3f}", refresh=False)
            bar.update()
            if trajectory.begins_anew(step + 1):
                checkpoint.save(step + 1, {"distances": distances})
    special = torch.tensor(classifier.tokenizer.all_special_ids, device=table.device)
    return DiscretisedRows(
        {code: draft.read(table, special) for code, draft in drafts.items()},
        {code: where.tolist() for code, where in starts.items()},
        distances,
    )


class _Draft:
    """The rows of one class while they are vectors."""

    def __init__(self, trajectory: Trajectory, rows: Sequence[Parts], table: torch.Tensor) -> None:
        self._tokenizer = trajectory.classifier.tokenizer
        self._n_parts = len(rows[0])
        encoded = trajectory.classifier.tokens(rows)
        # Which part a token belongs to; -1 for special ones and padding.
        owners = [[-1 if part is None else part for part in encoded.sequence_ids(i)] for i in range(len(rows))]
        self._owners = torch.tensor(owners, device=table.device)
        tokens = {name: values.to(table.device) for name, values in encoded.items()}
        self._ids = tokens.pop("input_ids")
        self._others = tokens
        self._first = table[self._ids]
        self.vectors = self._first.clone().requires_grad_(True)

    def begin_anew(self, table: torch.Tensor) -> None:
        noise = torch.randn(self.vectors.shape).to(table.device)
        self.vectors = (table.mean(dim=0) + noise * table.std(dim=0)).requires_grad_(True)

    def inputs(self) -> dict[str, torch.Tensor]:
        free = (self._owners >= 0)[..., None]
        return {**self._others, "inputs_embeds": torch.where(free, self.vectors, self._first)}

    def read(self, table: torch.Tensor, special: torch.Tensor) -> list[Parts]:
        found = []
        for i, vectors in enumerate(self.vectors.detach()):
            nearest = nearest_tokens(vectors, table, special)
            parts = [nearest[self._owners[i] == part].tolist() for part in range(self._n_parts)]
            found.append(tuple(str(self._decode(ids)).strip() for ids in parts))
        return found

    def _decode(self, ids: list[int]) -> Any:  # noqa: ANN401  (of an untyped tokenizer)
        return self._tokenizer.decode(ids, skip_special_tokens=True)


def nearest_tokens(vectors: torch.Tensor, table: torch.Tensor, special: torch.Tensor) -> torch.Tensor:
    """For each vector the token whose embedding is nearest, special tokens left out.

    Shape:
        vectors: (n, width); table: (vocabulary, width); special: (n_special,), tokens; returns: (n,), tokens.
    """
    costs = table.square().sum(dim=1) - 2.0 * vectors @ table.T
    costs[:, special] = torch.inf
    return costs.argmin(dim=1)
