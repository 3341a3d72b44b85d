"""Every page of the documentation does what it says: its code runs, and prints what the page shows."""

import sys
from functools import partial

import pytest
from docs.scripted_writer import reply_to
from documents import ROOT, read_blocks, run_page

from condensers.llm.testing import FakeServer

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
# What cannot be run here, all of it: a page that adds to it says why, to its readers and here.
NOT_RUN = {
    "index.md": ["it fetches packages"],
    "publish.md": ["it asks for your token"],
    "scaling.md": ["it starts several processes"],
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Caches that the pages share, so that the sample is embedded once."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def server():
    with FakeServer(reply_to) as server:
        yield server


@pytest.fixture
def stand_ins(server, kept):
    """What pages name and tests cannot have, and the small thing in its place."""
    return [
        ("Qwen/Qwen3-8B@http://localhost:8000/v1", f"scripted@{server.base_url}"),
        ("HuggingFaceTB/SmolLM2-135M", str(_language_model(kept / "language-model"))),
        ("google-bert/bert-base-uncased", str(_classifier(kept / "classifier"))),
    ]


def _language_model(folder):
    if not folder.is_dir():
        from tiny_language_models import tiny_lm, tiny_lm_tokenizer

        from condensers import sample_dataset

        words = sorted({word for text in sample_dataset("shop_messages")["train"]["text"] for word in text.split()})
        tokenizer = tiny_lm_tokenizer(["<pad>", "<unk>", "</s>", *words])
        tokenizer.model_max_length = 512
        model = tiny_lm(vocab_size=len(tokenizer))
        model.config.max_position_embeddings = 512  # positions are turned, not looked up
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


def _classifier(folder):
    if not folder.is_dir():
        from tiny_classifiers import tiny_model
        from transformers import AutoTokenizer

        from condensers.embedding import bundled_model

        tokenizer = AutoTokenizer.from_pretrained(bundled_model(), model_max_length=32)
        model = tiny_model(names=8)
        model.resize_token_embeddings(len(tokenizer))
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def _quick_map(monkeypatch):
    """The map of a report is drawn in a quarter of its steps; what it shows is tested elsewhere."""
    from sklearn.manifold import TSNE

    monkeypatch.setattr("sklearn.manifold.TSNE", partial(TSNE, max_iter=250))


@pytest.mark.models
@pytest.mark.usefixtures("_quick_map")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_does_what_it_says(page, hub, stand_ins, kept, tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", kept / "datasets")
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    modules = dict(sys.modules)
    with _tables_as_they_were():
        try:
            run_page(page, stand_ins)
        finally:
            for name in set(sys.modules) - set(modules):
                if name.startswith("condensers.") and not getattr(sys.modules[name], "__file__", None):
                    del sys.modules[name]  # the file of a method that a page wrote


def _tables_as_they_were():
    from contextlib import ExitStack
    from unittest.mock import patch

    from condensers.methods.auto import METHODS
    from condensers.methods.components import COMPONENTS
    from condensers.metrics import METRICS

    stack = ExitStack()
    for table in (METHODS, COMPONENTS, METRICS):
        stack.enter_context(patch.dict(table))
    return stack


def test_only_what_is_named_here_is_not_run():
    reasons = {page.name: [block.reason for block in read_blocks(page) if block.reason] for page in PAGES}
    assert {name: found for name, found in reasons.items() if found} == NOT_RUN


def test_every_page_of_a_task_has_code_that_runs():
    assert len(PAGES) >= 8
    for page in PAGES:
        assert any(block.reason is None for block in read_blocks(page)), page.name
