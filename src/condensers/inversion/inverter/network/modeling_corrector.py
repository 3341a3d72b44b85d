"""A text that is close to a vector becomes one that is closer."""

from typing import Any

import numpy as np
import torch
from transformers.modeling_outputs import CausalLMOutput

from .configuration_inverter import InverterCorrectorConfig
from .modeling_prefixed import PrefixedNetwork
from .modeling_projector import EmbeddingProjector


class InverterCorrectorModel(PrefixedNetwork):
    """Writes a text for a vector, given a first attempt: vec2text's second stage (Morris et al. 2023), PInR's Eq. 5.

    It reads the words of the attempt, the attempt's vector, the difference from the target, and the target. vec2text
    has the words last; here the target is last, so that a decoder-only model writes right after what an inverter also
    writes after. For an encoder the order means little.
    """

    config_class = InverterCorrectorConfig
    projector_names = ("hypothesis_projector", "difference_projector", "projector")
    hypothesis_projector: EmbeddingProjector
    difference_projector: EmbeddingProjector

    def forward(
        self,
        embeddings: torch.Tensor,
        hypothesis_embeddings: torch.Tensor,
        hypothesis_ids: torch.Tensor,
        hypothesis_mask: torch.Tensor,
        labels: torch.Tensor,
    ) -> CausalLMOutput:
        """Loss of reconstructing texts from their vectors and from attempts.

        Shape:
            embeddings, hypothesis_embeddings: (n, embedding_dim), of unit length.
            hypothesis_ids, hypothesis_mask: (n, n_hypothesis_tokens), int64, filled up on the left.
            labels: (n, n_tokens), int64, -100 after the end of a text.
            returns: ``logits`` of shape (n, n_tokens, n_vocabulary); ``loss``, a mean over tokens.
        """
        return self._run(*self._prefix(embeddings, hypothesis_embeddings, hypothesis_ids, hypothesis_mask), labels)

    @torch.no_grad()
    def generate(
        self,
        embeddings: np.ndarray | torch.Tensor,
        hypothesis_embeddings: np.ndarray | torch.Tensor,
        hypotheses: list[str],
        **options: Any,  # noqa: ANN401  (those of `generate` in transformers)
    ) -> torch.Tensor:
        """Writes texts.

        Args:
            embeddings: The targets.
            hypothesis_embeddings: Vectors of the attempts.
            hypotheses: The attempts.
            **options: Those of `generate` in transformers; without any, the search is greedy.

        Shape:
            embeddings, hypothesis_embeddings: (n, embedding_dim), of unit length.
            returns: (n times ``num_return_sequences``, n_tokens), token ids.
        """
        ids, mask = pad_left(self.hypothesis_ids(hypotheses), self.config.pad_token_id or 0)
        prefix = self._prefix(
            self._as_input(embeddings),
            self._as_input(hypothesis_embeddings),
            self._as_input(ids),
            self._as_input(mask),
        )
        return self._generate(*prefix, options)

    def hypothesis_ids(self, hypotheses: list[str]) -> list[list[int]]:
        """Token ids of attempts, each with its end, so that none is empty."""
        end: int = self.config.eos_token_id  # type: ignore[assignment]
        return [ids if ids[-1] == end else [*ids, end] for ids in self.label_ids(hypotheses)]

    def _prefix(
        self,
        embeddings: torch.Tensor,
        hypothesis_embeddings: torch.Tensor,
        hypothesis_ids: torch.Tensor,
        hypothesis_mask: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        parts = [
            self._words(hypothesis_ids),
            self.hypothesis_projector(hypothesis_embeddings),
            self.difference_projector(embeddings - hypothesis_embeddings),
            self.projector(embeddings),
        ]
        n_virtual = sum(part.shape[1] for part in parts[1:])
        ones = hypothesis_mask.new_ones((len(hypothesis_mask), n_virtual))
        return torch.cat(parts, dim=1), torch.cat([hypothesis_mask, ones], dim=1)


def pad_left(rows: list[list[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids of unequal length as one tensor, and where they are.

    Shape:
        returns: two of (n_rows, n_tokens), int64.
    """
    width = max(map(len, rows))
    ids = torch.tensor([[pad] * (width - len(row)) + row for row in rows])
    return ids, torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
