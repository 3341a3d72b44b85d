"""The part of inverter and corrector that travels: what runs them, and nothing that trains them.

`save_pretrained` copies these files beside the weights, so that `AutoModel.from_pretrained(...,
trust_remote_code=True)` gives the models where this library is not installed. Hence they import torch, transformers
and one another, relatively, and raise the errors of Python alone.
"""

from condensers.inversion.inverter.network.configuration_inverter import (
    EmbeddingInverterConfig,
    InverterCorrectorConfig,
)
from condensers.inversion.inverter.network.modeling_corrector import InverterCorrectorModel, pad_left
from condensers.inversion.inverter.network.modeling_inverter import EmbeddingInverterModel
from condensers.inversion.inverter.network.modeling_prefixed import IGNORED_LABEL, PrefixedNetwork
from condensers.inversion.inverter.network.modeling_projector import EmbeddingProjector

__all__ = [
    "IGNORED_LABEL",
    "EmbeddingInverterConfig",
    "EmbeddingInverterModel",
    "EmbeddingProjector",
    "InverterCorrectorConfig",
    "InverterCorrectorModel",
    "PrefixedNetwork",
    "pad_left",
]
