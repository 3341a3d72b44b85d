"""Where vectors lie on a map of two dimensions."""

import numpy as np

# Neighbourhoods of fewer points than this say nothing that the principal plane does not.
MIN_NEIGHBOUR_POINTS = 10
PERPLEXITY = 30.0


def spread_sample(groups: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Draws entries round by round, one of each group that has any left, until `size` are drawn.

    Shape:
        groups: (n,), int64; returns: (min(n, size),), int64, positions in the order drawn.
    """
    shuffled = np.random.default_rng(seed).permutation(len(groups))
    by_group = shuffled[np.argsort(groups[shuffled], kind="stable")]
    ordered = groups[by_group]
    turn = np.arange(len(groups)) - np.searchsorted(ordered, ordered)
    return by_group[np.argsort(turn, kind="stable")][:size]


def lay_out(x: np.ndarray, seed: int) -> np.ndarray:
    """Places vectors on the unit square: t-SNE (van der Maaten and Hinton 2008) from a PCA start.

    Equal vectors get one place, so a condensed row that is a source row lies on it. Fewer than ten different vectors
    are shown on their principal plane. The result does not depend on the number of cores.

    Shape:
        x: (n, dim), finite; returns: (n, 2), float64, in [0, 1].
    """
    # Only libraries that are loaded can be held to one thread.
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    distinct, where = np.unique(np.round(x.astype(np.float64), 5), axis=0, return_inverse=True)
    with threadpool_limits(limits=1):
        flat = np.zeros((len(distinct), 2))
        n_axes = min(2, *distinct.shape)
        if len(distinct) > 1:
            flat[:, :n_axes] = PCA(n_components=n_axes, random_state=seed).fit_transform(distinct)
        if len(distinct) >= MIN_NEIGHBOUR_POINTS:
            perplexity = min(PERPLEXITY, (len(distinct) - 1) / 3)
            start = flat / flat[:, 0].std() * 1e-4
            flat = TSNE(perplexity=perplexity, init=start, random_state=seed, n_jobs=1).fit_transform(distinct)
    return _fill_square(flat)[where.ravel()]


def _fill_square(flat: np.ndarray) -> np.ndarray:
    low, high = flat.min(axis=0), flat.max(axis=0)
    spread = high - low
    flat_axes = spread < 1e-9
    return np.where(flat_axes, 0.5, (flat - low) / np.where(flat_axes, 1.0, spread))
