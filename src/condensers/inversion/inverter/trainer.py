"""The training of inverters and correctors."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from torch import nn

from condensers.embedding import Embedder
from condensers.errors import SettingError
from condensers.inversion.inverter.corrector import InverterCorrector
from condensers.inversion.inverter.embedding_inverter import EmbeddingInverter
from condensers.inversion.inverter.length_sampler import EpochLengthSampler
from condensers.inversion.inverter.prefixed_model import PrefixedModel
from condensers.inversion.inverter.projector_start import MAX_ROWS
from condensers.inversion.inverter.targets import check_embedder
from condensers.inversion.inverter.training_config import InverterTrainingConfig
from condensers.inversion.inverter.training_rows import InversionCollator, inversion_rows
from condensers.sharing import write_card
from condensers.sharing.training_notes import NotingTrainer

_logger = logging.getLogger(__name__)


class InverterTrainer(NotingTrainer):
    """Trains an `EmbeddingInverter` or an `InverterCorrector` on texts (PInR, Algorithm 1, line 5).

    Texts are embedded, and for a corrector attempts are written by an inverter, before training; both are cached, so a
    killed run does not do so again. The projector of a model that `from_backbone` made begins where least squares put
    it, unless the settings say otherwise.

    Prefer rows that the inverter was not trained on for its corrector: on its own rows an inverter that has seen them
    often errs less than it will later.

    Args:
        model: What to train.
        args: How; None takes the defaults of `InverterTrainingConfig`.
        train_dataset: Rows with text.
        eval_dataset: More of them, for choices made while training.
        embedder: What `model` was made for.
        inverter: A trained inverter that writes the attempts; for a corrector only.
        text: The text columns; None guesses.
        **kwargs: Those of `Trainer`.

    Raises:
        SettingError: if `embedder` is not the one that the model or the inverter was made for, or the inverter is
            missing or not needed.
        RowError: if there are no rows or a text is missing.
        ColumnError: if the text column cannot be found.
    """

    def __init__(
        self,
        model: PrefixedModel,
        args: InverterTrainingConfig | None = None,
        *,
        train_dataset: Dataset | None = None,
        eval_dataset: Dataset | None = None,
        embedder: Embedder,
        inverter: EmbeddingInverter | None = None,
        text: str | Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(model, PrefixedModel):
            raise SettingError(
                f"`model` must be an EmbeddingInverter or an InverterCorrector; got {type(model).__name__}. Make one "
                f"with `EmbeddingInverter.from_backbone`."
            )
        if isinstance(model, InverterCorrector) != (inverter is not None):
            raise SettingError(
                "an InverterCorrector learns from the attempts of an inverter, and nothing else does; pass "
                "`inverter=` with the one and not with the other."
            )
        for given in (model, inverter):
            if given is not None:
                check_embedder(given.config, embedder)
        self.embedder, self.inverter, self.text = embedder, inverter, text
        args = args or InverterTrainingConfig(output_dir=model.config.model_type)
        if inverter is not None:
            nn.Module.to(inverter, args.device)
        self._settings = args
        prepared = [None if rows is None else self.prepare(rows, model) for rows in (train_dataset, eval_dataset)]
        if prepared[0] is not None and model.is_untrained and args.projector_start == "least_squares":
            _start(model, prepared[0])
        kwargs.setdefault("data_collator", InversionCollator(model.config.pad_token_id or 0))
        super().__init__(
            model,
            args,
            train_dataset=prepared[0],
            eval_dataset=prepared[1],
            processing_class=model.processing_class,
            **kwargs,
        )
        self.take_notes(model.config, train_dataset)

    def prepare(self, dataset: Dataset, model: PrefixedModel | None = None) -> Dataset:
        """Rows as `evaluate` and `predict` take them; see `inversion_rows`.

        Args:
            dataset: Rows with text.
            model: Whose tokens; None takes the model that is trained.

        Raises:
            RowError: if there are no rows or a text is missing.
            ColumnError: if the text column cannot be found.
        """
        return inversion_rows(
            dataset,
            model or self.accelerator.unwrap_model(self.model),
            self.embedder,
            inverter=self.inverter,
            text=self.text,
            batch_size=self._settings.hypothesis_batch_size,
            progress=not self._settings.disable_tqdm,
        )

    def write_card(self, folder: Path, **metadata: Any) -> None:  # noqa: ANN401
        """Writes configuration and card of the model; see `NotingTrainer.write_card`."""
        model = self.accelerator.unwrap_model(self.model)
        model.config.save_pretrained(folder)
        write_card(folder, model.model_card(**metadata))

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:  # noqa: ANN401  (a sampler)
        rows: Any = self.train_dataset if train_dataset is None else train_dataset
        if self.args.train_sampling_strategy != "group_by_length":
            return super()._get_train_sampler(train_dataset)
        seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
        batch_size = self.args.train_batch_size * self.args.gradient_accumulation_steps
        return EpochLengthSampler(batch_size, list(rows[self.args.length_column_name]), seed)

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        # The sampler looks for lengths after the columns that the model does not take are gone.
        columns: list[str] = self._signature_columns or []
        if self.args.length_column_name not in columns:
            self._signature_columns = [*columns, self.args.length_column_name]  # type: ignore[assignment]


def _start(model: PrefixedModel, rows: Dataset) -> None:
    first = rows[:MAX_ROWS]
    share = model.start_projector(np.asarray(first["embeddings"], dtype=np.float32), first["labels"])
    _logger.info("the projector begins with %.0f %% of the variance of the texts' mean word vectors", 100 * share)
