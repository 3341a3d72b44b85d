"""Particles in, texts out."""

import numpy as np
import pytest
from peft import LoraConfig, get_peft_model
from tiny_adapters import tiny_adapter
from tiny_inverters import word_rows
from tiny_language_models import tiny_lm, tiny_lm_tokenizer
from word_embedder import WordEmbedder

from condensers.embedding import EmbeddedRows
from condensers.errors import RowError, SettingError, SourceNotFoundError
from condensers.inversion import Realiser
from condensers.llm import SamplingSettings
from condensers.methods import AutoCondenser, EmbeddingCondenser
from condensers.placement import SteinParticles
from condensers.selection import RoundRobin
from condensers.softsrv.realiser import SoftSRVRealiser

SHORT = SamplingSettings(max_tokens=8)


@pytest.fixture
def rows(embedder):
    texts = word_rows(20, seed=7)["text"][:]
    return EmbeddedRows(texts, embedder.encode(texts))


def realiser(model, **settings):
    return SoftSRVRealiser(model, tiny_lm_tokenizer(), **{"embedder": WordEmbedder(), "sampling": SHORT} | settings)


def test_the_closest_of_the_candidates_is_taken(trained, rows, embedder):
    points = rows.vectors[:6]
    found = {n: realiser(trained, num_candidates=n).write(points, rows) for n in (1, 8)}
    assert found[8].cosine.mean() > found[1].cosine.mean() + 0.05
    for written in found.values():
        true = (embedder.encode(written.texts) * points).sum(1)
        # A single candidate may say nothing, which is as far away as can be.
        true = np.where([text != "" for text in written.texts], true, -1.0)
        np.testing.assert_allclose(written.cosine, true, atol=1e-6)
    assert all(found[8].texts)


def test_the_seed_fixes_the_texts_and_only_directions_matter(trained, rows):
    points = rows.vectors[:6]
    first = realiser(trained).realise(points, rows)
    assert realiser(trained).realise(points * 3, rows) == first
    assert realiser(trained, seed=1).realise(points, rows) != first
    redrawn = realiser(trained).redrawn(1)
    assert redrawn.realise(points, rows) != first
    assert redrawn.realise(points, rows) == realiser(trained).redrawn(1).realise(points, rows)


def test_texts_of_nothing_are_taken_last(trained, rows, monkeypatch):
    from condensers.softsrv.generation import SoftSRVTexts, SoftSRVWriter

    texts = ["", "crow", "", ""]
    monkeypatch.setattr(SoftSRVWriter, "write", lambda *args: SoftSRVTexts(texts, np.ones(4), np.ones(4)))
    assert realiser(trained, num_candidates=4).realise(rows.vectors[:1], rows) == ["crow"]


def test_stein_particles_and_an_adapter_are_a_condenser(trained, dataset, embedder):
    placed = SteinParticles(max_steps=3)
    realising = realiser(trained)
    assert isinstance(realising, Realiser)
    condenser = EmbeddingCondenser(placement=placed, realiser=realising, embedder=embedder)
    small = condenser.condense(dataset, per_class=2, seed=0)
    assert small["label"][:] == [0, 0, 1, 1, 2, 2]
    assert all(isinstance(text, str) for text in small["text"][:])


def test_an_adapter_from_a_folder(trained, rows, tmp_path):
    tiny_lm().save_pretrained(tmp_path / "lm")
    tiny_lm_tokenizer().save_pretrained(tmp_path / "lm")
    trained.save_pretrained(tmp_path / "nameless")
    config = trained.active_peft_config
    config.base_model_name_or_path = str(tmp_path / "lm")
    trained.save_pretrained(tmp_path / "adapter")
    config.base_model_name_or_path = None
    points = rows.vectors[:4]
    expected = realiser(trained).realise(points, rows)
    settings = {"embedder": WordEmbedder(), "sampling": SHORT}
    assert SoftSRVRealiser(str(tmp_path / "adapter"), **settings).realise(points, rows) == expected
    with pytest.raises(SettingError, match="does not name its language model"):
        SoftSRVRealiser(tmp_path / "nameless", **settings).realise(points, rows)
    with pytest.raises(SourceNotFoundError, match="train an adapter with `SoftSRVTrainer`"):
        SoftSRVRealiser(tmp_path / "nowhere", **settings).realise(points, rows)
    with pytest.raises(SourceNotFoundError, match="holds no adapter"):
        SoftSRVRealiser(tmp_path / "lm", **settings).realise(points, rows)
    get_peft_model(tiny_lm(), LoraConfig(target_modules="all-linear")).save_pretrained(tmp_path / "lora")
    with pytest.raises(SettingError, match="must be a SoftSRV adapter; it has a LoraConfig"):
        SoftSRVRealiser(tmp_path / "lora", **settings).realise(points, rows)


def test_mistakes(trained, rows):
    points = rows.vectors[:3].copy()
    with pytest.raises(SettingError, match="trained for the embedder 'words'.*got 'others'"):
        realiser(trained, embedder=WordEmbedder("others")).realise(points, rows)
    with pytest.raises(SettingError, match="pass `processing_class=`"):
        SoftSRVRealiser(trained, embedder=WordEmbedder()).realise(points, rows)
    with pytest.raises(SettingError, match="`context_dim` must be 32"):
        realiser(tiny_adapter(context_dim=8)).realise(points, rows)
    with pytest.raises(SettingError, match="`num_candidates` must be at least 1; got 0"):
        realiser(trained, num_candidates=0)
    with pytest.raises(RowError, match="no points to write texts for"):
        realiser(trained).realise(points[:0], rows)
    points[1] = 0
    with pytest.raises(RowError, match="point 1 is zero"):
        realiser(trained).realise(points, rows)
    points[1, 0] = np.nan
    with pytest.raises(RowError, match="vector 1 holds NaN"):
        realiser(trained).realise(points, rows)


def test_a_condenser_is_saved_with_the_name_of_its_adapter(trained, tmp_path):
    condenser = EmbeddingCondenser(
        placement=SteinParticles(max_steps=3),
        realiser=SoftSRVRealiser(tmp_path / "adapter", embedder=WordEmbedder(), num_candidates=2, sampling=SHORT),
        embedder=WordEmbedder(),
    )
    condenser.save_pretrained(tmp_path / "saved")
    loaded = AutoCondenser.from_pretrained(tmp_path / "saved")
    assert loaded.realiser == SoftSRVRealiser(str(tmp_path / "adapter"), num_candidates=2, sampling=SHORT)
    drawn = SoftSRVRealiser(tmp_path / "adapter", sampling=SamplingSettings(extra={"top_k": 5}))
    for mistaken, said in ((drawn, "dict in memory as SamplingSettings"), (realiser(trained), "PeftModel")):
        with pytest.raises(SettingError, match=f"{said}.*cannot be saved"):
            EmbeddingCondenser(realiser=mistaken, embedder=WordEmbedder()).save_pretrained(tmp_path / "not")
    chosen = EmbeddingCondenser(placement=RoundRobin(7, seed=3), embedder=WordEmbedder())
    chosen.save_pretrained(tmp_path / "turns")
    assert AutoCondenser.from_pretrained(tmp_path / "turns").placement == RoundRobin(7, seed=3)
