"""What it takes to generate with a model of transformers that may be someone else's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MAX_TOKENS = 1024
"""Tokens of a text for which nobody set a limit."""


@contextmanager
def evaluating(model: Any) -> Iterator[None]:  # noqa: ANN401  (a torch.nn.Module)
    """Switches dropout off for the length of a block: the model may be one that its owner is training."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


def end_tokens(model: Any, tokenizer: Any) -> set[int]:  # noqa: ANN401  (those of transformers)
    """Tokens that end a text, by the model's settings or by its tokenizer's."""
    configured = model.generation_config.eos_token_id
    ends = configured if isinstance(configured, list) else [configured]
    return {token for token in [*ends, tokenizer.eos_token_id] if token is not None}
