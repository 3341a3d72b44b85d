"""More rows like those of a source: written, sifted, answered. What SoftSRV and its baselines have in common."""

from condensers.methods.generation.answers import AnswerWriter
from condensers.methods.generation.config import (
    DOMAINS,
    GenerationConfig,
    PromptTemplateConfig,
    SelfRefineConfig,
    SoftSRVCondenserConfig,
)
from condensers.methods.generation.generation import Generated, Generation, WriteAfter, Written
from condensers.methods.generation.references import reference_texts
from condensers.methods.generation.row_format import as_prompts, as_questions, shown
from condensers.methods.generation.sieve import Drop, Sieve, Sifted
from condensers.methods.generation.tally import Tally

__all__ = [
    "DOMAINS",
    "AnswerWriter",
    "Drop",
    "Generated",
    "Generation",
    "GenerationConfig",
    "PromptTemplateConfig",
    "SelfRefineConfig",
    "Sieve",
    "Sifted",
    "SoftSRVCondenserConfig",
    "Tally",
    "WriteAfter",
    "Written",
    "as_prompts",
    "as_questions",
    "reference_texts",
    "shown",
]
