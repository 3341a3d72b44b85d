"""The training of SoftSRV adapters."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from peft import PeftModel
from transformers import PreTrainedTokenizerBase

from condensers.embedding import Embedder
from condensers.errors import SettingError
from condensers.sharing import public_name
from condensers.sharing.training_notes import NotingTrainer
from condensers.softsrv.card import adapter_card, complete_card
from condensers.softsrv.embedders import adapter_config, check_embedder
from condensers.softsrv.training_config import SoftSRVTrainingConfig
from condensers.softsrv.training_rows import SoftSRVCollator, softsrv_rows


class SoftSRVTrainer(NotingTrainer):
    r"""Trains a SoftSRV adapter on texts: :math:`\min_\theta \sum_i \ell(H(P_\theta(E(x_i))), x_i)` (Section 3.3).

    Each text is embedded once, before training, and its vector is kept in the cache.

    Args:
        model: A language model with a SoftSRV adapter, as `get_peft_model` makes it.
        args: How to train; None takes the defaults of `SoftSRVTrainingConfig`.
        train_dataset: Rows with text.
        eval_dataset: More of them, for choices made while training.
        embedder: Makes the contexts; needed unless the adapter is `static`. The adapter notes which one it was.
        processing_class: Tokenizer of the language model.
        text: The text columns; None guesses.
        **kwargs: Those of `Trainer`.

    Raises:
        SettingError: if the model has no SoftSRV adapter, there is no tokenizer, or the embedder is missing or not
            the one that the adapter was made for.
        RowError: if there are no rows or a text is missing.
        ColumnError: if the text column cannot be found.
    """

    def __init__(
        self,
        model: PeftModel,
        args: SoftSRVTrainingConfig | None = None,
        *,
        train_dataset: Dataset | None = None,
        eval_dataset: Dataset | None = None,
        embedder: Embedder | None = None,
        processing_class: PreTrainedTokenizerBase | None = None,
        text: str | Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        config = adapter_config(model)
        if processing_class is None:
            raise SettingError("a language model needs its tokenizer beside it; pass `processing_class=`.")
        if config.parameterization == "static":
            embedder = None
        elif embedder is None:
            raise SettingError(f"parameterisation `{config.parameterization}` needs contexts; pass `embedder=`.")
        else:
            check_embedder(config, embedder)
            config.embedder_name, config.embedder_fingerprint = public_name(embedder.name), embedder.fingerprint
        args = args or SoftSRVTrainingConfig(output_dir="softsrv")
        self.embedder, self.text, self._tokenizer, self._settings = embedder, text, processing_class, args
        kwargs.setdefault("data_collator", SoftSRVCollator())
        super().__init__(
            model,
            args,
            train_dataset=None if train_dataset is None else self.prepare(train_dataset),
            eval_dataset=None if eval_dataset is None else self.prepare(eval_dataset),
            processing_class=processing_class,
            **kwargs,
        )
        self.take_notes(config, train_dataset)
        # transformers 5.23 leaves the first token of each text out when it counts those that a loss is a mean over,
        # since a causal model has nothing to predict it from. Here it has the virtual tokens.
        self._loss_shifts_labels = False

    def prepare(self, dataset: Dataset) -> Dataset:
        """Rows as `evaluate` and `predict` take them; see `softsrv_rows`.

        Raises:
            RowError: if there are no rows or a text is missing.
            ColumnError: if the text column cannot be found.
        """
        return softsrv_rows(
            dataset,
            self.embedder,
            self._tokenizer,
            text=self.text,
            max_length=self._settings.max_length,
            progress=not self._settings.disable_tqdm,
        )

    def write_card(self, folder: Path, **metadata: Any) -> None:  # noqa: ANN401
        """Writes configuration and card of the adapter; see `NotingTrainer.write_card`."""
        config = copy.copy(adapter_config(self.accelerator.unwrap_model(self.model)))
        config.inference_mode = True  # as PEFT saves it
        config.save_pretrained(folder)
        complete_card(folder, adapter_card(config, **metadata))

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        # Trainer keeps what the base model's forward takes; the context is the adapter's.
        columns: list[str] = self._signature_columns or []
        if "context" not in columns:
            self._signature_columns = [*columns, "context"]  # type: ignore[assignment]
