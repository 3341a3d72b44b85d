"""What `trainers/train_softsrv.py` is made of."""

from dataclasses import dataclass, field
from typing import Any

from peft import PeftModel, get_peft_model
from transformers import set_seed

from condensers.embedding import Embedder
from condensers.softsrv.config import SoftSRVConfig
from condensers.softsrv.loading import load_language_model
from condensers.softsrv.trainer import SoftSRVTrainer
from condensers.softsrv.training_config import SoftSRVTrainingConfig
from condensers.trainers.recipes import EmbeddedRecipe, finish_recipe


@dataclass
class SoftSRVRecipe(EmbeddedRecipe):
    """What `train_softsrv.py` loads."""

    model_name_or_path: str = field(
        default="HuggingFaceTB/SmolLM2-135M",
        metadata={"help": "Decoder-only language model: a Hub id, a folder, or offline for SmolLM2-135M-Instruct."},
    )
    model_revision: str | None = field(default=None, metadata={"help": "Commit, tag or branch of a Hub model."})
    model_dtype: str = field(default="auto", metadata={"help": "Type of its weights, such as bfloat16."})
    parameterization: str = field(
        default="mlp",
        metadata={
            "help": "How a context becomes virtual tokens: not at all, as a mixture, or by one MLP a token.",
            "choices": ["static", "mixture", "mlp"],
        },
    )
    num_virtual_tokens: int = field(default=128, metadata={"help": "Virtual tokens, t."})
    num_bases: int = field(default=2, metadata={"help": "Bases of a mixture, k."})
    temperature: float = field(default=1.0, metadata={"help": "Of the mixture's weights."})
    mlp_hidden_size: int = field(default=128, metadata={"help": "Width of the layers within an MLP."})
    mlp_num_layers: int = field(default=3, metadata={"help": "Layers of an MLP."})

    def load_model(self, embedder: Embedder | None) -> tuple[PeftModel, Any]:
        """A language model with an untrained adapter, and its tokenizer.

        Args:
            embedder: Makes the contexts; None where there are none.

        Raises:
            SourceNotFoundError: if there is no such language model.
            SettingError: if a setting is out of its range.
        """
        base, tokenizer = load_language_model(
            self.model_name_or_path, revision=self.model_revision, dtype=self.model_dtype
        )
        config = SoftSRVConfig(
            parameterization=self.parameterization,  # type: ignore[arg-type]
            num_virtual_tokens=self.num_virtual_tokens,
            num_bases=self.num_bases,
            temperature=self.temperature,
            mlp_hidden_size=self.mlp_hidden_size,
            mlp_num_layers=self.mlp_num_layers,
            **({} if embedder is None else {"context_dim": embedder.encode(["a text"]).shape[1]}),
        )
        return get_peft_model(base, config, revision=self.model_revision), tokenizer


def train_softsrv(recipe: SoftSRVRecipe, args: SoftSRVTrainingConfig) -> SoftSRVTrainer:
    """Trains an adapter, saves it and tests it.

    Raises:
        CondensersError: the leaf that fits, if the model or the rows cannot be loaded or do not fit together.
    """
    embedder = None if recipe.parameterization == "static" else recipe.load_embedder()
    set_seed(args.seed)
    model, tokenizer = recipe.load_model(embedder)
    rows = recipe.load_rows()
    trainer = SoftSRVTrainer(
        model,
        args,
        train_dataset=rows.train,
        eval_dataset=rows.validation,
        embedder=embedder,
        processing_class=tokenizer,
        text=recipe.text_column,
    )
    recipe.note_dataset(trainer)
    trainer.train(resume_from_checkpoint=args.resume_from_checkpoint)
    finish_recipe(trainer, None if rows.test is None else trainer.prepare(rows.test))
    return trainer
