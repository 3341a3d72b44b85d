"""Where the files of a model lie."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from condensers.errors import SourceNotFoundError

# Pickled weights never load here, and the other formats are not ours to run.
_NOT_NEEDED = [
    *("*.bin", "*.h5", "*.ot", "*.msgpack", "*.onnx", "*.pt", "*.pth", "*.pkl", "*.gguf"),
    *("onnx/*", "openvino/*", "original/*"),
]


def find_model_files(spec: str, *, remedy: str) -> Path:
    """Folder of a model's files: `spec` itself if it is one, else a snapshot of that Hub repository.

    What the Hub gave before is taken as it is; the Hub is asked only for what was never there.

    Args:
        spec: A local folder or a Hub id.
        remedy: What a user without a network, or with a wrong name, should write instead; ends the error.

    Raises:
        SourceNotFoundError: if there is no such folder and the Hub does not give it.
    """
    path = Path(spec).expanduser()
    if path.is_dir():
        return path
    if spec.startswith((".", "/", "~")) or spec.count("/") > 1:
        raise SourceNotFoundError(f"there is no model folder at {spec!r}; {remedy}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        try:
            return Path(snapshot_download(spec, ignore_patterns=_NOT_NEEDED, local_files_only=True))
        except FileNotFoundError:
            return Path(snapshot_download(spec, ignore_patterns=_NOT_NEEDED))
    except (OSError, HfHubHTTPError, HFValidationError) as error:
        raise SourceNotFoundError(
            f"{spec!r} is neither a local folder nor a model that the Hub gave ({type(error).__name__}). Check the "
            f"spelling; {remedy}"
        ) from error


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Keeps transformers from reporting that a new classifier head is new, and from a bar for loading the rest."""
    from transformers.utils import logging  # noqa: PLC0415  (takes seconds to import)

    level, shown = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()
