"""From a vector to pseudo-tokens."""

import math

import torch
from torch import nn


class EmbeddingProjector(nn.Module):
    r"""Maps a unit vector to k pseudo-tokens in the space of a language model's word vectors.

    vec2text's projection (Morris et al. 2023), :math:`W_2 \, \sigma(W_1 e)` reshaped to k vectors, with two changes:
    entries of a unit vector have size :math:`1 / \sqrt{d}` and are scaled to 1 first, and each pseudo-token is given
    the size of a word vector by a root-mean-square norm with a learned gain. A frozen language model has never met
    inputs of other sizes.

    Args:
        embedding_dim: Entries of a vector.
        hidden_size: Entries of a word vector of the language model.
        num_virtual_tokens: k.
    """

    def __init__(self, embedding_dim: int, hidden_size: int, num_virtual_tokens: int) -> None:
        super().__init__()
        self.shape = (num_virtual_tokens, hidden_size)
        self.scale = math.sqrt(embedding_dim)
        self.up = nn.Linear(embedding_dim, hidden_size)
        self.activation = nn.GELU()
        self.down = nn.Linear(hidden_size, num_virtual_tokens * hidden_size)
        self.norm = nn.RMSNorm(hidden_size, eps=1e-6)

    def reset_parameters(self) -> None:
        """Draws weights that keep the size of what they are given."""
        for layer in (self.up, self.down):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
            nn.init.zeros_(layer.bias)
        nn.init.ones_(self.norm.weight)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Makes pseudo-tokens.

        Shape:
            vectors: (n, embedding_dim), of unit length.
            returns: (n, num_virtual_tokens, hidden_size).
        """
        return self.norm(self.down(self.features(vectors)).unflatten(-1, self.shape))

    def features(self, vectors: torch.Tensor) -> torch.Tensor:
        """The hidden layer.

        Shape:
            vectors: (n, embedding_dim), of unit length.
            returns: (n, hidden_size).
        """
        return self.activation(self.up(vectors.to(self.up.weight.dtype) * self.scale))
