"""The models that write a text for a vector, their training, and their decoding by correction rounds.

Importing this room registers `EmbeddingInverter` and `InverterCorrector` with the Auto classes of transformers.
"""

from transformers import AutoConfig, AutoModel

from condensers.inversion.inverter.config import EmbeddingInverterConfig, InverterCorrectorConfig
from condensers.inversion.inverter.corrector import InverterCorrector
from condensers.inversion.inverter.embedding_inverter import EmbeddingInverter

AutoConfig.register(EmbeddingInverterConfig.model_type, EmbeddingInverterConfig, exist_ok=True)
AutoConfig.register(InverterCorrectorConfig.model_type, InverterCorrectorConfig, exist_ok=True)
AutoModel.register(EmbeddingInverterConfig, EmbeddingInverter, exist_ok=True)
AutoModel.register(InverterCorrectorConfig, InverterCorrector, exist_ok=True)

__all__ = ["EmbeddingInverter", "EmbeddingInverterConfig", "InverterCorrector", "InverterCorrectorConfig"]
