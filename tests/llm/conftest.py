"""The bundled SmolLM2; a test that asks for it is skipped where its packages are missing."""

import importlib.util

import pytest

from condensers.llm import bundled_llm
from condensers.llm.bundled import BUNDLED_INSTALL, bundled_gguf


@pytest.fixture(scope="session")
def gguf():
    """The file as llama.cpp takes it."""
    return bundled_gguf() or pytest.skip(f"the bundled SmolLM2 is not installed: {BUNDLED_INSTALL}")


@pytest.fixture(scope="session")
def smollm2(gguf):
    """Folder of the converted model, in the user's cache: converting takes too long to do it for each run."""
    if importlib.util.find_spec("gguf") is None:
        pytest.skip(f"converting SmolLM2 needs the package gguf: {BUNDLED_INSTALL}")
    return bundled_llm()
