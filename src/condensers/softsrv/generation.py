"""Texts out of an adapter, many at a time."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from peft import PeftModel

from condensers.data import progress_bar
from condensers.embedding import Matrix
from condensers.errors import RowError, SettingError
from condensers.llm.in_process import MAX_TOKENS, end_tokens, evaluating
from condensers.llm.protocol import SamplingSettings
from condensers.llm.roomy_cache import roomy_cache
from condensers.llm.row_generation import generate_rows
from condensers.softsrv.embedders import adapter_config


@dataclass(frozen=True)
class SoftSRVTexts:
    """What `write_texts` wrote.

    Attributes:
        texts: One a context.
        n_tokens: Tokens of each, its end included; shape (n,), int64.
        is_finished: Whether a text came to its end within the tokens that it had; shape (n,), bool.
    """

    texts: list[str]
    n_tokens: np.ndarray
    is_finished: np.ndarray


@dataclass(frozen=True)
class SoftSRVWriter:
    r"""Draws texts :math:`x' \sim H(P_\theta(z))` in batches of like length (Section 3.3, step 2; Appendix A.2).

    Each text draws from a random generator of its own, which follows from the seed and its number, so it does not
    depend on what else is in its batch, but for rounding.

    Attributes:
        model: A language model with an active SoftSRV adapter.
        processing_class: Its tokenizer.
        sampling: How words are picked; the default is the paper's temperature of 1. Its `extra` goes to `generate`.
        batch_size: Texts written together.
        progress: Show a bar.

    Raises:
        SettingError: if the model has no SoftSRV adapter, or `batch_size` is below 1.
    """

    model: PeftModel
    processing_class: Any
    sampling: SamplingSettings = field(default_factory=lambda: SamplingSettings(max_tokens=256))
    batch_size: int = 32
    progress: bool = False

    def __post_init__(self) -> None:
        adapter_config(self.model)
        if self.batch_size < 1:
            raise SettingError(f"`batch_size` must be at least 1; got {self.batch_size}.")
        if self.sampling.stop:
            raise SettingError("an adapter learns where a text ends; leave `stop` out of `sampling`.")

    def write(
        self, contexts: Matrix, lengths: Sequence[int] | np.ndarray | None = None, *, first_number: int = 0
    ) -> SoftSRVTexts:
        """Writes one text a context; to write several, repeat it.

        Args:
            contexts: The vectors. An adapter that is `static` looks at their number alone.
            lengths: How long each text may well become, in any unit: that of the text that a context was made of.
                Texts of like length share a batch, so that few wait for a long one. None knows nothing.
            first_number: Number of the first text, where a longer run is written piece by piece.

        Shape:
            contexts: (n, context_dim); lengths: (n,).

        Raises:
            RowError: if there are no contexts, or `lengths` are not as many.
            SettingError: if the contexts have another width.
        """
        n = contexts.shape[0]
        if n == 0:
            raise RowError("there are no contexts to write texts for; pass at least one.")
        if lengths is not None and len(lengths) != n:
            raise RowError(f"`lengths` must be as many as the contexts, {n}; got {len(lengths)}.")
        # Longest first: what does not fit into memory shows at once.
        order = np.arange(n) if lengths is None else np.argsort(-np.asarray(lengths), kind="stable")
        texts = [""] * n
        n_tokens, is_finished = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=bool)
        with (
            torch.inference_mode(),
            evaluating(self.model),
            progress_bar(total=n, desc="Texts", unit="text", shown=self.progress) as bar,
        ):
            for start in range(0, n, self.batch_size):
                batch = order[start : start + self.batch_size]
                for i, ids in zip(batch.tolist(), self._generate(contexts, batch, first_number), strict=True):
                    texts[i], n_tokens[i], is_finished[i] = self._finished(ids)
                bar.update(len(batch))
        return SoftSRVTexts(texts, n_tokens, is_finished)

    def _generate(self, contexts: Matrix, batch: np.ndarray, first_number: int) -> list[list[int]]:
        seeds = [self.sampling.sample_seed(first_number + i) for i in batch.tolist()]
        pad, ends = self.processing_class.pad_token_id, sorted(self._ends)
        extra: dict[str, Any] = {name: value for name, value in self.sampling.extra.items() if name != "top_k"}
        tuner: Any = self.model.base_model
        limit = self.sampling.max_tokens or MAX_TOKENS
        prompt = tuner.virtual_tokens(np.asarray(contexts[batch], dtype=np.float32))
        mask = torch.ones(prompt.shape[:2], dtype=torch.long, device=prompt.device)
        return generate_rows(
            tuner.model,
            {"inputs_embeds": prompt, "attention_mask": mask},
            # Beams need more of a cache than to be continued.
            cache=None if extra else roomy_cache(tuner.model, limit),
            sampling=self.sampling,
            seeds=[secrets.randbits(31) if seed is None else seed for seed in seeds],
            limits=[limit] * len(batch),
            end_tokens=ends,
            pad_token_id=ends[0] if pad is None and ends else pad,
            **extra,
        )

    @property
    def _ends(self) -> set[int]:
        return end_tokens(self.model, self.processing_class)

    def _finished(self, ids: list[int]) -> tuple[str, int, bool]:
        ends = self._ends
        end = next((place for place, token in enumerate(ids) if token in ends), None)
        kept = ids if end is None else ids[:end]
        text = str(self.processing_class.decode(kept, skip_special_tokens=True)).strip()
        return text, len(kept) + (end is not None), end is not None
