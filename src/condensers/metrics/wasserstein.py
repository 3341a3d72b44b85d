"""The Wasserstein distance of two histograms whose buckets lie in space."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from scipy.spatial.distance import cdist

from condensers.metrics.buckets import Divergences
from condensers.metrics.transport import entropic_transport, exact_transport

# Above so many pairs of buckets, a linear programme a resample takes too long.
_EXACT_PAIRS = 20_000
# Of the mean distance between buckets.
_REGULARIZATION = 0.05


def bucket_wasserstein(n_predictions: int, n_buckets: int, regularization: float | None = None) -> Divergences:
    r"""Makes the 1-Wasserstein distance between histograms, with the Euclidean distance between centroids as cost.

    Exact up to 20,000 pairs of buckets with mass; beyond, or with a `regularization`, the cost of Sinkhorn's plan.

    Args:
        n_predictions: Rows that are judged; so many buckets at most have mass.
        n_buckets: Number of buckets.
        regularization: epsilon of Sinkhorn's algorithm, in units of the mean cost; None chooses as said, and 0.05.
    """
    exact = regularization is None and min(n_predictions, n_buckets) * n_buckets <= _EXACT_PAIRS
    return partial(_distances, regularization=None if exact else regularization or _REGULARIZATION)


def _distances(
    p: np.ndarray, q: np.ndarray, centroids: np.ndarray, *, regularization: float | None
) -> Mapping[str, np.ndarray]:
    cost = cdist(centroids, centroids)
    if regularization is None:
        found = [exact_transport(one, other, cost) for one, other in zip(p, q, strict=True)]
    else:
        epsilon = max(regularization * float(cost.mean()), np.finfo(np.float64).tiny)
        found = [entropic_transport(one, other, cost, regularization=epsilon) for one, other in zip(p, q, strict=True)]
    return {"wasserstein": np.asarray(found)}
