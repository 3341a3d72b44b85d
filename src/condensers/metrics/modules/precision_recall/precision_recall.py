"""The metric `precision_recall` of condensers, as a module of `evaluate`; README.md is its card."""

from condensers.metrics.module import CatalogueMetric


class PrecisionRecall(CatalogueMetric):
    """Improved precision and recall of sets of vectors by k-nearest-neighbour balls (Kynkäänniemi et al. 2019)."""

    entry = "precision_recall"
