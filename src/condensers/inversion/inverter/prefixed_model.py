"""What inverter and corrector have in common beyond their networks: making, starting and saving them."""

import os
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from huggingface_hub import ModelCard
from transformers import AutoConfig, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from condensers.embedding import Embedder
from condensers.errors import SettingError, SourceNotFoundError
from condensers.inversion.inverter.card import inverter_card
from condensers.inversion.inverter.network.modeling_prefixed import PrefixedNetwork, load_class
from condensers.inversion.inverter.projector_start import start_projector
from condensers.llm.model_digest import weights_digest
from condensers.sharing import hub_name, public_name
from condensers.sharing.shared_model import SharedModel


class PrefixedModel(SharedModel, PrefixedNetwork):
    """Base of `EmbeddingInverter` and `InverterCorrector`: a network with what makes and starts it.

    Attributes:
        is_untrained: The projectors are as they were drawn.
    """

    is_untrained = False

    @classmethod
    def from_backbone(
        cls,
        model: str | os.PathLike[str] | PreTrainedModel,
        *,
        embedder: Embedder,
        processing_class: PreTrainedTokenizerBase | None = None,
        model_options: dict[str, Any] | None = None,
        **settings: Any,  # noqa: ANN401  (fields of the configuration)
    ) -> Self:
        """Makes an untrained model around a language model.

        Args:
            model: Hub id or folder of a language model, or the model itself, which is kept and not copied.
            embedder: Whose vectors shall be inverted; embeds one text, to tell the dimension.
            processing_class: The tokenizer; None takes the one beside the model.
            model_options: For `from_pretrained` of the language model, such as ``{"revision": ...}``.
            **settings: Fields of the configuration, such as `num_virtual_tokens` and `tuning`.

        Raises:
            SourceNotFoundError: if there is no such model.
            SettingError: if a setting is out of its range, or the tokenizer is missing or ends no text.
        """
        if not isinstance(model, PreTrainedModel):
            model, processing_class = _load_language_model(os.fspath(model), processing_class, model_options or {})
        if processing_class is None:
            raise SettingError("a language model needs its tokenizer beside it; pass `processing_class=`.")
        end = processing_class.eos_token_id
        if end is None:
            raise SettingError("the tokenizer has no end-of-sequence token, so no text would end; set `eos_token`.")
        pad = processing_class.pad_token_id
        base = hub_name(model.config.name_or_path)
        dim = embedder.encode(["a text"]).shape[1]
        kind: Any = cls.config_class
        try:
            config = kind(
                backbone=model.config,
                embedder_name=public_name(embedder.name),
                embedder_fingerprint=embedder.fingerprint,
                embedding_dim=dim,
                pad_token_id=end if pad is None else pad,
                eos_token_id=end,
                base_model=base.id if base else None,
                base_revision=(base.revision or (model_options or {}).get("revision")) if base else None,
                **settings,
            )
        except ValueError as error:
            raise SettingError(str(error)) from error
        made = cls(config, model, processing_class)
        made.is_untrained = True
        return made

    def start_projector(self, embeddings: np.ndarray, token_ids: Sequence[Sequence[int]]) -> float:
        """Fits the projector of targets to the words of texts; see `condensers.inversion.inverter.projector_start`.

        Args:
            embeddings: Vectors of texts.
            token_ids: Their tokens, as `label_ids` gives them.

        Shape:
            embeddings: (n_texts, embedding_dim), of unit length.

        Returns:
            Share of variance explained.
        """
        end = self.config.eos_token_id
        # Every text has an end, so its word vector says nothing.
        texts = [ids[:-1] if len(ids) > 1 and ids[-1] == end else ids for ids in token_ids]
        self.is_untrained = False
        return start_projector(self.projector, self._words.weight, embeddings, texts)

    @property
    def processing_class(self) -> PreTrainedTokenizerBase:
        """The tokenizer.

        Raises:
            SettingError: if none was given and none lies beside the model.
        """
        try:
            return super().processing_class
        except ValueError as error:
            raise SettingError(str(error)) from error

    def digest(self) -> str:
        """Hash of the weights; see `weights_digest`."""
        return weights_digest(self)

    def model_card(self, **metadata: Any) -> ModelCard:  # noqa: ANN401  (fields of ModelCardData)
        """The card of the model as it is; see `SharedModel.model_card`."""
        return inverter_card(self.config, **metadata)


def _load_language_model(
    source: str, processing_class: PreTrainedTokenizerBase | None, options: dict[str, Any]
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    try:
        config = AutoConfig.from_pretrained(source, **options)
        model = load_class(config).from_pretrained(source, use_safetensors=True, **options)
        return model, processing_class or AutoTokenizer.from_pretrained(source, **options)
    except OSError as error:
        raise SourceNotFoundError(
            f"{source!r} is neither a folder nor a model that the Hub gave with a tokenizer and weights in "
            f"safetensors ({type(error).__name__}). Check the spelling; offline, pass a local folder."
        ) from error
