"""DiLM's two trainings of a language model: to write rows of each class, then rows that pull as the source does."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm.auto import tqdm
from transformers import get_cosine_schedule_with_warmup

from condensers.data import temporary_seed
from condensers.methods.matching.class_writer import ClassWriter
from condensers.methods.matching.classifier import Parts, last_layer_gradient
from condensers.methods.matching.distance import gradient_distance
from condensers.methods.matching.trajectory import Trajectory

_DECAY, _MAX_GRAD_NORM = 0.01, 1.0
_FIT_WARMUP, _MATCH_WARMUP = 0.1, 0.05

# Texts of a class that may stay, with their parts, in the order in which batches take them.
Draw = Callable[[int, int], list[tuple[str, Parts]]]


def fit_writer(
    writer: ClassWriter,
    texts: Sequence[str],
    codes: np.ndarray,
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
        n_steps: Steps.
        learning_rate: Peak rate.
        batch_size: Rows a step.
        seed: Of the order of the rows, and of dropout.
    """
    rng = np.random.default_rng(seed)
    optimizer, schedule = _optimizer(writer, learning_rate, _FIT_WARMUP, n_steps)
    writer.model.train()
    with temporary_seed(seed), tqdm(total=n_steps, desc="Training", unit="step", disable=None) as bar:
        for _, batch in zip(range(n_steps), _batches(len(texts), batch_size, rng), strict=False):
            loss = writer.losses([texts[i] for i in batch], codes[batch].tolist()).mean()
            loss.backward()
            _step(writer, optimizer, schedule)
            bar.set_postfix(loss=f"{float(loss.detach()):.3f}")
            bar.update()
    writer.model.eval()


def match_writer(
    writer: ClassWriter,
    trajectory: Trajectory,
    draw: Draw,
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
        draw: Has the model write so many texts of a class.
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
    classes, pools, distances = trajectory.classes, {}, []
    with tqdm(total=n_steps, desc="Matching gradients", unit="step", disable=None) as bar:
        for step in trajectory.walk(n_steps):
            place = step % refresh_steps
            if place == 0:
                n_written = batch_size * min(refresh_steps, n_steps - step)
                pools = {code: draw(code, n_written) for code in classes}
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
            bar.set_postfix(distance=f"{total:.3f}")
            bar.update()
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


def _batches(n_rows: int, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    while True:
        order = rng.permutation(n_rows)
        for start in range(0, n_rows, size):
            yield order[start : start + size]
