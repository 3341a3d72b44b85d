"""Where the files of a learner's model lie."""

from pathlib import Path

from condensers.embedding import model_folder
from condensers.errors import SourceNotFoundError


def learner_folder(model: str | Path) -> Path:
    """Folder of a transformers model: a local folder, a snapshot of a Hub repository, or the bundled MiniLM.

    Raises:
        SourceNotFoundError: if there is no such model, or its folder has no config.json.
        MissingDependencyError: if ``"offline"`` is asked for and the extra is not installed.
    """
    folder = model_folder(str(model))
    if not (folder / "config.json").is_file():
        raise SourceNotFoundError(
            f"{str(model)!r} holds no transformers model: {str(folder)!r} has no config.json. Pass another `model`."
        )
    return folder
