"""Keys and values of a text that is being generated, in memory that is taken once."""

import inspect
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

_NEEDED = {"attention_mask", "logits_to_keep", "past_key_values", "position_ids"}


class RoomyLayer(DynamicLayer):
    """A layer's keys and values with room for those to come.

    `DynamicLayer` puts old and new ones together anew at each token. So it moves all that is there for each token and
    layer, and asks the system for the memory again: on a processor that takes longer than the model's own work once
    batches are wide. The values are the same.

    Args:
        room: Tokens for which there shall be room beyond those that are there when the memory is taken.
    """

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room
        self._taken: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self,
        key_states: torch.Tensor,
        value_states: torch.Tensor,
        *args: Any,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Adds what was read; returns all keys and values, as `DynamicLayer` does."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        n = self.get_seq_length()
        end = n + key_states.shape[-2]
        if not self._is_at_home(end):
            self._take(key_states, value_states, n, end + self.room)
        keys, values = self._taken  # type: ignore[misc]  # `_take` gave it
        keys[:, :, n:end], values[:, :, n:end] = key_states, value_states
        self.keys, self.values = keys[:, :, :end], values[:, :, :end]
        return self.keys, self.values

    def _is_at_home(self, end: int) -> bool:
        """Whether the keys lie in the memory that was taken, and not in a copy that a choice of rows made."""
        if self._taken is None or self.keys is None or self._taken[0].shape[-2] < end:
            return False
        return self.keys.data_ptr() == self._taken[0].data_ptr() and len(self.keys) == len(self._taken[0])

    def _take(self, key_states: torch.Tensor, value_states: torch.Tensor, n: int, room: int) -> None:
        taken = []
        for old, new in ((self.keys, key_states), (self.values, value_states)):
            memory = new.new_empty((*new.shape[:2], room, new.shape[-1]))
            if old is not None and n:
                memory[:, :, :n] = old
            taken.append(memory)
        self._taken = (taken[0], taken[1])

    def reset(self) -> None:
        """Forgets everything."""
        self._taken = None
        super().reset()


def roomy_cache(model: Any, room: int) -> DynamicCache | None:  # noqa: ANN401  (a causal language model)
    """An empty cache for a model each of whose layers attends to all tokens; None for others.

    Args:
        model: Who generates.
        room: Tokens that will be generated.
    """
    settings = model.generation_config
    if not set(inspect.signature(model.forward).parameters) >= _NEEDED:
        return None
    if settings.cache_implementation not in (None, "dynamic"):
        return None
    cache = DynamicCache(config=model.config)
    if any(type(layer) is not DynamicLayer for layer in cache.layers):
        return None
    cache.layers = [RoomyLayer(room) for _ in cache.layers]
    return cache
