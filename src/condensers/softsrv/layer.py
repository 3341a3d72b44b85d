"""The module that holds the encoders of all SoftSRV adapters of a model."""

from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn

from condensers.softsrv.config import SoftSRVConfig
from condensers.softsrv.encoders import make_encoder

# Word vectors that their typical size is told from.
_SAMPLE = 1024


class SoftSRVLayer(nn.Module, BaseTunerLayer):
    """Encoders by the name of their adapter.

    It becomes a module of the base model without a place in its computation, so that all PEFT does to the layers of
    its own methods (freezing, casting, switching, deleting, reporting) is done to it.

    Args:
        words: The word vectors of the base model.
        hidden_size: Entries of one.
    """

    adapter_layer_names = ("softsrv_encoder",)

    def __init__(self, words: nn.Module, hidden_size: int) -> None:
        super().__init__()
        # In a list, or it would be a module of this one and its weights stand twice in every state dict.
        self._words = [words]
        self.hidden_size = hidden_size
        self.softsrv_encoder = nn.ModuleDict()

    def get_base_layer(self) -> Any:  # noqa: ANN401  (an embedding)
        """The word vectors, on whose device the encoders are."""
        return self._words[0]

    def add_encoder(self, name: str, config: SoftSRVConfig) -> None:
        """Adds the encoder of an adapter, in float32.

        Args:
            name: Name of the adapter.
            config: Its configuration.
        """
        encoder = make_encoder(config, self.hidden_size)
        self.softsrv_encoder[name] = encoder
        weight = next(encoder.parameters())
        if weight.is_meta:
            return  # `low_cpu_mem_usage`: weights are loaded next.
        shape = (encoder.n_sets, config.num_virtual_tokens, self.hidden_size)
        found = self._word_vectors(max(_SAMPLE, shape[0] * shape[1]))
        if found.is_meta:
            return
        size = found.square().mean().sqrt().item()
        tokens = found[: shape[0] * shape[1]].reshape(shape)
        encoder.reset_parameters(tokens if config.init_from_vocabulary else torch.randn(shape) * size, size)
        encoder.to(found.device)

    @torch.no_grad()
    def _word_vectors(self, n: int) -> torch.Tensor:
        """Some word vectors as the base model reads them; shape (n, hidden_size), float32."""
        words = self.get_base_layer()
        ids = torch.randint(words.weight.shape[0], (n,))
        return words(ids.to(words.weight.device)).float()

    def forward(self, context: torch.Tensor, name: str) -> torch.Tensor:
        """Makes virtual tokens.

        Args:
            context: The vectors.
            name: The adapter.

        Shape:
            context: (n, context_dim).
            returns: (n, num_virtual_tokens, hidden_size), in the encoder's type.
        """
        encoder = self.softsrv_encoder[name]
        weight = next(encoder.parameters())
        return encoder(context.to(weight.device, weight.dtype))
