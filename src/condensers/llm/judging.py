"""Whether a reply can be used."""

from dataclasses import replace

from pydantic import BaseModel

from condensers.llm.json_reply import parse_reply
from condensers.llm.protocol import Completion


def judged(completion: Completion, schema: type[BaseModel] | None) -> Completion:
    """A completion with what it parses to, or with the problem that it is cut off or not what was asked for."""
    if completion.finish_reason == "length":
        return replace(completion, problem=f"truncated: after {completion.n_output_tokens} tokens")
    if not completion.text.strip():
        return replace(completion, problem="malformed: the reply is empty")
    if schema is None:
        return completion
    try:
        parsed = parse_reply(completion.text, schema)
    except ValueError as error:
        return replace(completion, problem=f"malformed: {error}")
    return replace(completion, parsed=parsed)
