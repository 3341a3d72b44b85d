"""The LLM room: what a language model is asked.

Prompts are files, in ``prompts/``, so that changing one needs no code.
"""

from condensers.llm.prompt import Message, Prompt, prompt_names

__all__ = ["Message", "Prompt", "prompt_names"]
