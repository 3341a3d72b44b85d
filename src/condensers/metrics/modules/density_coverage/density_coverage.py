"""The metric `density_coverage` of condensers, as a module of `evaluate`; README.md is its card."""

from condensers.metrics.module import CatalogueMetric


class DensityCoverage(CatalogueMetric):
    """Density and coverage of sets of vectors by k-nearest-neighbour balls (Naeem et al. 2020)."""

    entry = "density_coverage"
