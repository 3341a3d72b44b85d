"""The LLM room: what a language model is asked, by whom it is answered, and what that costs.

Prompts are files, in ``prompts/``, so that changing one needs no code. A server or a model in process is an `LLM`;
`CachedLLM` around it pays for no reply twice; `Usage` counts, and stops at the user's limits.
"""

from condensers.llm.asking import Answer, Desk, Question, Unusable
from condensers.llm.bundled import bundled_llm
from condensers.llm.cache import CachedLLM
from condensers.llm.estimate import Estimate, estimate
from condensers.llm.events import Events
from condensers.llm.live import live_usage
from condensers.llm.loading import is_served, load_llm
from condensers.llm.openai_chat import OpenAIChat
from condensers.llm.prompt import Message, Prompt, prompt_names
from condensers.llm.protocol import LLM, Completion, SamplingSettings
from condensers.llm.spending import Prices, SpendingLimits, Usage
from condensers.llm.streaming import Request, StreamingLLM
from condensers.llm.transformers_chat import TransformersChat

__all__ = [
    "LLM",
    "Answer",
    "CachedLLM",
    "Completion",
    "Desk",
    "Estimate",
    "Events",
    "Message",
    "OpenAIChat",
    "Prices",
    "Prompt",
    "Question",
    "Request",
    "SamplingSettings",
    "SpendingLimits",
    "StreamingLLM",
    "TransformersChat",
    "Unusable",
    "Usage",
    "bundled_llm",
    "estimate",
    "is_served",
    "live_usage",
    "load_llm",
    "prompt_names",
]
