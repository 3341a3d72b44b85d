"""The models that write a text for a vector, their training, and their decoding by correction rounds.

Importing this room registers `EmbeddingInverter` and `InverterCorrector` with the Auto classes of transformers.
"""

from transformers import AutoConfig, AutoModel

from condensers.inversion.inverter.corrector import InverterCorrector
from condensers.inversion.inverter.embedding_inversion import EmbeddingInversion, Inverted
from condensers.inversion.inverter.embedding_inverter import EmbeddingInverter
from condensers.inversion.inverter.hypotheses import write_hypotheses
from condensers.inversion.inverter.network import EmbeddingInverterConfig, InverterCorrectorConfig
from condensers.inversion.inverter.prefixed_model import PrefixedModel
from condensers.inversion.inverter.targets import check_embedder, unit_targets
from condensers.inversion.inverter.trainer import InverterTrainer
from condensers.inversion.inverter.training_config import InverterTrainingConfig
from condensers.inversion.inverter.training_rows import inversion_rows

AutoConfig.register(EmbeddingInverterConfig.model_type, EmbeddingInverterConfig, exist_ok=True)
AutoConfig.register(InverterCorrectorConfig.model_type, InverterCorrectorConfig, exist_ok=True)
AutoModel.register(EmbeddingInverterConfig, EmbeddingInverter, exist_ok=True)
AutoModel.register(InverterCorrectorConfig, InverterCorrector, exist_ok=True)

__all__ = [
    "EmbeddingInversion",
    "EmbeddingInverter",
    "EmbeddingInverterConfig",
    "Inverted",
    "InverterCorrector",
    "InverterCorrectorConfig",
    "InverterTrainer",
    "InverterTrainingConfig",
    "PrefixedModel",
    "check_embedder",
    "inversion_rows",
    "unit_targets",
    "write_hypotheses",
]
