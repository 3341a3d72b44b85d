"""The metric `wasserstein` of condensers, as a module of `evaluate`; README.md is its card."""

from condensers.metrics.module import CatalogueMetric


class Wasserstein(CatalogueMetric):
    """1-Wasserstein distance between histograms whose buckets lie in the space of the vectors."""

    entry = "wasserstein"
