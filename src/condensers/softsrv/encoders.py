"""From a context vector to virtual tokens: the three parameterisations of SoftSRV.

Each begins at the size of the base model's word vectors, which is all that a frozen model has ever read. The paper
leaves the beginning open, and with its learning rate (5e-6 over 20,000 steps of Adam) no weight gets further than 0.1
from there.
"""

import math
from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import nn

from condensers.softsrv.config import SoftSRVConfig


class ContextEncoder(nn.Module, ABC):
    """Makes the virtual tokens; all of them together are P in the paper, here with tokens as rows."""

    @abstractmethod
    def reset_parameters(self, tokens: torch.Tensor, size: float) -> None:
        """Draws the weights a training begins with.

        Args:
            tokens: What the virtual tokens shall be like, before any context is heeded.
            size: Root mean square of an entry of a word vector.

        Shape:
            tokens: (n_sets, num_virtual_tokens, hidden_size); `n_sets` of the class.
        """

    @abstractmethod
    def forward(self, context: torch.Tensor) -> torch.Tensor:
        """Makes virtual tokens.

        Shape:
            context: (n, context_dim).
            returns: (n, num_virtual_tokens, hidden_size).
        """

    @property
    def n_sets(self) -> int:
        """Sets of virtual tokens to begin with."""
        return 1


class StaticEncoder(ContextEncoder):
    r"""SS_NP, Equation 1: :math:`P_\theta(z) = P`, whatever the context; t d weights."""

    def __init__(self, config: SoftSRVConfig, hidden_size: int) -> None:
        super().__init__()
        self.tokens = nn.Parameter(torch.zeros(config.num_virtual_tokens, hidden_size))

    @torch.no_grad()
    def reset_parameters(self, tokens: torch.Tensor, size: float) -> None:  # noqa: D102
        self.tokens.copy_(tokens[0])

    def forward(self, context: torch.Tensor) -> torch.Tensor:  # noqa: D102
        return self.tokens.expand(len(context), -1, -1)


class MixtureEncoder(ContextEncoder):
    r"""SS_MP, Equation 2: :math:`P_\theta(z) = \sum_i w_i P_i` with :math:`w = \mathrm{softmax}((A z + b) / \tau)`.

    It has k t d weights of bases and k (d_e + 1) of the softmax.
    """

    def __init__(self, config: SoftSRVConfig, hidden_size: int) -> None:
        super().__init__()
        self.temperature = config.temperature
        self.bases = nn.Parameter(torch.zeros(config.num_bases, config.num_virtual_tokens, hidden_size))
        self.mixer = nn.Linear(config.context_dim, config.num_bases)

    @property
    def n_sets(self) -> int:  # noqa: D102
        return len(self.bases)

    @torch.no_grad()
    def reset_parameters(self, tokens: torch.Tensor, size: float) -> None:  # noqa: D102
        self.bases.copy_(tokens)
        # Contexts are of unit length, so logits have unit variance.
        nn.init.normal_(self.mixer.weight)
        nn.init.zeros_(self.mixer.bias)

    def weights(self, context: torch.Tensor) -> torch.Tensor:
        """How much of each basis there is; rows sum to 1.

        Shape:
            context: (n, context_dim); returns: (n, num_bases).
        """
        return torch.softmax(self.mixer(context) / self.temperature, dim=-1)

    def forward(self, context: torch.Tensor) -> torch.Tensor:  # noqa: D102
        return torch.einsum("nk,ktd->ntd", self.weights(context), self.bases)


class MLPEncoder(ContextEncoder):
    r"""SS_MC, Equation 3: :math:`P_\theta(z) = [F_1(z), \ldots, F_t(z)]`, one MLP a virtual token.

    With l layers of width h, each :math:`F_i` has :math:`(d_e + 1) h + (l - 2)(h + 1) h + (h + 1) d` weights. Between
    layers stands a ReLU; the paper names none.
    """

    def __init__(self, config: SoftSRVConfig, hidden_size: int) -> None:
        super().__init__()
        widths = [config.context_dim, *[config.mlp_hidden_size] * (config.mlp_num_layers - 1), hidden_size]
        self.n_maps = config.num_virtual_tokens
        self.layers = nn.Sequential(
            *(ParallelLinear(self.n_maps, *sizes) for sizes in zip(widths, widths[1:], strict=False))
        )

    @torch.no_grad()
    def reset_parameters(self, tokens: torch.Tensor, size: float) -> None:  # noqa: D102
        layers: list[Any] = list(self.layers)
        for number, layer in enumerate(layers):
            # Contexts are of unit length; after that, half of a layer's inputs are zero.
            std = 1.0 if number == 0 else math.sqrt(2 / layer.weight.shape[1])
            nn.init.normal_(layer.weight, std=std)
            nn.init.zeros_(layer.bias)
        layers[-1].weight.mul_(size)
        layers[-1].bias.copy_(tokens[0].unsqueeze(1))

    def forward(self, context: torch.Tensor) -> torch.Tensor:  # noqa: D102
        rows = context.expand(self.n_maps, -1, -1)
        for number, layer in enumerate(self.layers):
            rows = layer(rows if number == 0 else torch.relu(rows))
        return rows.transpose(0, 1)


class ParallelLinear(nn.Module):
    """Many linear maps side by side, as one product.

    Args:
        n_maps: How many.
        in_features: Entries of an input.
        out_features: Entries of an output.
    """

    def __init__(self, n_maps: int, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_maps, in_features, out_features))
        self.bias = nn.Parameter(torch.zeros(n_maps, 1, out_features))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Applies each map to its rows.

        Shape:
            rows: (n_maps, n, in_features); returns: (n_maps, n, out_features).
        """
        return torch.baddbmm(self.bias, rows, self.weight)


ENCODERS: dict[str, type[ContextEncoder]] = {"static": StaticEncoder, "mixture": MixtureEncoder, "mlp": MLPEncoder}


def make_encoder(config: SoftSRVConfig, hidden_size: int) -> ContextEncoder:
    """Makes the encoder that a configuration asks for; its weights are zero.

    Args:
        config: The configuration.
        hidden_size: Entries of a word vector of the base model, d.
    """
    kind: type = ENCODERS[config.parameterization]
    return kind(config, hidden_size)
