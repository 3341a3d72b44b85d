"""Decoding by rounds of correction, and what it refuses."""

import numpy as np
import pytest
import torch
from tiny_inverters import tiny_inverter, word_rows
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
def test_rounds_never_lower_the_cosine(trained, corrector, points, embedder, temperature):
    settings = {"num_rounds": 3, "beam_width": 2, "num_candidates": 3, "temperature": temperature, "batch_size": 5}
    found = EmbeddingInversion(trained, corrector, embedder, **settings).invert(points)
    assert found.history.shape == (4, 12)
    assert (np.diff(found.history, axis=0) >= 0).all()
    assert found.history[-1].mean() > found.history[0].mean()
    true = (embedder.encode(found.texts) * points).sum(1)
    np.testing.assert_allclose(found.cosine, true, atol=1e-6)
    assert found.cosine.tolist() == found.history[-1].tolist()


def test_the_seed_fixes_the_texts_and_leaves_no_trace(trained, corrector, points, embedder):
    def texts(seed):
        settings = {"num_rounds": 1, "temperature": 1.5, "seed": seed}
        return EmbeddingInversion(trained, corrector, embedder, **settings).realise(points)

    state = torch.get_rng_state()
    first = texts(0)
    assert torch.equal(torch.get_rng_state(), state)
    assert texts(0) == first
    assert texts(1) != first


def test_a_wider_search_comes_closer(trained, points, embedder):
    few, many = (EmbeddingInversion(trained, None, embedder, num_candidates=n).invert(points) for n in (1, 16))
    assert many.cosine.mean() > few.cosine.mean()
    assert few.history.shape == (5, 12) and (few.history == few.history[0]).all()


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
    [("num_rounds", -1), ("beam_width", 0), ("num_candidates", 0), ("batch_size", 0), ("temperature", -0.1)],
)
def test_wrong_settings(setting, value):
    with pytest.raises(SettingError, match=f"`{setting}` must be .* got {value}"):
        EmbeddingInversion(tiny_inverter(), **{setting: value})
