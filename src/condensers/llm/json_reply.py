"""Objects out of replies: the JSON that a model was asked for, wherever in its reply it stands."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from condensers.llm.prompt import Message

_FENCED = re.compile(r"```[\w-]*\s*\n?(.*?)```", re.DOTALL)
_OPENING = re.compile(r"[{\[]")
_MAX_FAILED = 100

NO_JSON = "the reply holds no JSON"


def parse_reply(text: str, schema: type[BaseModel]) -> BaseModel:
    """Reads a reply as an object: the whole of it, what stands in a fence, or the first JSON that fits.

    Raises:
        ValueError: if nothing in the reply fits the schema; says what is wrong with the candidate that came closest.
    """
    complaint = NO_JSON
    n_fewest = 0
    for candidate in _candidates(text):
        try:
            return schema.model_validate_json(candidate)
        except ValidationError as error:
            wrong = [item for item in error.errors(include_url=False) if item["type"] != "json_invalid"]
            if wrong and (not n_fewest or len(wrong) < n_fewest):
                n_fewest = len(wrong)
                place = ".".join(map(str, wrong[0]["loc"])) or "the reply"
                complaint = f"{place}: {wrong[0]['msg']}"
    raise ValueError(complaint)


def _candidates(text: str) -> Iterator[str]:
    yield text.strip()
    yield from (match.group(1).strip() for match in _FENCED.finditer(text))
    decoder = json.JSONDecoder()
    start = n_failed = 0
    # Each bracket that opens nothing may cost a pass over the rest of the text.
    while n_failed < _MAX_FAILED and (found := _OPENING.search(text, start)) is not None:
        try:
            _, start = decoder.raw_decode(text, found.start())
        except ValueError:
            start, n_failed = found.start() + 1, n_failed + 1
        except RecursionError:
            return
        else:
            yield text[found.start() : start]


def strict_json_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema in the form that servers enforce: every field required, no others allowed."""
    return _strict(schema.model_json_schema())


def _strict(node: Any) -> Any:  # noqa: ANN401  (any JSON)
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    # "default" is not allowed in strict schemas; a field may be called so, hence only beside a type or reference.
    strict = {
        key: _strict(value)
        for key, value in node.items()
        if key != "default" or not {"type", "anyOf", "$ref"} & set(node)
    }
    if strict.get("type") == "object" and isinstance(strict.get("properties"), dict):
        strict |= {"additionalProperties": False, "required": list(strict["properties"])}
    return strict


def with_schema(messages: Sequence[Message], schema: type[BaseModel]) -> list[Message]:
    """The chat with the schema written at its end, for models that nothing else tells about it."""
    told = (
        "\n\nAnswer with one JSON object and nothing else. It must follow this JSON schema:\n"
        f"{json.dumps(schema.model_json_schema(), ensure_ascii=False)}"
    )
    *before, last = messages
    return [*before, {"role": last["role"], "content": last["content"] + told}]
