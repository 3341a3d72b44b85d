"""Two processes place and fit what one does: the passes are shared, and sums are taken in another order."""

import numpy as np
import pytest
from warm_processes import run_on_two

from condensers.placement import GaussianMixtureScore, KMeansCentroids
from condensers.placement.kmeans import squared_distances

SCRIPT = """
import sys
import numpy as np
from condensers.data import meet, process_count, process_index
from placement.test_two_processes import fitted, rows
meet()
assert process_count() == 2
np.savez(f"found-{process_index()}.npz", **fitted(rows()))
"""
KMEANS = {
    "greedy": (KMeansCentroids(seed=1), 12),
    "in rounds": (KMeansCentroids(seed=1, rounds=4), 24),
    "as many as rows": (KMeansCentroids(seed=1), 3),
}


def rows():
    """Unit vectors in clusters; an odd number, so that the two parts differ."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 16))[rng.integers(12, size=801)] + 0.4 * rng.normal(size=(801, 16))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def fitted(x):
    found = {}
    for name, (kmeans, n) in KMEANS.items():
        # Fewer distinct rows than centroids: some cluster is empty in every pass.
        found[name] = kmeans.place(x if n > 3 else x[[0, 0, 1, 1, 1]], n)
    for covariance in ("diagonal", "full"):
        mixture = GaussianMixtureScore(n_components=3, covariance=covariance, max_iter=6).fit(x)
        found[covariance] = mixture.log_density(x)
    return found


@pytest.mark.slow
def test_two_processes_come_to_the_centroids_and_the_mixture_of_one(tmp_path):
    run_on_two(SCRIPT, folder=tmp_path)
    x, one = rows(), fitted(rows())
    first, second = (np.load(tmp_path / f"found-{rank}.npz") for rank in range(2))
    for name, expected in one.items():
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
        # A log density is made of terms of about 10, in float32.
        bound = 1e-6 if name in KMEANS else 1e-4
        np.testing.assert_allclose(first[name], expected, rtol=0, atol=bound, err_msg=name)
    for name in ("greedy", "in rounds"):
        np.testing.assert_array_equal(*(squared_distances(x, found[name]).argmin(axis=1) for found in (first, one)))
