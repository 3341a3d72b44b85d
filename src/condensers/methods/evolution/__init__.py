"""How Aug-PE evolves texts: what is asked, how real rows vote, and how private the votes are."""

from condensers.methods.evolution.config import AugPEConfig
from condensers.methods.evolution.estimate import evolution_estimate
from condensers.methods.evolution.evolution import Elected, Evolution, first_sizes, n_subjects, top_voted
from condensers.methods.evolution.privacy import Guarantee, VoteRelease, noise_multiplier
from condensers.methods.evolution.writer import (
    EvolutionWriter,
    Kind,
    Member,
    blanked,
    reply_room,
)

__all__ = [
    "AugPEConfig",
    "Elected",
    "Evolution",
    "EvolutionWriter",
    "Guarantee",
    "Kind",
    "Member",
    "VoteRelease",
    "blanked",
    "evolution_estimate",
    "first_sizes",
    "n_subjects",
    "noise_multiplier",
    "reply_room",
    "top_voted",
]
