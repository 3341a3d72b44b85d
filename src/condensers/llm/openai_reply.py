"""What a server's replies and errors mean."""

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import BaseModel

from condensers.errors import ServiceError
from condensers.llm.judging import judged
from condensers.llm.prompt import Message
from condensers.llm.protocol import Completion
from condensers.llm.stop_texts import before_stop
from condensers.llm.tokens import rough_tokens

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

KEY_VARIABLE = "OPENAI_API_KEY"

_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|context (length|window|size)|maximum context|too many tokens", re.I
)


def api_key() -> str:
    """The key from the environment; a placeholder where there is none, for the client insists on one."""
    return os.environ.get(KEY_VARIABLE) or "none"


def read_reply(
    reply: "ChatCompletion",
    messages: Sequence[Message],
    schema: type[BaseModel] | None = None,
    stop: Sequence[str] = (),
) -> Completion:
    """Turns a server's reply into a completion, with its problem if it has one.

    Tokens that the server does not count are taken as a quarter of the characters. Some servers leave the stop text
    at the end of the reply (`transformers serve`), some know of none.
    """
    # Gateways send errors with status 200, without choices or as a page of HTML; the client lets both through.
    choices = getattr(reply, "choices", None)
    if not choices or getattr(choices[0], "message", None) is None:
        return Completion("", finish_reason="", problem=f"failed: a reply without choices: {hidden(str(reply))[:200]}")
    choice = choices[0]
    text, stopped = before_stop(choice.message.content or "", stop)
    counted = reply.usage
    completion = Completion(
        text=text,
        finish_reason="stop" if stopped else choice.finish_reason or "stop",
        n_input_tokens=counted.prompt_tokens if counted else sum(rough_tokens(m["content"]) for m in messages),
        n_output_tokens=counted.completion_tokens if counted else rough_tokens(text),
    )
    refusal = getattr(choice.message, "refusal", None)
    if refusal or completion.finish_reason == "content_filter":
        return replace(completion, problem=f"refusal: {refusal or 'stopped by the content filter of the server'}")
    return judged(completion, schema)


def problem_of(error: Exception) -> str:
    """An error of a request as the problem of its completion."""
    if getattr(error, "status_code", None) in (400, 413, 422) and _TOO_LONG.search(str(error)):
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


def _short(error: Exception) -> str:
    # "Connection error." is all that the client's own error says; what it was raised from says more.
    reason = error.__cause__ or error
    text = re.sub(r"\s+", " ", hidden(str(reason))) or type(reason).__name__
    return text if len(text) <= 300 else text[:300] + "..."
