"""The metric `total_variation` of condensers, as a module of `evaluate`; README.md is its card."""

from condensers.metrics.module import CatalogueMetric


class TotalVariation(CatalogueMetric):
    """Total variation distance on buckets of the references, from 0 to 1."""

    entry = "total_variation"
