"""The metric `fid` of condensers, as a module of `evaluate`; README.md is its card."""

from condensers.metrics.module import CatalogueMetric


class Fid(CatalogueMetric):
    """Frechet distance between Gaussians fitted to two sets of vectors (Heusel et al. 2017)."""

    entry = "fid"
