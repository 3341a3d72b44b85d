"""The metric `kl` of condensers, as a module of `evaluate`; README.md is its card."""

from condensers.metrics.module import CatalogueMetric


class Kl(CatalogueMetric):
    """Kullback-Leibler divergence of the predictions from the references, on buckets of the references."""

    entry = "kl"
