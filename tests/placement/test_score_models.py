import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from condensers.embedding import VectorRows
from condensers.errors import NotFittedError, RowError, SettingError, SourceNotFoundError
from condensers.placement import (
    SCORE_MODELS,
    DenoisingScoreNetwork,
    GaussianMixtureScore,
    KernelDensityScore,
    ScoreModel,
    load_score_model,
)

MODELS = {
    "diagonal": GaussianMixtureScore(n_components=3),
    "low_rank": GaussianMixtureScore(n_components=3, covariance="low_rank", rank=2),
    "full": GaussianMixtureScore(n_components=3, covariance="full"),
    "kernel": KernelDensityScore(),
    "network": DenoisingScoreNetwork(width=32, steps=60, batch_size=64),
}
MIXTURES = ["diagonal", "low_rank", "full"]


def clouds(n_rows=300, dim=5, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(scale=3, size=(3, dim))
    stretch = np.linspace(0.3, 1.5, dim)
    return (centres[rng.integers(3, size=n_rows)] + stretch * rng.normal(size=(n_rows, dim))).astype(np.float32)


def in_double_precision(model):
    """Finite differences want more digits than float32 has; the formulas are the same."""
    model._arrays = {name: array.double() for name, array in model._fitted().items()}
    return model


@pytest.fixture(scope="module", params=MODELS)
def fitted(request):
    settings = {**MODELS[request.param].__dict__}
    settings.pop("_arrays", None)
    return type(MODELS[request.param])(**settings).fit(clouds())


@pytest.mark.parametrize("noise", [0.0, 0.7])
def test_score_is_the_gradient_of_the_log_density(fitted, noise):
    import torch

    model = in_double_precision(type(fitted)(**fitted_settings(fitted)).fit(clouds()))
    points = torch.from_numpy(clouds(6, seed=1).astype(np.float64))
    found = model._score(model._fitted(), points, noise)
    for axis in range(points.shape[1]):
        step = torch.zeros(points.shape[1], dtype=torch.float64)
        step[axis] = 1e-5
        up, down = (model._log_density(model._fitted(), points + s * step, noise) for s in (1, -1))
        np.testing.assert_allclose(found[:, axis], (up - down) / 2e-5, rtol=1e-5, atol=1e-5)
    # What users call has the digits of float32.
    single = fitted.score(points.numpy().astype(np.float32), noise)
    np.testing.assert_allclose(single, found, rtol=2e-3, atol=2e-3)


def fitted_settings(model):
    from dataclasses import fields

    return {f.name: getattr(model, f.name) for f in fields(model)}


def test_arrays_and_tensors(fitted):
    import torch

    x = clouds(7, seed=2)
    arrays, tensors = fitted.score(x), fitted.score(torch.from_numpy(x))
    assert isinstance(arrays, np.ndarray) and isinstance(tensors, torch.Tensor)
    assert arrays.dtype == np.float32 and arrays.shape == x.shape and fitted.log_density(x).shape == (7,)
    np.testing.assert_array_equal(arrays, tensors.numpy())
    assert isinstance(fitted, ScoreModel) and fitted.dim == 5


def test_save_and_load(fitted, tmp_path):
    fitted.save_pretrained(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
    x = clouds(9, seed=3)
    for again in (load_score_model(tmp_path), type(fitted).from_pretrained(tmp_path)):
        np.testing.assert_array_equal(again.score(x, 0.2), fitted.score(x, 0.2))
        assert fitted_settings(again) == fitted_settings(fitted)
    other = next(cls for cls in SCORE_MODELS.values() if cls is not type(fitted))
    with pytest.raises(SettingError, match=fitted.model_type):
        other.from_pretrained(tmp_path)


def test_the_same_rows_give_the_same_model(fitted):
    again = type(fitted)(**fitted_settings(fitted)).fit(VectorRows(clouds(), np.arange(300)))
    np.testing.assert_array_equal(again.score(clouds(9)), fitted.score(clouds(9)))


def test_loading_what_is_not_there(tmp_path):
    with pytest.raises(SourceNotFoundError, match="holds no score model"):
        load_score_model(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "oracle"}))
    with pytest.raises(SettingError, match="'oracle'"):
        load_score_model(tmp_path)


@pytest.mark.parametrize("name", MODELS)
def test_bad_rows(name):
    model = type(MODELS[name])(**fitted_settings(MODELS[name]))
    with pytest.raises(NotFittedError, match="fit"):
        model.score(clouds(2))
    with pytest.raises(RowError, match="at least 1 row"):
        model.fit(np.empty((0, 4), np.float32))
    with pytest.raises(RowError, match="vector 3"):
        model.fit(np.where(np.arange(5)[:, None] == 3, np.nan, np.ones((5, 2))).astype(np.float32))
    for same in (np.ones((6, 3), np.float32), np.ones((1, 3), np.float32)):
        with pytest.raises(RowError, match=f"{len(same)} row"):
            model.fit(same)
    model.fit(clouds())
    with pytest.raises(RowError, match=r"\(2, 4\).*5 dimensions"):
        model.score(np.ones((2, 4), np.float32))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (GaussianMixtureScore(n_components=0), "`n_components` must be at least 1; got 0"),
        (GaussianMixtureScore(covariance="round"), "got 'round'"),
        (GaussianMixtureScore(shrinkage=-1.0), "`shrinkage` must be at least 0; got -1.0"),
        (KernelDensityScore(bandwidth=0.0), "`bandwidth` must be above 0; got 0.0"),
        (KernelDensityScore(max_rows=0), "`max_rows`"),
        (DenoisingScoreNetwork(least_noise=0.0), "`least_noise` must be above 0"),
        (DenoisingScoreNetwork(most_noise=0.01), "`most_noise` must be at least 0.1"),
        (DenoisingScoreNetwork(width=0), "`width`"),
    ],
)
def test_bad_settings(model, words):
    with pytest.raises(SettingError, match=words):
        model.fit(clouds())


# Gaussian mixture


@pytest.mark.parametrize("covariance", MIXTURES)
def test_density_of_one_component_by_scipy(covariance):
    x = clouds(400, 3)
    model = GaussianMixtureScore(n_components=1, covariance=covariance, rank=3, shrinkage=0.0).fit(x)
    dense = np.cov(x.astype(np.float64), rowvar=False, bias=True)
    dense = np.diag(np.diag(dense)) if covariance == "diagonal" else dense
    for noise in (0.0, 1.3):
        expected = multivariate_normal(x.mean(0), dense + noise**2 * np.eye(3)).logpdf(x[:20])
        np.testing.assert_allclose(model.log_density(x[:20], noise), expected, atol=2e-3)


@pytest.mark.parametrize("covariance", MIXTURES)
def test_the_likelihood_rises_in_every_pass(covariance):
    x = clouds(500, 4, seed=5)
    found = [
        GaussianMixtureScore(n_components=4, covariance=covariance, rank=4, max_iter=n, tol=0.0, shrinkage=0.0, seed=2)
        .fit(x)
        .log_density(x)
        .mean()
        for n in (1, 2, 4, 8)
    ]
    assert np.all(np.diff(found) > -1e-4) and found[-1] > found[0] + 0.01


def test_as_good_as_scikit_learn():
    from sklearn.mixture import GaussianMixture

    x, held = clouds(1500, 4), clouds(1500, 4)[::-1]
    ours = GaussianMixtureScore(n_components=3, covariance="full", tol=1e-5, max_iter=200).fit(x)
    theirs = GaussianMixture(3, random_state=0, n_init=3).fit(x)
    assert ours.log_density(held).mean() > theirs.score(held) - 0.02


@pytest.mark.parametrize("covariance", MIXTURES)
def test_marginals_and_samples(covariance):
    model = GaussianMixtureScore(n_components=2, covariance=covariance, rank=2).fit(clouds(seed=4))
    draws = model.sample(40_000, seed=1)
    np.testing.assert_allclose(draws.mean(0), clouds(seed=4).mean(0), atol=0.1)
    # Of the density on a grid of the other coordinate, the sum is the marginal.
    small = model.marginal(2)
    at = np.float32(0.4)
    grid = np.linspace(-25, 25, 4001, dtype=np.float32)
    pairs = np.stack([np.full_like(grid, at), grid], axis=1)
    total = np.exp(small.log_density(pairs).astype(np.float64)).sum() * (grid[1] - grid[0])
    expected = math.exp(float(model.marginal(1).log_density(np.array([[at]]))[0]))
    assert total == pytest.approx(expected, rel=1e-3)
    with pytest.raises(SettingError, match="1 to 5"):
        model.marginal(6)


def test_more_dimensions_than_rows():
    x = np.random.default_rng(0).normal(size=(6, 40)).astype(np.float32)
    for covariance in MIXTURES:
        scores = GaussianMixtureScore(covariance=covariance).fit(x).score(x)
        assert np.isfinite(scores).all() and np.abs(scores).max() < 1e4


@settings(max_examples=20, deadline=None)
@given(shift=st.floats(-5, 5), seed=st.integers(0, 50))
def test_moving_the_rows_moves_the_score(shift, seed):
    x, points = clouds(60, 3, seed=seed), clouds(5, 3, seed=seed + 1)
    for model in (GaussianMixtureScore(n_components=1), KernelDensityScore(bandwidth=0.9)):
        here = model.fit(x).score(points)
        there = model.fit(x + np.float32(shift)).score(points + np.float32(shift))
        np.testing.assert_allclose(there, here, rtol=1e-2, atol=1e-2)


# Kernel density


def test_kernel_density_by_hand():
    rows = np.array([[0.0], [2.0]], np.float32)
    model = KernelDensityScore(bandwidth=1.0).fit(rows)
    weights = np.exp([-0.125, -1.125]) / np.exp([-0.125, -1.125]).sum()
    assert model.score(np.array([[0.5]], np.float32))[0, 0] == pytest.approx(2.0 * weights[1] - 0.5, abs=1e-6)
    expected = math.log(0.5 * (math.exp(-0.125) + math.exp(-1.125)) / math.sqrt(2 * math.pi))
    assert model.log_density(np.array([[0.5]], np.float32))[0] == pytest.approx(expected, abs=1e-6)


def test_blocks_and_far_points_do_not_matter(monkeypatch):
    from condensers.placement import kernel_density

    model, points = KernelDensityScore().fit(clouds()), clouds(5, seed=1)
    points[0] += 1000.0  # every kernel value is 0 in float32
    whole = model.score(points)
    monkeypatch.setattr(kernel_density, "_CELLS", 1)
    np.testing.assert_allclose(model.score(points), whole, rtol=1e-4, atol=1e-4)
    assert np.isfinite(whole).all()


def test_a_sample_of_the_rows_is_kept():
    model = KernelDensityScore(max_rows=20).fit(clouds())
    assert model._fitted()["rows"].shape == (20, 5)
    np.testing.assert_array_equal(
        model.score(clouds(3)), KernelDensityScore(max_rows=20).fit(clouds()).score(clouds(3))
    )


# Network


def test_the_network_learns_the_score_of_a_mixture():
    rng = np.random.default_rng(0)
    x = (np.array([[-2.0, 0.0], [2.0, 0.0]])[rng.integers(2, size=4000)] + 0.5 * rng.normal(size=(4000, 2))).astype(
        np.float32
    )
    truth = GaussianMixtureScore(n_components=2).fit(x)
    points = x[:400]
    noise = 0.5
    wrong = {}
    for steps in (0, 400):
        found = DenoisingScoreNetwork(width=64, steps=steps, learning_rate=5e-3).fit(x).score(points, noise)
        wrong[steps] = float(np.mean((found - truth.score(points, noise)) ** 2))
    assert wrong[400] < 0.15 * wrong[0]
