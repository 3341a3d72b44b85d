"""Draws tokens so that each row of a batch has a random generator of its own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from condensers.llm.protocol import SamplingSettings

if TYPE_CHECKING:
    import torch
    from transformers import LogitsProcessorList


# In place of 0, which `uniform_` draws once in 2^24 times and which would rule a token out that is the only one left.
_LEAST_UNIFORM = 2.0**-25
# Tokens among which a nucleus is looked for first; few are larger.
_LIKELIEST = 1024


class Nucleus:
    """Leaves the likeliest tokens that reach a probability together (Holtzman et al. 2020), as `TopPLogitsWarper`.

    That one sorts the vocabulary, which on a processor takes longer than a small language model; here it is sorted
    where the likeliest 1,024 tokens do not reach it. Tokens as likely as the last one stay.

    Args:
        top_p: The probability.
    """

    def __init__(self, top_p: float) -> None:
        self.top_p = top_p

    def __call__(self, input_ids: "torch.Tensor", scores: "torch.Tensor") -> "torch.Tensor":
        """Rules the other tokens out.

        Shape:
            input_ids: (n_rows, n_tokens).
            scores: (n_rows, vocab_size).
            returns: (n_rows, vocab_size).
        """
        total = scores.logsumexp(-1, keepdim=True)
        top = scores.topk(min(_LIKELIEST, scores.shape[-1])).values
        before = (top - total).exp().cumsum(-1)
        if (before[:, -1] < self.top_p).any():
            top = scores.sort(descending=True).values
            before = (top - total).exp().cumsum(-1)
        # A token stays if those before it do not reach the probability, so the first one always does.
        n_stay = (before[:, :-1] < self.top_p).sum(-1, keepdim=True)
        return scores.masked_fill(scores < top.gather(-1, n_stay), float("-inf"))


class GumbelNoise:
    r"""Makes the largest logit a draw from the softmax: the Gumbel-max trick.

    .. math:: \arg\max_v \left( z_v - \log E_v \right) \sim \mathrm{softmax}(z), \quad E_v \sim \mathrm{Exp}(1)

    `generate` draws a whole batch from one generator, so that a reply depends on its neighbours; here it does not.

    Args:
        seeds: One a row.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self.seeds = list(seeds)
        self._generators: list[Any] = []

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on with some of the rows alone, in the order given."""
        self.seeds = [self.seeds[i] for i in rows]
        self._generators = [self._generators[i] for i in rows] if self._generators else []

    def __call__(self, input_ids: "torch.Tensor", scores: "torch.Tensor") -> "torch.Tensor":
        """Adds the noise.

        Shape:
            input_ids: (n_rows, n_tokens).
            scores: (n_rows, vocab_size).
            returns: (n_rows, vocab_size), float32.
        """
        import torch  # noqa: PLC0415  (takes seconds to import)

        if not self._generators:
            self._generators = [torch.Generator(scores.device).manual_seed(seed) for seed in self.seeds]
        # E = -log U, with one logarithm of all rows: four times as fast on a processor as `exponential_`.
        noise = torch.empty_like(scores, dtype=torch.float32)
        for row, generator in zip(noise, self._generators, strict=True):
            row.uniform_(generator=generator)
        noise.clamp_(min=_LEAST_UNIFORM).log_().neg_().log_()
        return scores.float() - noise


def logits_processors(sampling: SamplingSettings, seeds: Sequence[int]) -> "LogitsProcessorList":
    """What turns the greedy choice of `generate` into sampling by the settings; nothing at temperature 0."""
    from transformers import (  # noqa: PLC0415  (takes seconds to import)
        LogitsProcessorList,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
    )

    if sampling.temperature == 0:
        return LogitsProcessorList()
    steps: list[Any] = []
    if sampling.temperature is not None and sampling.temperature != 1:
        steps.append(TemperatureLogitsWarper(float(sampling.temperature)))
    if sampling.extra.get("top_k"):
        steps.append(TopKLogitsWarper(int(sampling.extra["top_k"])))
    if sampling.top_p is not None and sampling.top_p < 1:
        steps.append(Nucleus(sampling.top_p))
    return LogitsProcessorList([*steps, GumbelNoise(seeds)])


def row_noise(processors: "LogitsProcessorList") -> GumbelNoise | None:
    """What draws among `logits_processors`; None if nothing does."""
    return next((step for step in processors if isinstance(step, GumbelNoise)), None)
