"""How many tokens a chat has, before any is spent."""

import math
from collections.abc import Sequence
from typing import Any

from condensers.llm.prompt import Message

CHARACTERS_A_TOKEN = 4
# Names of parts, a word of greeting, words that were missing.
_OPENING = 48


def rough_tokens(text: str) -> int:
    """A quarter of the characters: about right for English, too few for code and most other scripts."""
    return math.ceil(len(text) / CHARACTERS_A_TOKEN)


def room_for(text: str) -> int:
    """Tokens within which other words of a text should end, in any script: half its bytes, and some for an opening.

    That is twice the text in English and half as much again in scripts of three bytes a character. A model that has
    not ended by then has lost the thread.
    """
    return _OPENING + len(text.encode()) // 2


def chat_tokens(messages: Sequence[Message], tokenizer: Any = None) -> int:  # noqa: ANN401  (any of transformers')
    """Tokens of a chat.

    Args:
        messages: The chat.
        tokenizer: Counts with its chat template if it has one, else the texts alone; None counts roughly.
    """
    if tokenizer is None:
        return sum(rough_tokens(message["content"]) for message in messages)
    if getattr(tokenizer, "chat_template", None):
        text = tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])
    return sum(len(tokenizer(message["content"])["input_ids"]) for message in messages)
