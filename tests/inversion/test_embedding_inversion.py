"""Decoding by rounds of correction, and what it refuses."""

import numpy as np
import pytest
import torch
from tiny_inverters import BACKBONES, tiny_inverter, word_rows
from word_embedder import WordEmbedder

from condensers.embedding import EmbeddedRows
from condensers.errors import RowError, SettingError, SourceNotFoundError
from condensers.inversion import Realiser
from condensers.inversion.inverter import EmbeddingInversion
from condensers.methods import EmbeddingCondenser
from condensers.placement import KMeansCentroids

HELD_OUT = word_rows(12, seed=7)["text"][:]


@pytest.fixture
def points(embedder):
    return embedder.encode(HELD_OUT)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("num_candidates", [1, 3])
def test_rounds_never_lower_the_cosine(trained, corrector, points, embedder, temperature, num_candidates):
    settings = {"num_rounds": 3, "temperature": temperature, "batch_size": 5, "guidance": 0.0}
    settings["num_candidates"] = num_candidates
    found = EmbeddingInversion(trained, corrector, embedder, **settings).invert(points)
    assert found.history.shape == (4, 12)
    assert (np.diff(found.history, axis=0) >= 0).all()
    assert found.history[-1].mean() > found.history[0].mean()
    true = (embedder.encode(found.texts) * points).sum(1)
    np.testing.assert_allclose(found.cosine, true, atol=1e-6)
    assert found.cosine.tolist() == found.history[-1].tolist()


@pytest.mark.parametrize("guidance", [0.0, 3.0])
def test_the_seed_fixes_the_texts_and_leaves_no_trace(trained, corrector, points, embedder, guidance):
    def texts(seed):
        settings = {"num_rounds": 1, "temperature": 1.5, "seed": seed, "guidance": guidance}
        return EmbeddingInversion(trained, corrector, embedder, **settings).realise(points)

    state = torch.get_rng_state()
    first = texts(0)
    assert torch.equal(torch.get_rng_state(), state)
    assert texts(0) == first
    assert texts(1) != first


def test_a_wider_search_comes_closer(trained, points, embedder):
    settings = {"guidance": 0.0}
    few, many = (
        EmbeddingInversion(trained, None, embedder, num_candidates=n, **settings).invert(points) for n in (1, 16)
    )
    assert many.cosine.mean() > few.cosine.mean()
    assert few.history.shape == (3, 12) and (few.history == few.history[0]).all()


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("num_candidates", [1, 4])
def test_a_guided_search_comes_closer_than_whole_texts(points, embedder, backbone, num_candidates):
    untrained = tiny_inverter(backbone, embedder=embedder).eval()
    blind, guided = (
        EmbeddingInversion(
            untrained, None, embedder, num_candidates=num_candidates, guidance=guidance, branching=32, temperature=0.0
        ).invert(points)
        for guidance in (0.0, 300.0)
    )
    assert guided.cosine.mean() > blind.cosine.mean() + 0.2
    assert (guided.cosine >= blind.cosine - 1e-6).mean() > 0.8


def test_guided_rounds_never_lower_the_cosine(trained, corrector, points, embedder):
    found = EmbeddingInversion(trained, corrector, embedder, num_rounds=2, branching=4).invert(points)
    assert (np.diff(found.history, axis=0) >= 0).all()
    np.testing.assert_allclose(found.cosine, (embedder.encode(found.texts) * points).sum(1), atol=1e-6)


def test_only_the_direction_of_a_point_matters(trained, points, embedder):
    realiser = EmbeddingInversion(trained, None, embedder, temperature=0)
    assert realiser.realise(points * 7) == realiser.realise(points)


def test_it_is_a_realiser_of_a_condenser(trained, corrector, embedder, dataset, tmp_path):
    realiser = EmbeddingInversion(trained, corrector, embedder, num_rounds=1)
    assert isinstance(realiser, Realiser)
    rows = EmbeddedRows(["apple"], embedder.encode(["apple"]))
    assert len(realiser.realise(rows.vectors, rows)) == 1
    condenser = EmbeddingCondenser(placement=KMeansCentroids(), realiser=realiser, embedder=embedder)
    small = condenser.condense(dataset, per_class=2)
    assert len(small) == 6
    with pytest.raises(SettingError, match="cannot be saved"):
        condenser.save_pretrained(tmp_path / "refused")
    assert not (tmp_path / "refused").exists()


def test_models_from_folders(trained, corrector, points, embedder, tmp_path):
    trained.save_pretrained(tmp_path / "inverter")
    corrector.save_pretrained(tmp_path / "corrector")
    loaded = EmbeddingInversion(tmp_path / "inverter", str(tmp_path / "corrector"), embedder)
    assert loaded.realise(points[:3]) == EmbeddingInversion(trained, corrector, embedder).realise(points[:3])
    with pytest.raises(SettingError, match="must be an EmbeddingInverter; it is a InverterCorrector"):
        EmbeddingInversion(tmp_path / "corrector", None, embedder).realise(points)
    with pytest.raises(SourceNotFoundError, match="train one with `InverterTrainer`"):
        EmbeddingInversion(str(tmp_path / "nowhere"), None, embedder).realise(points)


def test_another_embedder_is_refused(trained, points):
    class Short(WordEmbedder):
        def encode(self, texts):
            return super().encode(texts)[:, :8]

    other = Short("other words")
    with pytest.raises(SettingError, match=r"'words' .*32 dimensions.*'other words' .*8 dimensions") as refused:
        EmbeddingInversion(trained, None, other).invert(points)
    assert trained.config.embedder_fingerprint in str(refused.value) and other.fingerprint in str(refused.value)


@pytest.mark.parametrize("shape", [(2, 8), (32,), (0, 8)])
def test_another_dimension_is_refused(trained, embedder, shape):
    with pytest.raises(SettingError, match=r"32 dimensions, those of 'words'; got an array of shape \("):
        EmbeddingInversion(trained, None, embedder).invert(np.ones(shape, dtype=np.float32))


def test_bad_points(trained, points, embedder):
    realiser = EmbeddingInversion(trained, None, embedder)
    with pytest.raises(RowError, match="no vectors to invert"):
        realiser.invert(points[:0])
    broken = points.copy()
    broken[3, 1] = np.nan
    with pytest.raises(RowError, match="vector 3 holds NaN"):
        realiser.invert(broken)
    broken[3] = 0
    with pytest.raises(RowError, match="vector 3 is zero"):
        realiser.invert(broken)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("num_rounds", -1),
        ("beam_width", 0),
        ("num_candidates", 0),
        ("branching", 0),
        ("batch_size", 0),
        ("temperature", -0.1),
        ("guidance", -1.0),
    ],
)
def test_wrong_settings(setting, value):
    with pytest.raises(SettingError, match=f"`{setting}` must be .* got {value}"):
        EmbeddingInversion(tiny_inverter(), **{setting: value})
