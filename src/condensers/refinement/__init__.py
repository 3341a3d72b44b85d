"""Text to coherent text: does it make sense, and does it still say what its point stands for?"""

from condensers.refinement.coherence import coherence_check
from condensers.refinement.llm_refiner import LLMRefiner
from condensers.refinement.protocol import Redraw, Refined, Refiner

__all__ = ["LLMRefiner", "Redraw", "Refined", "Refiner", "coherence_check"]
