"""The metric `mauve` of condensers, as a module of `evaluate`; README.md is its card."""

from condensers.metrics.module import CatalogueMetric


class Mauve(CatalogueMetric):
    """Area under the divergence curve of two histograms, valid for small sets (Pillutla et al. 2021)."""

    entry = "mauve"
