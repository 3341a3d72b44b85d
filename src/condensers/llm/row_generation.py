"""Generates the rows of a batch, each as long as it wants: those that are through leave the batch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from condensers.llm.protocol import SamplingSettings
from condensers.llm.seeded_sampling import logits_processors, row_noise

if TYPE_CHECKING:
    import torch

# Rows leave once they are this share of the batch, since each time costs a copy of what the others have read.
_LEAVING = 0.25


def generate_rows(
    model: Any,  # noqa: ANN401  (a causal language model of transformers)
    inputs: "dict[str, torch.Tensor]",
    *,
    cache: Any,  # noqa: ANN401
    sampling: SamplingSettings,
    seeds: Sequence[int],
    limits: Sequence[int],
    end_tokens: Sequence[int],
    pad_token_id: int | None,
    stop: Any = None,  # noqa: ANN401
    **options: Any,
) -> list[list[int]]:
    """Continues each row of a batch up to an end token, a stop text or its limit.

    `generate` goes on until the last row has ended, with all others on board: one row that rambles keeps 31. Here it
    is stopped when a quarter has ended, and called again with the others and what they have read so far.

    Args:
        model: Who generates.
        inputs: Those of `generate`: `attention_mask`, and `input_ids` or `inputs_embeds`.
        cache: What was read of them, or an empty cache; with None, rows stay until all have ended.
        sampling: How words are picked.
        seeds: One a row, for its draws.
        limits: Most tokens of each row.
        end_tokens: Tokens that end a row.
        pad_token_id: Stands behind rows that have ended.
        stop: Says which rows end for another reason, as a stopping criterion of `generate`; None knows of none.
        **options: More of `generate`, for calls without a `cache`.

    Returns:
        The new tokens of each row, its end among them; behind it there may be padding, up to the limit.
    """
    import torch  # noqa: PLC0415  (takes seconds to import)

    mask = inputs["attention_mask"]
    n_prompt, device = mask.shape[1], mask.device
    # Of a prompt that has no tokens, `generate` gives back the new ones alone.
    n_before = n_prompt if "input_ids" in inputs else 0
    rows = torch.arange(len(mask), device=device)
    most = torch.tensor(list(limits), device=device)
    ends = torch.tensor(list(end_tokens), dtype=torch.int64, device=device)
    processors = logits_processors(sampling, seeds)
    made: list[list[int]] = [[]] * len(mask)
    while True:
        own = most[rows]
        leaving = _Leaving(own, ends, n_before, stop, pauses=cache is not None)
        n_given = inputs["input_ids"].shape[1] if "input_ids" in inputs else 0
        found = model.generate(
            **inputs,
            max_new_tokens=int(own.max()) - (n_given - n_before),
            do_sample=False,  # The draw is in the processors, from each row's own generator.
            logits_processor=processors,
            stopping_criteria=[leaving],
            pad_token_id=pad_token_id,
            eos_token_id=list(end_tokens) or None,
            use_cache=True,
            **({} if cache is None else {"past_key_values": cache}),
            **options,
        )
        for row, ids, limit in zip(rows.tolist(), found[:, n_before:].cpu(), own.tolist(), strict=True):
            made[row] = ids[:limit].tolist()
        stay = (~leaving.is_through).nonzero()[:, 0]
        if not len(stay):
            return made
        rows, found = rows[stay], found[stay]
        cache.batch_select_indices(stay)
        if noise := row_noise(processors):
            noise.keep(stay.tolist())
        if not n_before:  # What a prompt was is in the cache; any token may stand for it.
            found, n_before = torch.nn.functional.pad(found, (n_prompt, 0), value=0), n_prompt
        mask = torch.nn.functional.pad(mask[stay], (0, found.shape[1] - mask.shape[1]), value=1)
        inputs = {"input_ids": found, "attention_mask": mask}


class _Leaving:
    """A stopping criterion of `generate`: stops all rows when enough of them are through."""

    def __init__(
        self,
        limits: "torch.Tensor",
        ends: "torch.Tensor",
        n_before: int,
        stop: Any,  # noqa: ANN401
        *,
        pauses: bool,
    ) -> None:
        self._limits, self._ends, self._n_before, self._stop, self._pauses = limits, ends, n_before, stop, pauses
        self.is_through = limits < 0

    def __call__(self, input_ids: "torch.Tensor", scores: Any, **_: Any) -> "torch.Tensor":  # noqa: ANN401
        import torch  # noqa: PLC0415  (takes seconds to import)

        through = self.is_through | torch.isin(input_ids[:, -1], self._ends)
        through |= input_ids.shape[1] - self._n_before >= self._limits
        if self._stop is not None:
            through |= self._stop(input_ids, scores)
        self.is_through = through
        enough = self._pauses and int(through.sum()) >= max(1.0, _LEAVING * len(through))
        return torch.ones_like(through) if enough else through
