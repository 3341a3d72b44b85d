"""The inverter, as this library makes and trains it."""

from condensers.inversion.inverter.network import EmbeddingInverterConfig, EmbeddingInverterModel
from condensers.inversion.inverter.prefixed_model import PrefixedModel


class EmbeddingInverter(PrefixedModel, EmbeddingInverterModel):
    """Writes a text for the vector of an embedder: vec2text's first stage (Morris et al. 2023), PInR's decoder (4.2).

    The vector becomes a few pseudo-tokens, which a language model reads as if they were words: T5 in its encoder, a
    decoder-only model before the text. `AutoModel.from_pretrained` gives a saved one back.

    Example::

        inverter = EmbeddingInverter.from_backbone("google-t5/t5-base", embedder=load_embedder())
        InverterTrainer(inverter, train_dataset=rows, embedder=embedder).train()
        inverter.write(embedder.encode(["a charming film"]))
    """

    config_class = EmbeddingInverterConfig
    network_class = EmbeddingInverterModel
