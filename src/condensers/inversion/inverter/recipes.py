"""What `trainers/train_inverter.py` and `trainers/train_corrector.py` are made of."""

from dataclasses import dataclass, field
from typing import Any

from transformers import set_seed

from condensers.embedding import Embedder
from condensers.inversion.inverter.corrector import InverterCorrector
from condensers.inversion.inverter.embedding_inversion import load_prefixed
from condensers.inversion.inverter.embedding_inverter import EmbeddingInverter
from condensers.inversion.inverter.prefixed_model import PrefixedModel
from condensers.inversion.inverter.trainer import InverterTrainer
from condensers.inversion.inverter.training_config import InverterTrainingConfig
from condensers.llm.bundled import bundled_llm
from condensers.llm.loading import OFFLINE
from condensers.trainers.recipes import EmbeddedRecipe, finish_recipe


@dataclass
class InverterRecipe(EmbeddedRecipe):
    """What `train_inverter.py` loads."""

    model_name_or_path: str = field(
        default="google-t5/t5-base",
        metadata={"help": "Language model: T5 or decoder-only; a Hub id, a folder, or offline for SmolLM2-135M."},
    )
    model_revision: str | None = field(default=None, metadata={"help": "Commit, tag or branch of a Hub model."})
    num_virtual_tokens: int = field(default=16, metadata={"help": "Pseudo-tokens that a vector becomes."})
    tuning: str = field(
        default="full",
        metadata={"help": "What is trained beside the projector.", "choices": ["full", "lora", "frozen"]},
    )
    lora_r: int = field(default=16, metadata={"help": "Rank of the adapter."})
    lora_alpha: int = field(default=32, metadata={"help": "The adapter's output is scaled by this over its rank."})
    max_new_tokens: int = field(default=32, metadata={"help": "Tokens of a text; longer ones are cut."})

    def load_model(self, embedder: Embedder) -> EmbeddingInverter:
        """An untrained inverter.

        Raises:
            SourceNotFoundError: if there is no such language model.
            SettingError: if a setting is out of its range.
        """
        offline = self.model_name_or_path == OFFLINE
        return EmbeddingInverter.from_backbone(
            bundled_llm() if offline else self.model_name_or_path,
            embedder=embedder,
            model_options={"revision": self.model_revision} if self.model_revision else None,
            num_virtual_tokens=self.num_virtual_tokens,
            tuning=self.tuning,
            lora_r=self.lora_r,
            lora_alpha=self.lora_alpha,
            max_new_tokens=self.max_new_tokens,
        )


@dataclass
class CorrectorRecipe(EmbeddedRecipe):
    """What `train_corrector.py` loads."""

    inverter_name_or_path: str = field(
        default="inverter", metadata={"help": "Trained inverter that writes the hypotheses: a Hub id or a folder."}
    )


def train_inverter(recipe: InverterRecipe, args: InverterTrainingConfig) -> InverterTrainer:
    """Trains an inverter, saves it and tests it.

    Raises:
        CondensersError: the leaf that fits, if the models or the rows cannot be loaded or do not fit together.
    """
    set_seed(args.seed)
    embedder = recipe.load_embedder()
    return _train(recipe, args, recipe.load_model(embedder), embedder)


def train_corrector(recipe: CorrectorRecipe, args: InverterTrainingConfig) -> InverterTrainer:
    """Trains a corrector that begins with an inverter's weights, saves it and tests it.

    Raises:
        CondensersError: the leaf that fits, if the models or the rows cannot be loaded or do not fit together.
    """
    inverter = load_prefixed(recipe.inverter_name_or_path, EmbeddingInverter)
    corrector = InverterCorrector.from_inverter(inverter)
    return _train(recipe, args, corrector, recipe.load_embedder(), inverter=inverter)


def _train(
    recipe: EmbeddedRecipe,
    args: InverterTrainingConfig,
    model: PrefixedModel,
    embedder: Embedder,
    **models: Any,  # noqa: ANN401  (the inverter of a corrector)
) -> InverterTrainer:
    rows = recipe.load_rows()
    trainer = InverterTrainer(
        model,
        args,
        train_dataset=rows.train,
        eval_dataset=rows.validation,
        embedder=embedder,
        text=recipe.text_column,
        **models,
    )
    recipe.note_dataset(trainer)
    trainer.train(resume_from_checkpoint=args.resume_from_checkpoint)
    finish_recipe(trainer, None if rows.test is None else trainer.prepare(rows.test))
    return trainer
