"""The metric `decontamination` of condensers, as a module of `evaluate`; README.md is its card."""

from condensers.metrics.module import CatalogueMetric


class Decontamination(CatalogueMetric):
    """Whether texts hold parts of a test set: 13-gram matches, and overlap of words without stop words."""

    entry = "decontamination"
