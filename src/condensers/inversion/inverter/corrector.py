"""The corrector, as this library makes and trains it."""

import copy
from typing import Any, Self

from condensers.inversion.inverter.embedding_inverter import EmbeddingInverter
from condensers.inversion.inverter.network import InverterCorrectorConfig, InverterCorrectorModel
from condensers.inversion.inverter.prefixed_model import PrefixedModel

# What is the inverter's own and not its corrector's.
_OWN = ("model_type", "architectures", "auto_map", "backbone", "training")


class InverterCorrector(PrefixedModel, InverterCorrectorModel):
    """Writes a text for a vector, given a first attempt: vec2text's second stage (Morris et al. 2023), PInR's Eq. 5.

    Its network reads the target last, so that a decoder-only model writes right after what an inverter also writes
    after; see `from_inverter`.
    """

    config_class = InverterCorrectorConfig
    network_class = InverterCorrectorModel

    @classmethod
    def from_inverter(cls, inverter: EmbeddingInverter) -> Self:
        """Makes an untrained corrector that begins with what a trained inverter knows; nothing is shared.

        vec2text trains its corrector from the bare language model; `from_backbone` does.
        """
        settings = inverter.config.to_dict()
        for name in _OWN:
            settings.pop(name, None)
        config = InverterCorrectorConfig(backbone=copy.deepcopy(inverter.config.backbone), **settings)
        corrector: Any = cls(config, processing_class=inverter.processing_class)
        weights = inverter.state_dict()
        for name in cls.projector_names:
            weights |= {f"{name}.{key}": value for key, value in inverter.projector.state_dict().items()}
        corrector.load_state_dict(weights)
        return corrector.to(inverter.device)
