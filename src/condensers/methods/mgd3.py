"""MGD3: samples guided to modes, inverted."""

from typing import ClassVar

from condensers.methods.realising_condenser import RealisingCondenser
from condensers.methods.realising_config import ScoredConfig
from condensers.placement import ModeGuided, Placement


class MGD3Condenser(RealisingCondenser):
    """MGD3 (Chan-Santiago et al. 2025), brought from images to text as PInR's Section 5.1 describes it.

    `ModeGuided` + `EmbeddingInversion`. Without an inverter a language model writes from the rows around each point,
    which is not what the paper does.

    Example::

        small = MGD3Condenser(inverter="me/sst2-inverter").condense("stanfordnlp/sst2", per_class=10)
    """

    condenser_type = "mgd3"
    config_class: ClassVar[type[ScoredConfig]] = ScoredConfig
    config: ScoredConfig
    default_placement: ClassVar[Placement] = ModeGuided()
