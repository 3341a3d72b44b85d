import math

import numpy as np
import pytest

from condensers.embedding import VectorRows
from condensers.errors import BudgetError, RowError, SettingError, SourceNotFoundError
from condensers.placement import (
    DenoisingScoreNetwork,
    GaussianMixtureScore,
    KernelDensityScore,
    ParticleTarget,
    Placement,
    ScoreModel,
    SteinParticles,
    Subspace,
)


def mixture(n_rows=4000, seed=0):
    """Two Gaussians in the plane, of weights 0.4 and 0.6."""
    rng = np.random.default_rng(seed)
    codes = (rng.random(n_rows) < 0.6).astype(int)
    means = np.array([[-2.0, 0.0], [2.0, 1.0]])
    roots = np.linalg.cholesky(np.array([[[0.6, 0.2], [0.2, 0.4]], [[0.5, -0.2], [-0.2, 0.7]]]))
    return (means[codes] + np.einsum("nij,nj->ni", roots[codes], rng.normal(size=(n_rows, 2)))).astype(np.float32)


def wide(n_rows=3000, dim=384, seed=0):
    """Rows of falling variance, as those of sentence embeddings."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n_rows, dim)) * np.arange(1, dim + 1) ** -0.4).astype(np.float32)


class Normal:
    """A user's own score model, in NumPy."""

    def fit(self, x):
        return self

    def score(self, x, noise=0.0):
        assert isinstance(x, np.ndarray)
        return -x / (1 + noise**2)

    def log_density(self, x, noise=0.0):
        return -0.5 * (x**2).sum(1) / (1 + noise**2)


def test_every_step_is_equation_2():
    """Against NumPy in double precision, term by term."""
    start, h, step_size = np.random.default_rng(0).normal(size=(15, 3)).astype(np.float32) * 2, 1.7, 0.2
    x, squares = start.astype(np.float64), 0.0
    for moves in range(6):
        found = SteinParticles(
            score=Normal(), subspace=None, bandwidth=h, step_size=step_size, max_steps=moves, tol=0.0, normalize=False
        ).run(start, 15)
        np.testing.assert_allclose(found.points, x, atol=1e-5)
        assert found.steps == moves and not found.converged
        gaps = x[:, None] - x[None]  # x_h - x_j at [h, j]
        kernel = np.exp(-(gaps**2).sum(-1) / h)
        phi = (kernel[..., None] * -x[:, None] - 2 / h * gaps * kernel[..., None]).mean(0)
        squares = squares + phi**2
        x = x + step_size * phi / np.sqrt(squares)


@pytest.mark.parametrize("subspace", [None, 2])
def test_recovers_the_moments_of_a_mixture(subspace):
    x = mixture()
    score = GaussianMixtureScore(n_components=2, covariance="full")
    run = SteinParticles(score=score, subspace=subspace, max_steps=1000, normalize=False).run(x, 150)
    right = run.points[:, 0] > 0
    assert right.mean() == pytest.approx(0.6, abs=0.1)
    for side in (right, ~right):
        rows = x[(x[:, 0] > 0) == side[right][0]] if side is right else x[x[:, 0] <= 0]
        np.testing.assert_allclose(run.points[side].mean(0), rows.mean(0), atol=0.1)
        np.testing.assert_allclose(np.cov(run.points[side].T), np.cov(rows.T), atol=0.12)
    np.testing.assert_allclose(run.points.mean(0), x.mean(0), atol=0.25)


def share_of_variance(run, x, target):
    z = run.coordinates.var(axis=0, ddof=1).mean()
    return float(z / target.subspace.project(x)[:, : run.coordinates.shape[1]].var(axis=0).mean())


@pytest.mark.parametrize("n", [10, 50, 500])
def test_particles_keep_their_variance_in_the_subspace(n):
    x = wide()
    particles = SteinParticles(score=GaussianMixtureScore(n_components=1), max_steps=200)
    target = particles.fit(x)
    run = particles.run(x, n, target)
    assert run.points.shape == (n, 384)
    assert share_of_variance(run, x, target) >= 0.8


@pytest.mark.parametrize("n", [10, 50])
def test_particles_collapse_without_it(n):
    x = wide() / np.arange(1, 385, dtype=np.float32) ** -0.4
    paper = {"subspace": None, "bandwidth": "liu_wang", "normalize": False}
    found = SteinParticles(score=Normal(), max_steps=3000, tol=1e-6, step_size=1.0, **paper).run(x, n)
    share = found.points.var(axis=0, ddof=1).mean()
    assert share < 0.05
    # What the docstring says of it.
    assert share == pytest.approx(math.log(n + 1) / 384, rel=0.1)
    assert found.start.var(axis=0, ddof=1).mean() > 0.9


def test_the_discrepancy_falls():
    x = wide(dim=20)
    falls = []
    for seed in range(5):
        run = SteinParticles(record_every=5, max_steps=60, seed=seed).run(x, 60)
        falls.append([record.discrepancy for record in run.history])
        assert [record.step for record in run.history] == list(range(0, 61, 5))
    mean = np.mean(falls, axis=0)
    assert np.all(np.diff(mean) < 1e-4 * mean[0])
    assert mean[-1] < 0.5 * mean[0]


def test_stops_where_moves_are_small():
    run = SteinParticles(max_steps=2000).run(wide(dim=6), 30)
    assert run.converged and run.steps < 2000
    assert run.history[-1].update < 1e-3 and run.history[-1].step == run.steps


def test_a_target_serves_any_budget(tmp_path):
    x = wide(600, 30)
    particles = SteinParticles(max_steps=20)
    target = particles.fit(x)
    target.save_pretrained(tmp_path / "part")
    again = ParticleTarget.from_pretrained(tmp_path / "part")
    for n in (5, 40):
        found = particles.run(x, n, again)
        np.testing.assert_array_equal(found.points, particles.run(x, n, target).points)
        np.testing.assert_array_equal(found.points, particles.place(x, n))
        assert found.coordinates.shape[1] == n // 4
    assert not list(tmp_path.rglob("*.pkl")) and not list(tmp_path.rglob("*.bin"))
    with pytest.raises(SourceNotFoundError, match="no target"):
        ParticleTarget.from_pretrained(tmp_path)


def test_literal_form_saves_too(tmp_path):
    x = wide(200, 4)
    target = SteinParticles(subspace=None).fit(x)
    target.save_pretrained(tmp_path)
    again = ParticleTarget.from_pretrained(tmp_path)
    assert again.subspace is None
    np.testing.assert_array_equal(again.model.score(x), target.model.score(x))
    with pytest.raises(SettingError, match="Normal cannot be saved"):
        ParticleTarget(None, Normal()).save_pretrained(tmp_path)


@pytest.mark.parametrize("score", [KernelDensityScore(), DenoisingScoreNetwork(width=16, steps=20)])
def test_other_score_models(score):
    found = SteinParticles(score=score, max_steps=20).place(wide(300, 12), 9)
    assert found.shape == (9, 12) and np.isfinite(found).all()


def test_a_network_has_no_marginals():
    x = wide(300, 12)
    particles = SteinParticles(score=DenoisingScoreNetwork(width=16, steps=2), max_steps=2)
    target = particles.fit(x)
    with pytest.raises(SettingError, match="fit it with `subspace=1`"):
        particles.run(x, 4, target)
    assert particles.fit(x, 8).subspace.size == 2


def test_complement_and_length():
    x = wide(500, 40)
    subspace = Subspace.of(x, 3)
    kept, mean = (SteinParticles(subspace=3, max_steps=30, complement=c).run(x, 12) for c in ("start", "mean"))

    def outside(rows):
        return rows - subspace.lift(subspace.project(rows))

    np.testing.assert_allclose(outside(kept.points), outside(kept.start), atol=1e-4)
    np.testing.assert_allclose(outside(mean.points), 0, atol=1e-4)
    np.testing.assert_allclose(subspace.project(kept.points), kept.coordinates, atol=1e-3)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    np.testing.assert_allclose(np.linalg.norm(SteinParticles(max_steps=9).place(unit, 12), axis=1), 1, atol=1e-5)
    assert np.linalg.norm(SteinParticles(max_steps=9, normalize=False).place(unit, 12), axis=1).min() < 0.999


def test_the_seed_decides_and_blocks_do_not():
    x = wide(400, 10)
    first, again, other = (SteinParticles(seed=s, max_steps=20).place(x, 9) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    view = VectorRows(x, np.arange(len(x)))
    np.testing.assert_array_equal(SteinParticles(seed=1, max_steps=20).place(view, 9), first)
    assert first.dtype == np.float32


def test_few_rows_and_identical_rows():
    one = wide(1, 5)
    np.testing.assert_array_equal(SteinParticles().place(one, 1), one)
    same = np.repeat(wide(1, 5), 7, axis=0)
    np.testing.assert_array_equal(SteinParticles().place(same, 4), same[:4])
    with pytest.raises(RowError, match="7 row"):
        SteinParticles().fit(same)
    two = SteinParticles(max_steps=50).place(wide(2, 5), 2)
    assert np.isfinite(two).all()


def test_bad_input():
    x = wide(30, 5)
    for n in (0, 31):
        with pytest.raises(BudgetError, match=f"1 to 30 of them; got {n}"):
            SteinParticles().place(x, n)
    broken = x.copy()
    broken[3, 2] = np.nan
    with pytest.raises(RowError, match="vector 3"):
        SteinParticles().place(broken, 4)
    for setting, value in [
        ("subspace", 0),
        ("subspace", 1.5),
        ("subspace", True),
        ("bandwidth", "mean"),
        ("bandwidth", 0.0),
        ("step_size", 0.0),
        ("max_steps", -1),
        ("tol", -1.0),
        ("record_every", 0),
        ("particles_per_axis", 0.0),
        ("complement", "none"),
    ]:
        with pytest.raises(SettingError, match=f"`{setting}` must be .*got {value!r}"):
            SteinParticles(**{setting: value}).place(x, 4)

    class Wild(Normal):
        def score(self, x, noise=0.0):
            return np.full_like(x, np.inf)

    with pytest.raises(RowError, match="scores of Wild are no longer finite"):
        SteinParticles(score=Wild()).place(x, 4)


def test_is_a_placement():
    assert isinstance(SteinParticles(), Placement) and isinstance(Normal(), ScoreModel)


def test_the_subspace():
    x = wide(800, 12)
    half = Subspace.of(x, 0.5)
    np.testing.assert_allclose(half.project(x).std(axis=0), 1.0, rtol=1e-3)
    np.testing.assert_allclose(half.axes.T @ half.axes, np.eye(half.size), atol=1e-5)
    held = x.var(axis=0).sum()
    parts = [half.first(size) for size in (half.size - 1, half.size)]
    inside = [part.lift(part.project(x)).var(axis=0).sum() / held for part in parts]
    assert inside[0] < 0.5 <= inside[1] + 1e-6
    assert Subspace.of(x, 99).size == 12
    assert Subspace.of(np.ones((5, 3), np.float32), 0.9).size == 0
