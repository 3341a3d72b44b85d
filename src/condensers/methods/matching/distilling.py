"""DiLM's two trainings of a language model: to write rows of each class, then rows that pull as the source does."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import get_cosine_schedule_with_warmup

from condensers.data import progress_bar, temporary_seed
from condensers.methods.matching.checkpoint import Checkpoint
from condensers.methods.matching.class_writer import ClassWriter
from condensers.methods.matching.classifier import Parts, last_layer_gradient
from condensers.methods.matching.distance import gradient_distance
from condensers.methods.matching.trajectory import Trajectory

_DECAY, _MAX_GRAD_NORM = 0.01, 1.0
_FIT_WARMUP, _MATCH_WARMUP = 0.1, 0.05

# Texts of a class that may stay, with their parts, in the order in which batches take them: by class, number and step.
Draw = Callable[[int, int, int], list[tuple[str, Parts]]]


def fit_writer(
    writer: ClassWriter,
    texts: Sequence[str],
    codes: np.ndarray,
    folder: Path,
    *,
    n_steps: int,
    learning_rate: float,
    batch_size: int,
    seed: int,
) -> None:
    """Trains a language model on the rows of the source, in place (DiLM, Section 3: the language modelling loss).

    Args:
        writer: The language model.
        texts: The rows.
        codes: Their classes.
        folder: Where checkpoints lie.
        n_steps: Steps.
        learning_rate: Peak rate.
        batch_size: Rows a step.
        seed: Of the order of the rows, and of dropout.
    """
    optimizer, schedule = _optimizer(writer, learning_rate, _FIT_WARMUP, n_steps)
    checkpoint = Checkpoint(folder, dict(writer.model.named_parameters()), optimizer, schedule)
    n_done, _ = checkpoint.restore()
    writer.model.train()
    with progress_bar(total=n_steps, initial=n_done, desc="Training", unit="step") as bar:
        for step, batch in enumerate(islice(_batches(len(texts), batch_size, seed), n_done, n_steps), n_done):
            with temporary_seed(seed + step):
                loss = writer.losses([texts[i] for i in batch], codes[batch].tolist()).mean()
                loss.backward()
            _step(writer, optimizer, schedule)
            bar.set_postfix(loss=f"{float(loss.detach()):.3f}", refresh=False)
            bar.update()
            checkpoint.save(step + 1, {})
    writer.model.eval()


def match_writer(
    writer: ClassWriter,
    trajectory: Trajectory,
    draw: Draw,
    folder: Path,
    *,
    n_steps: int,
    learning_rate: float,
    batch_size: int,
    refresh_steps: int,
    temperature: float,
    distance: str,
    seed: int,
) -> list[float]:
    r"""Trains a language model so that what it writes pulls a classifier where the source does, in place.

    DiLM, Section 3. Texts cannot be differentiated, so those that the model wrote are held fixed, and the gradient of
    their loss is a sum in which each has the weight :math:`w_i = \operatorname{softmax}_i(\log p(x_i) / \tau)`, which
    can: what pulls the right way becomes likelier.

    Args:
        writer: The language model.
        trajectory: Where gradients are compared.
        draw: Has the model write so many texts of a class, at a step.
        folder: Where checkpoints lie.
        n_steps: Comparisons, with one update each.
        learning_rate: Peak rate.
        batch_size: Texts of each class in a comparison.
        refresh_steps: Comparisons until texts are written anew.
        temperature: :math:`\tau`.
        distance: See `gradient_distance`.
        seed: Of dropout.

    Returns:
        The mean distance over the classes at each step.
    """
    optimizer, schedule = _optimizer(writer, learning_rate, _MATCH_WARMUP, n_steps)
    checkpoint = Checkpoint(folder, dict(writer.model.named_parameters()), optimizer, schedule)
    n_done, notes = checkpoint.restore()
    distances: list[float] = notes.get("distances", [])
    classes = trajectory.classes
    pools = {
        int(code): [(text, tuple(parts)) for text, parts in pool] for code, pool in notes.get("pools", {}).items()
    }
    with progress_bar(total=n_steps, initial=n_done, desc="Matching gradients", unit="step") as bar:
        for step in trajectory.walk(n_steps, n_done):
            place = step % refresh_steps
            if place == 0:
                n_written = batch_size * min(refresh_steps, n_steps - step)
                pools = {code: draw(code, n_written, step) for code in classes}
            writer.model.train()
            total = 0.0
            with temporary_seed(seed + step):
                for code in classes:
                    batch = pools[code][place * batch_size : (place + 1) * batch_size]
                    losses = writer.losses([text for text, _ in batch], [code] * len(batch))
                    rows = [parts for _, parts in batch]
                    found = _weighted_distance(trajectory, code, rows, loss_weights(losses, temperature), distance)
                    (found / len(classes)).backward()
                    total += float(found.detach()) / len(classes)
            _step(writer, optimizer, schedule)
            distances.append(total)
            bar.set_postfix(distance=f"{total:.3f}", refresh=False)
            bar.update()
            if trajectory.begins_anew(step + 1):
                checkpoint.save(step + 1, {"distances": distances, "pools": pools})
    writer.model.eval()
    return distances


def loss_weights(losses: torch.Tensor, temperature: float) -> torch.Tensor:
    r"""Weights of texts by how likely the language model finds them: :math:`\operatorname{softmax}(-\ell / \tau)`.

    The reference implementation takes the mean loss over the positions of a batch, padding included; here it is that
    of a text's own tokens, so that a weight does not depend on the length of its neighbours.

    Shape:
        losses: (n,), mean negative log-likelihood of a token; returns: (n,), of sum 1.
    """
    return torch.softmax(-losses / temperature, dim=-1)


def _weighted_distance(
    trajectory: Trajectory, code: int, rows: Sequence[Parts], weights: torch.Tensor, kind: str
) -> torch.Tensor:
    """Distance of the gradient of weighted texts of a class to that of the source; only weights are differentiated."""
    with torch.no_grad():
        real = trajectory.real_gradient(code)
        seen, logits = trajectory.classifier.look(trajectory.classifier.encode(rows))
    synthetic = last_layer_gradient(seen, logits, trajectory.codes_of(code, len(rows)), weights)
    return gradient_distance(real, synthetic, kind)


def _optimizer(writer: ClassWriter, learning_rate: float, warmup: float, n_steps: int) -> tuple[Any, Any]:
    optimizer = torch.optim.AdamW(writer.model.parameters(), lr=learning_rate, weight_decay=_DECAY)
    return optimizer, get_cosine_schedule_with_warmup(optimizer, int(warmup * n_steps), n_steps)


def _step(writer: ClassWriter, optimizer: Any, schedule: Any) -> None:  # noqa: ANN401  (those of torch)
    nn.utils.clip_grad_norm_(writer.model.parameters(), _MAX_GRAD_NORM)
    optimizer.step()
    schedule.step()
    optimizer.zero_grad()


def _batches(n_rows: int, size: int, seed: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(n_rows)
        for start in range(0, n_rows, size):
            yield order[start : start + size]
