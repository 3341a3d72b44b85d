"""The code that runs a model, beside its weights, for machines without this library."""

import inspect
import shutil
from collections.abc import Sequence
from pathlib import Path

from transformers import PreTrainedConfig, PreTrainedModel
from transformers.dynamic_module_utils import get_relative_import_files


def auto_map(network: type[PreTrainedModel], auto_classes: Sequence[str]) -> dict[str, str]:
    """What `config.json` says of where the classes are.

    Args:
        network: The model class whose code travels; its `config_class` goes along.
        auto_classes: The Auto classes that shall give it.
    """
    config: type[PreTrainedConfig] = network.config_class  # type: ignore[assignment]
    return {"AutoConfig": _reference(config), **dict.fromkeys(auto_classes, _reference(network))}


def write_code(network: type[PreTrainedModel], folder: Path) -> list[Path]:
    """Copies the files that a class is made of: its own, and what that imports relatively, as transformers does.

    Args:
        network: The class.
        folder: Where to.

    Returns:
        The copies.

    Raises:
        OSError: if they cannot be written.
    """
    own = inspect.getfile(network)
    files = dict.fromkeys((own, *get_relative_import_files(own)))
    return [Path(shutil.copyfile(source, folder / Path(source).name)) for source in files]


def _reference(kind: type) -> str:
    return f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}"
