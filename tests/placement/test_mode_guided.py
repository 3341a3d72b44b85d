import numpy as np
import pytest

from condensers.embedding import VectorRows
from condensers.errors import BudgetError, RowError, SettingError
from condensers.placement import GaussianMixtureScore, KMeansCentroids, ModeGuided, Placement


def blobs(n_rows=400, dim=6, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(scale=4, size=(4, dim))
    return (centres[rng.integers(4, size=n_rows)] + 0.3 * rng.normal(size=(n_rows, dim))).astype(np.float32)


def far(points, others):
    return np.sqrt(((points[:, None] - others) ** 2).sum(-1)).min(1)


def test_full_guidance_gives_the_modes():
    x = blobs()
    modes = KMeansCentroids().place(x, 4)
    found = ModeGuided(guidance=1.0, guided_share=1.0).place(x, 4)
    np.testing.assert_allclose(found, modes, atol=1e-3)


@pytest.mark.parametrize("subspace", [0.99, None])
def test_points_lie_where_rows_are_and_one_at_each_mode(subspace):
    x = blobs()
    modes = KMeansCentroids().place(x, 4)
    score = GaussianMixtureScore(n_components=4)
    found = ModeGuided(score=score, subspace=subspace).place(x, 4)
    assert far(found, x).max() < 1.0
    assert far(found, modes).max() < 2.0
    # Without guidance the noise decides which clusters are found.
    free = [ModeGuided(score=score, subspace=subspace, guidance=0.0, seed=s).place(x, 4) for s in range(5)]
    assert len({int(np.argmin(((modes - p) ** 2).sum(1))) for p in found}) == 4
    assert min(len({int(np.argmin(((modes - p) ** 2).sum(1))) for p in f}) for f in free) < 4


def test_one_gaussian_by_hand():
    """Of N(0, 1) the flow multiplies the noise by sqrt(v' / v), v = 1 + level squared, in the limit of small steps."""
    x = np.random.default_rng(0).normal(size=(4000, 1)).astype(np.float32)
    placed = ModeGuided(score=GaussianMixtureScore(n_components=1), guidance=0.0, subspace=1, steps=1000)
    found = placed.place(x, 5)
    modes = KMeansCentroids().place(x, 5)
    noise = 3.0 * np.random.default_rng(0).normal(size=(5, 1)) + (modes.mean(0) - x.mean(0)) / x.std()
    np.testing.assert_allclose((found - x.mean(0)) / x.std(), noise / np.sqrt(10.0), atol=0.02)


def test_seed_blocks_and_length():
    x = blobs()
    first, again, other = (ModeGuided(seed=s).place(x, 5) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other) and first.dtype == np.float32
    np.testing.assert_array_equal(ModeGuided(seed=1).place(VectorRows(x, np.arange(len(x))), 5), first)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    np.testing.assert_allclose(np.linalg.norm(ModeGuided().place(unit, 5), axis=1), 1, atol=1e-5)
    assert isinstance(ModeGuided(), Placement)


def test_one_row_and_identical_rows():
    same = np.full((5, 3), 0.25, np.float32)
    np.testing.assert_allclose(ModeGuided().place(same, 2), same[:2])
    np.testing.assert_allclose(ModeGuided().place(same[:1], 1), same[:1])
    with pytest.raises(RowError, match="5 row"):
        ModeGuided().fit(same)


def test_bad_input():
    x = blobs(20)
    for n in (0, 21):
        with pytest.raises(BudgetError, match=f"got {n}"):
            ModeGuided().place(x, n)
    x[2, 0] = np.inf
    with pytest.raises(RowError, match="vector 2"):
        ModeGuided().place(x, 2)
    for setting, value in [
        ("guidance", 1.5),
        ("guided_share", -0.1),
        ("steps", 0),
        ("least_noise", 0.0),
        ("most_noise", 0.01),
        ("subspace", -2),
    ]:
        with pytest.raises(SettingError, match=f"`{setting}` must be .*got {value!r}"):
            ModeGuided(**{setting: value}).place(blobs(), 2)
