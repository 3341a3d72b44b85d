"""Rows of all clusters in turn: a subsample in which what is rare is not outnumbered."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from condensers.embedding import Matrix, check_finite
from condensers.embedding.tfidf import tfidf_vectors
from condensers.errors import SettingError
from condensers.selection.protocol import check_size


@dataclass(frozen=True)
class TextSample:
    """What `sample_texts` found.

    Attributes:
        kept: Positions of the texts that were chosen, in the order of their turns; shape (n,), int64.
        left_out: Positions of the others, ascending: their clusters had no turn left; int64.
        clusters: Cluster of each text; shape (n_texts,), int64.
        turns: How many turns each cluster had; shape (n_clusters,), int64.
    """

    kept: np.ndarray
    left_out: np.ndarray
    clusters: np.ndarray
    turns: np.ndarray


@dataclass(frozen=True)
class RoundRobin:
    """Clusters the rows by mini-batch k-means and draws one row of each cluster in turn (SoftSRV, Appendix A.2).

    Rows of a cluster are drawn at random and none twice; a cluster that is used up is passed over.

    Attributes:
        num_clusters: Clusters; where there are fewer rows, one a row.
        seed: Seed of the clusters and of the draws.
    """

    num_clusters: int = 700
    seed: int = 0

    def select(self, x: Matrix, n: int) -> np.ndarray:
        """Selects `n` rows; see `Selector.select`.

        Raises:
            BudgetError: if there are fewer than `n` rows.
            SettingError: if `num_clusters` is below 1.
            RowError: if `x` holds numbers that are not finite.
        """
        check_size(x, n)
        return self.take_turns(self.cluster(x), n)

    def cluster(self, x: Matrix) -> np.ndarray:
        """Cluster of each row.

        Shape:
            x: (n_rows, dim); returns: (n_rows,), int64.

        Raises:
            SettingError: if `num_clusters` is below 1.
            RowError: if `x` holds numbers that are not finite.
        """
        from sklearn.cluster import MiniBatchKMeans  # noqa: PLC0415  (takes seconds to import)

        if self.num_clusters < 1:
            raise SettingError(f"`num_clusters` must be at least 1; got {self.num_clusters}.")
        check_finite(x)
        rows = np.asarray(x[:], dtype=np.float32)
        # Equal rows make no two clusters, and scikit-learn warns of it.
        n_clusters = min(self.num_clusters, len(np.unique(rows, axis=0)))
        kmeans = MiniBatchKMeans(n_clusters, random_state=self.seed, n_init=3)
        return kmeans.fit_predict(rows).astype(np.int64)

    def take_turns(self, clusters: np.ndarray, n: int) -> np.ndarray:
        """Draws one row of each cluster in turn, in an order of clusters that is drawn too.

        Shape:
            clusters: (n_rows,), int64; returns: (n,), int64, in the order of the turns.
        """
        rng = np.random.default_rng(self.seed)
        shuffled = rng.permutation(len(clusters))
        places = rng.permutation(int(clusters.max()) + 1)[clusters[shuffled]]
        grouped = np.argsort(places, kind="stable")
        starts = np.searchsorted(places[grouped], places[grouped])
        turns = np.empty(len(clusters), dtype=np.int64)
        turns[grouped] = np.arange(len(clusters)) - starts
        return shuffled[np.lexsort((places, turns))[:n]]


def sample_texts(
    texts: Sequence[str], n: int, *, dim: int = 100, num_clusters: int = 700, seed: int = 0
) -> TextSample:
    """Draws a diverse subsample of texts: TF-IDF, SVD, mini-batch k-means, turns (SoftSRV, Appendix A.2).

    Args:
        texts: The texts.
        n: How many to keep.
        dim: Dimensions that the SVD keeps.
        num_clusters: Clusters.
        seed: Seed of all three.

    Raises:
        BudgetError: if there are fewer than `n` texts.
        SettingError: if `num_clusters` is below 1.
    """
    check_size(np.empty((len(texts), 0)), n)
    selector = RoundRobin(num_clusters, seed)
    clusters = selector.cluster(tfidf_vectors(texts, dim=dim, seed=seed))
    kept = selector.take_turns(clusters, n)
    left_out = np.setdiff1d(np.arange(len(texts)), kept)
    return TextSample(kept, left_out, clusters, np.bincount(clusters[kept], minlength=clusters.max() + 1))
