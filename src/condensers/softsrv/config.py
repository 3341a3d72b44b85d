"""Configuration of the SoftSRV adapter."""

import copy
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from peft import PeftConfig, TaskType
from peft.utils import PeftType
from peft.utils.constants import DUMMY_TARGET_MODULES

from condensers.errors import SettingError
from condensers.sharing import hub_name
from condensers.softsrv.card import adapter_card, complete_card
from condensers.softsrv.peft_type import NAME

PARAMETERIZATIONS = ("static", "mixture", "mlp")


@dataclass
class SoftSRVConfig(PeftConfig):
    """Configuration of a SoftSRV adapter (DeSalvo et al. 2024); the defaults are those of its Section 3.3.

    Example::

        model = get_peft_model(AutoModelForCausalLM.from_pretrained(name), SoftSRVConfig(num_virtual_tokens=16))
        loss = model(context=vectors, labels=token_ids).loss
        tokens = model.generate(context=vectors, do_sample=True)

    Raises:
        SettingError: if a number is out of its range, a choice is unknown, or the task is not causal language
            modelling.
    """

    parameterization: Literal["static", "mixture", "mlp"] = field(
        default="mlp",
        metadata={
            "help": "How a context vector becomes virtual tokens: not at all (`static`, SS_NP, Equation 1), as a "
            "mixture of bases (`mixture`, SS_MP, Equation 2), or by one small MLP a token (`mlp`, SS_MC, Equation 3)."
        },
    )
    num_virtual_tokens: int = field(default=128, metadata={"help": "Virtual tokens, t."})
    context_dim: int = field(default=384, metadata={"help": "Entries of a context vector, d_e."})
    num_bases: int = field(default=2, metadata={"help": "Bases of a mixture, k."})
    temperature: float = field(
        default=1.0, metadata={"help": "The mixture's logits are divided by it; the lower, the harder the choice."}
    )
    mlp_hidden_size: int = field(default=128, metadata={"help": "Width of the layers within an MLP."})
    mlp_num_layers: int = field(default=3, metadata={"help": "Layers of an MLP, the last one included."})
    init_from_vocabulary: bool = field(
        default=True,
        metadata={
            "help": "Begin at word vectors of the base model, drawn at random; else at normal noise of their size. "
            "The paper does not say where it begins."
        },
    )
    embedder_name: str | None = field(
        default=None, metadata={"help": "Name of the embedder whose vectors the contexts are; the trainer notes it."}
    )
    embedder_fingerprint: str | None = field(
        default=None, metadata={"help": "Its fingerprint; vectors of any other are refused where it is known."}
    )
    training: dict | None = field(
        default=None, metadata={"help": "How the adapter was trained, as far as the trainer knows; it notes that."}
    )
    target_modules: str = field(
        default=DUMMY_TARGET_MODULES, metadata={"help": "No module of the base model is changed; leave it."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        kinds: Any = PeftType
        self.peft_type = kinds[NAME]
        if self.task_type is None:
            self.task_type = TaskType.CAUSAL_LM
        if self.task_type != TaskType.CAUSAL_LM:
            raise SettingError(
                f"`task_type` must be CAUSAL_LM, since the adapter has a decoder write texts; got {self.task_type!s}. "
                f"Leave it out."
            )
        if self.parameterization not in PARAMETERIZATIONS:
            raise SettingError(
                f"`parameterization` must be one of {', '.join(PARAMETERIZATIONS)}; got {self.parameterization!r}."
            )
        for name in ("num_virtual_tokens", "context_dim", "num_bases", "mlp_hidden_size", "mlp_num_layers"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise SettingError(f"`{name}` must be a whole number of at least 1; got {value!r}.")
        if not 0 < self.temperature < float("inf"):
            raise SettingError(f"`temperature` must be above 0; got {self.temperature!r}.")

    def save_pretrained(self, save_directory: str | os.PathLike[str], **kwargs: Any) -> None:
        """Writes the configuration and the card of the adapter; see `PeftConfig.save_pretrained`.

        A base model out of the Hub's cache goes by its name and commit, which hold everywhere; any other folder stays
        as it is, so that the adapter finds its model again on this machine, and the card says so.

        Raises:
            OSError: if the card cannot be written.
        """
        written = copy.copy(self)
        base = hub_name(self.base_model_name_or_path)
        if base is not None:
            written.base_model_name_or_path, written.revision = base.id, base.revision or self.revision
        super(SoftSRVConfig, written).save_pretrained(os.fspath(save_directory), **kwargs)
        complete_card(Path(save_directory), adapter_card(written))
