"""Reads what chats have in common once, before replies to them are generated."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ReadChats:
    """Chats as `generate` takes them, read but for their last token where they have something in common.

    Shape:
        input_ids, attention_mask: (n_chats, width), int64. Padding stands between what all chats begin with and the
            rest of each, so that the cache of the one serves all.

    Attributes:
        past_key_values: The cache of all tokens but the last, or an empty one if nothing was read; None leaves it to
            `generate`.
        n_read: Tokens that went through the model, padding among them.
    """

    input_ids: "torch.Tensor"
    attention_mask: "torch.Tensor"
    past_key_values: Any
    n_read: int

    def inputs(self) -> dict[str, Any]:
        """Arguments of `generate`."""
        cache = {} if self.past_key_values is None else {"past_key_values": self.past_key_values}
        return {"input_ids": self.input_ids, "attention_mask": self.attention_mask, **cache}


def read_chats(
    model: Any,  # noqa: ANN401  (a causal language model of transformers)
    chats: Sequence[Sequence[int]],
    *,
    pad_token_id: int,
    room: int = 0,
    ahead: bool = True,
) -> ReadChats:
    """Reads the beginning that all chats share once, and a chat of which several replies are wanted once.

    A processor spends most of its time on reading: a request with examples is several times as long as the reply, and
    best-of-n sends the same one n times. Models whose layers do not all see everything (sliding windows, recurrent
    states) are left to `generate`.

    Args:
        model: Who reads.
        chats: Tokens of each, in the order of the replies; equal ones are told by their tokens.
        pad_token_id: Fills up shorter chats; masked.
        room: Tokens that will be generated, for which memory is taken ahead.
        ahead: False reads nothing, for ways to generate that need more of a cache than to be continued (beams).
    """
    import torch  # noqa: PLC0415  (takes seconds to import)

    from condensers.llm.roomy_cache import roomy_cache  # noqa: PLC0415  (likewise)

    distinct = list(dict.fromkeys(tuple(chat) for chat in chats))
    position = {chat: i for i, chat in enumerate(distinct)}
    which = torch.tensor([position[tuple(chat)] for chat in chats], device=model.device)
    cache = roomy_cache(model, room) if ahead else None
    n_shared = _n_shared(distinct) if cache is not None and len(chats) > 1 else 0
    width = max(map(len, distinct)) - n_shared
    input_ids = torch.full((len(distinct), n_shared + width), pad_token_id, dtype=torch.int64, device=model.device)
    mask = torch.zeros_like(input_ids)
    mask[:, :n_shared] = 1
    for row, row_mask, chat in zip(input_ids, mask, distinct, strict=True):
        own = chat[n_shared:]
        row[:n_shared] = torch.tensor(chat[:n_shared])
        row[-len(own) :] = torch.tensor(own)
        row_mask[-len(own) :] = 1
    n_read = 0
    if cache is not None and (n_shared or len(distinct) < len(chats)):
        if n_shared:
            _read(model, input_ids[:1, :n_shared], mask[:1, :n_shared], cache)
            cache.batch_repeat_interleave(len(distinct))
        if width > 1:
            _read(model, input_ids[:, n_shared:-1], mask[:, :-1], cache)
        cache.batch_select_indices(which)
        n_read = n_shared + len(distinct) * (width - 1)
    return ReadChats(input_ids[which], mask[which], cache, n_read)


def _n_shared(chats: Sequence[tuple[int, ...]]) -> int:
    """Tokens that all chats begin with; each keeps at least one of its own, for `generate` to begin with."""
    first, last = min(chats), max(chats)
    most = min(map(len, chats)) - 1
    return next((i for i in range(most) if first[i] != last[i]), max(most, 0))


def _read(model: Any, input_ids: "torch.Tensor", mask: "torch.Tensor", cache: Any) -> None:  # noqa: ANN401
    """Fills the cache with further tokens; `mask` is that of all tokens so far."""
    positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -input_ids.shape[1] :]
    model(
        input_ids=input_ids,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
