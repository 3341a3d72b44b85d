"""Ends the rows of a batch at texts of the user's."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def before_stop(text: str, stop: Sequence[str]) -> tuple[str, bool]:
    """What stands before the first of the stop texts, and whether there was one."""
    places = [text.index(one) for one in stop if one in text]
    return (text[: min(places)], True) if places else (text, False)


class StopTexts:
    """A stopping criterion of `generate`: each row ends once its reply holds one of the texts.

    The `stop_strings` of transformers 5.23 split a vocabulary into its pieces first, which fails with tokenizers of
    whole words and takes long with large ones; here the end of each reply is decoded instead.

    Args:
        stop: The texts.
        tokenizer: Decodes.
        n_prompt_tokens: Length of the prompts, padding included: what stands in them ends nothing.
    """

    def __init__(self, stop: Sequence[str], tokenizer: Any, n_prompt_tokens: int) -> None:  # noqa: ANN401
        self.stop = list(stop)
        self.tokenizer = tokenizer
        self.n_prompt_tokens = n_prompt_tokens
        # A character is at least a byte, and no token but a special one is less than that.
        self._n_tail = max(len(text.encode()) for text in stop) + 1

    def __call__(self, input_ids: "torch.Tensor", scores: "torch.Tensor | None", **_: Any) -> "torch.Tensor":
        """Says which rows end.

        Shape:
            input_ids: (n_rows, n_tokens).
            returns: (n_rows,), bool.
        """
        import torch  # noqa: PLC0415  (takes seconds to import)

        start = max(self.n_prompt_tokens, input_ids.shape[1] - self._n_tail)
        tails = self.tokenizer.batch_decode(input_ids[:, start:], skip_special_tokens=True)
        ends = [any(text in tail for text in self.stop) for tail in tails]
        return torch.tensor(ends, dtype=torch.bool, device=input_ids.device)
