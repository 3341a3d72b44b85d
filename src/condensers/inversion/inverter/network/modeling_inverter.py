"""A vector becomes a text that should have that vector."""

from typing import Any

import numpy as np
import torch
from transformers.modeling_outputs import CausalLMOutput

from .configuration_inverter import EmbeddingInverterConfig
from .modeling_prefixed import PrefixedNetwork


class EmbeddingInverterModel(PrefixedNetwork):
    """Writes a text for the vector of an embedder: vec2text's first stage (Morris et al. 2023), PInR's decoder (4.2).

    The vector becomes a few pseudo-tokens, which a language model reads as if they were words: T5 in its encoder, a
    decoder-only model before the text.
    """

    config_class = EmbeddingInverterConfig
    projector_names = ("projector",)

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> CausalLMOutput:
        """Loss of reconstructing texts from their vectors.

        Shape:
            embeddings: (n, embedding_dim), of unit length.
            labels: (n, n_tokens), int64, -100 after the end of a text.
            returns: ``logits`` of shape (n, n_tokens, n_vocabulary); ``loss``, a mean over tokens.
        """
        return self._run(*self._prefix(embeddings), labels)

    @torch.no_grad()
    def generate(self, embeddings: np.ndarray | torch.Tensor, **options: Any) -> torch.Tensor:  # noqa: ANN401
        """Writes texts.

        Args:
            embeddings: Vectors of the embedder that the model was trained for.
            **options: Those of `generate` in transformers; without any, the search is greedy.

        Shape:
            embeddings: (n, embedding_dim), of unit length.
            returns: (n times ``num_return_sequences``, n_tokens), token ids.
        """
        return self._generate(*self._prefix(self._as_input(embeddings)), options)

    def _prefix(self, embeddings: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        prefix = self.projector(embeddings)
        return prefix, torch.ones(prefix.shape[:2], dtype=torch.int64, device=prefix.device)
