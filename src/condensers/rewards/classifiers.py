"""Classifiers as they come from the Hub or a user."""

import hashlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from condensers.errors import SettingError, SourceNotFoundError

_SAMPLE = 1 << 16


def load_classifier(
    source: str,
    label_names: Sequence[str] | None = None,
    **options: Any,  # noqa: ANN401  (what `from_pretrained` takes)
) -> PreTrainedModel:
    """Loads a sequence classifier; an encoder without a head gets a new one.

    Args:
        source: Hub id or folder.
        label_names: How many classes a new head gets.
        **options: Passed to `from_pretrained`.

    Raises:
        SourceNotFoundError: if there is no such model.
        SettingError: if the model has a head of another size.
    """
    if label_names is not None:
        options = {**options, "num_labels": len(label_names)}
    try:
        return AutoModelForSequenceClassification.from_pretrained(source, **options)
    except OSError as error:
        raise SourceNotFoundError(
            f"{source!r} is neither a model folder nor a model that the Hub gave ({type(error).__name__}). Check the "
            f"spelling; for a private model log in with `hf auth login`; offline, pass a local folder."
        ) from error
    except RuntimeError as error:
        raise SettingError(
            f"the classifier {source!r} does not have the {len(label_names or ())} classes that `label_names` gives: "
            f"{error}"
        ) from error


def check_classifier(model: Any) -> PreTrainedModel:  # noqa: ANN401  (a PEFT model will do)
    """Returns the model if it tells classes apart.

    Raises:
        SettingError: unless it has at least two classes, of which a row has one.
    """
    config = model.config
    if (config.num_labels or 0) < 2 or config.problem_type not in (None, "single_label_classification"):
        raise SettingError(
            f"p(y | x) needs a classifier of two classes or more, one label a row; got {type(model).__name__} with "
            f"num_labels={config.num_labels} and problem_type={config.problem_type!r}."
        )
    return model


def weights_digest(model: nn.Module) -> str:
    """Hash of a model's weights, from up to 65,536 numbers of each.

    Training changes weights everywhere, so samples tell two models apart.
    """
    digest = hashlib.sha256()
    for name, weight in sorted(model.state_dict().items()):
        flat = weight.detach().reshape(-1)
        sample = flat[:: -(-flat.numel() // _SAMPLE) or 1].cpu().contiguous()
        digest.update(f"{name}:{weight.dtype}:{tuple(weight.shape)}".encode())
        digest.update(sample.view(torch.uint8).numpy().tobytes() if sample.numel() else b"")
    return digest.hexdigest()
