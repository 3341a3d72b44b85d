"""DaLLME: centroids, inverted."""

from typing import ClassVar

from condensers.methods.realising_condenser import RealisingCondenser
from condensers.placement import KMeansCentroids, Placement


class DaLLMECondenser(RealisingCondenser):
    """DaLLME (Tao et al. 2024) as PInR's Section 5.1 describes it: as many clusters as rows, their centres inverted.

    `KMeansCentroids` + `EmbeddingInversion`. Without an inverter a language model writes from the rows around each
    centre, which is not what the paper does.

    Example::

        small = DaLLMECondenser(inverter="me/sst2-inverter").condense("stanfordnlp/sst2", per_class=10)
    """

    condenser_type = "dallme"
    default_placement: ClassVar[Placement] = KMeansCentroids()
