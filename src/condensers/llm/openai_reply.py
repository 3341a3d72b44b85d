"""What a server's replies and errors mean."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from condensers.errors import ServiceError
from condensers.llm.judging import judged
from condensers.llm.prompt import Message
from condensers.llm.protocol import Completion
from condensers.llm.stop_texts import before_stop
from condensers.llm.tokens import rough_tokens

KEY_VARIABLE = "OPENAI_API_KEY"

_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|context (length|window|size)|maximum context|too many tokens", re.I
)


def api_key() -> str:
    """The key from the environment; a placeholder where there is none, for the client insists on one."""
    return os.environ.get(KEY_VARIABLE) or "none"


def read_reply(
    reply: Any,  # noqa: ANN401  (any JSON)
    messages: Sequence[Message],
    schema: type[BaseModel] | None = None,
    stop: Sequence[str] = (),
) -> Completion:
    """Turns the JSON of a server's reply into a completion, with its problem if it has one.

    Tokens that the server does not count are taken as a quarter of the characters. Some servers leave the stop text
    at the end of the reply (`transformers serve`), some know of none.
    """
    # Gateways send errors with status 200 and without choices.
    choices = _member(reply, "choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = _member(choice, "message")
    if message is None:
        return Completion("", finish_reason="", problem=f"failed: a reply without choices: {hidden(str(reply))[:200]}")
    text, stopped = before_stop(str(_member(message, "content") or ""), stop)
    counted = _member(reply, "usage")
    n_input, n_output = _member(counted, "prompt_tokens"), _member(counted, "completion_tokens")
    refusal, finish_reason = _member(message, "refusal"), _member(choice, "finish_reason")
    completion = Completion(
        text=text,
        finish_reason="stop" if stopped else finish_reason or "stop",
        n_input_tokens=sum(rough_tokens(m["content"]) for m in messages) if n_input is None else n_input,
        n_output_tokens=rough_tokens(text) if n_output is None else n_output,
    )
    if refusal or completion.finish_reason == "content_filter":
        return replace(completion, problem=f"refusal: {refusal or 'stopped by the content filter of the server'}")
    return judged(completion, schema)


def _member(node: Any, name: str) -> Any:  # noqa: ANN401  (any JSON)
    return node.get(name) if isinstance(node, Mapping) else None


def problem_of(error: Exception) -> str:
    """An error of a request as the problem of its completion."""
    if getattr(error, "status_code", None) in (400, 413, 422) and _TOO_LONG.search(words_of(error)):
        return f"too_long: {_short(error)}"
    return f"failed: {_short(error)}"


def service_error(error: Exception, model: str, base_url: str) -> ServiceError:
    """An error of the first requests as one that names the remedy."""
    from openai import APIConnectionError, APITimeoutError

    status = getattr(error, "status_code", None)
    if status in (401, 403):
        is_set = "is set, but not accepted" if os.environ.get(KEY_VARIABLE) else "is not set"
        return ServiceError(
            f"the server {base_url} refused the request for model {model!r} ({_short(error)}). The environment "
            f"variable {KEY_VARIABLE} {is_set}; put a key into it that this server accepts."
        )
    if status == 404:
        return ServiceError(
            f"the server {base_url} has no model {model!r}, or no chat API at this address ({_short(error)}). Check "
            f"the model's name against {base_url}/models, and whether the address should end in /v1."
        )
    if isinstance(error, APIConnectionError):
        what = "did not answer in time" if isinstance(error, APITimeoutError) else "cannot be reached"
        return ServiceError(
            f"the server {base_url} {what} ({_short(error)}). Check the address, that the server is up and that no "
            f"proxy stands in between; a slow one needs a longer `timeout`."
        )
    return ServiceError(
        f"the server {base_url} answered none of the first requests to model {model!r} ({_short(error)}). Check the "
        f"model's name and the sampling settings, or ask again later."
    )


def hidden(text: str) -> str:
    """Text without the key: servers have been seen to quote it."""
    key = os.environ.get(KEY_VARIABLE)
    return text.replace(key, "***") if key else text


def words_of(error: Exception) -> str:
    """What an error says, in the server's own words where there are any.

    Of a refusal, openai 3.52 repeats only what stands under ``message``. FastAPI's servers, `transformers serve` among
    them, have it under ``detail``, others in a bare ``error``.
    """
    # "Connection error." is all that the client's own error says; what it was raised from says more.
    reason = error.__cause__ or error
    text = str(reason) or type(reason).__name__
    body = getattr(error, "body", None)
    detail = body.get("detail") if isinstance(body, Mapping) else body
    if isinstance(detail, list):
        # Not whole: each item repeats what was sent, and with it the names of fields that are not to blame.
        items = [item for item in detail if isinstance(item, Mapping)]
        detail = "; ".join(f"{'.'.join(map(str, item.get('loc', ())))}: {item.get('msg', '')}" for item in items)
    return f"{text} - {detail}" if isinstance(detail, str) and detail not in text else text


def _short(error: Exception) -> str:
    text = re.sub(r"\s+", " ", hidden(words_of(error)))
    return text if len(text) <= 300 else text[:300] + "..."
