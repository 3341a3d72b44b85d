"""The metric `diversity` of condensers, as a module of `evaluate`; README.md is its card."""

from condensers.metrics.module import CatalogueMetric


class Diversity(CatalogueMetric):
    """Distinct n-grams, self-BLEU and Vendi score of a set, beside those of true samples of its size."""

    entry = "diversity"
