"""The metric `gradient_similarity` of condensers, as a module of `evaluate`; README.md is its card."""

from condensers.metrics.module import CatalogueMetric


class GradientSimilarity(CatalogueMetric):
    """Whether a few labelled rows pull a classifier where the whole dataset pulls it (CondenseLM, Table 1)."""

    entry = "gradient_similarity"
