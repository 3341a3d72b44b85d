"""The metric `ngram_overlap` of condensers, as a module of `evaluate`; README.md is its card."""

from condensers.metrics.module import CatalogueMetric


class NgramOverlap(CatalogueMetric):
    """How much of each text occurs in the most similar reference: a first test for leaks."""

    entry = "ngram_overlap"
