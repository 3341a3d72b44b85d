"""Chats with any OpenAI-compatible server."""

import asyncio
import functools
import hashlib
import json
import logging
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel

from condensers.errors import SettingError
from condensers.llm.background import iterate_in_thread
from condensers.llm.json_reply import NO_JSON, strict_json_schema, with_schema
from condensers.llm.openai_reply import api_key, problem_of, read_reply, service_error, words_of
from condensers.llm.protocol import LIMIT, Completion, SamplingSettings
from condensers.llm.spending import Usage
from condensers.llm.streaming import Request, StreamingLLM

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

SchemaMode = Literal["auto", "server", "prompt"]
Emit = Callable[[tuple[int, Completion]], None]

_OPTIONAL = ("response_format", "seed", "stop", "top_p", "temperature")

_logger = logging.getLogger(__name__)


class _Contact:
    """How one call gets on with the server.

    Args:
        n_first: Failures, with no reply among them, after which the server counts as out of reach.
    """

    def __init__(self, n_first: int) -> None:
        self.n_first = n_first
        self.n_failed_in_a_row = 0
        self.has_answered = False

    @property
    def lost(self) -> bool:
        """The server answered once and has stopped: each further request would wait through all its retries."""
        return self.has_answered and self.n_failed_in_a_row >= 4 * self.n_first

    def answered(self) -> None:
        self.has_answered = True
        self.n_failed_in_a_row = 0


class OpenAIChat(StreamingLLM):
    """Asks ``POST {base_url}/chat/completions``: OpenAI, vLLM, TGI, Ollama, llama.cpp, `transformers serve`, ...

    The API key is read from the environment variable ``OPENAI_API_KEY`` when a request is sent, and kept nowhere.
    Each sample is a request of its own, with its own seed: many servers know no ``n``, and a sample can then be
    cached, retried and limited on its own. Works inside a running event loop.

    What a server may not know (a JSON schema, a seed, ...) is left out when it complains, with a warning; so is a
    schema that it takes and passes over.

    Example::

        llm = OpenAIChat("Qwen/Qwen3-8B", "http://localhost:8000/v1", sampling=SamplingSettings(temperature=0.7))
        [[reply]] = llm.complete([[{"role": "user", "content": "Say hello."}]])

    Args:
        model: Name of the model on the server.
        base_url: Root of the API, such as ``http://localhost:8000/v1``.
        sampling: How the model picks its words.
        max_concurrency: Requests under way at once.
        timeout: Seconds a request may take.
        max_retries: How often the client repeats a request that failed in a way that may pass; it waits as long as
            ``Retry-After`` says, else twice as long each time.
        schema_mode: ``server`` has the server enforce a schema; ``prompt`` writes it at the end of the chat and hopes;
            ``auto`` begins as ``server`` and goes on as ``prompt`` if the server knows no schemas.
        usage: Counts and limits; give the models of one run the same.

    Raises:
        SettingError: if the address is none, or holds a key; or if a number is out of its range.
    """

    def __init__(
        self,
        model: str,
        base_url: str,
        *,
        sampling: SamplingSettings | None = None,
        max_concurrency: int = 8,
        timeout: float = 120.0,
        max_retries: int = 5,
        schema_mode: SchemaMode = "auto",
        usage: Usage | None = None,
    ) -> None:
        self.base_url = _checked_url(base_url)
        if max_concurrency < 1 or max_retries < 0 or timeout <= 0:
            raise SettingError(
                f"`max_concurrency` must be at least 1, `max_retries` at least 0 and `timeout` above 0; got "
                f"{max_concurrency}, {max_retries} and {timeout}."
            )
        self.model = model
        self.name = f"{model}@{self.base_url}"
        self.sampling = sampling or SamplingSettings()
        self.max_concurrency = max_concurrency
        self.timeout = timeout
        self.max_retries = max_retries
        self.schema_mode: SchemaMode = schema_mode
        self.usage = usage or Usage()
        self._unknown: set[str] = set()  # Fields that this server has refused.
        self._enforces = False  # A reply has followed a schema that was asked of the server.
        identity = {"format": 1, "model": model, "base_url": self.base_url, "schema_mode": schema_mode}
        identity |= {"sampling": asdict(self.sampling)}
        self.fingerprint = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]

    def with_sampling(self, sampling: SamplingSettings) -> "OpenAIChat":
        """The same model with other sampling settings."""
        return OpenAIChat(
            self.model,
            self.base_url,
            sampling=sampling,
            max_concurrency=self.max_concurrency,
            timeout=self.timeout,
            max_retries=self.max_retries,
            schema_mode=self.schema_mode,
            usage=self.usage,
        )

    def __repr__(self) -> str:
        return f"OpenAIChat({self.model!r}, {self.base_url!r})"

    def stream(
        self, requests: Sequence[Request], *, schema: type[BaseModel] | None = None
    ) -> Iterator[tuple[int, Completion]]:
        """Yields each request's position and completion, in the order in which they are done.

        A request that fails after all retries is a completion with a problem. Only when the first ones all fail, as
        many as are under way at once, is the server held to be out of reach.

        Raises:
            ServiceError: if the server cannot be reached, takes no key it is given, or has no such model.
        """
        if not requests:
            return
        self.usage.plan(len(requests))
        with self.usage.running():

            async def produce(emit: Emit) -> None:
                await self._answer_all(requests, schema, emit)

            yield from iterate_in_thread(produce)

    async def _answer_all(self, requests: Sequence[Request], schema: type[BaseModel] | None, emit: Emit) -> None:
        n_workers = min(self.max_concurrency, len(requests))
        contact = _Contact(n_workers)
        waiting = iter(enumerate(requests))

        async def work(client: "AsyncOpenAI") -> None:
            # As many workers as may be under way at once, all drawing from one iterator, bound the concurrency and
            # need no task for each of a million requests.
            for i, request in waiting:
                emit((i, self.usage.count(await self._answer(client, request, schema, contact))))

        async with self._client() as client:
            tasks = [asyncio.create_task(work(client)) for _ in range(n_workers)]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(
        self, client: "AsyncOpenAI", request: Request, schema: type[BaseModel] | None, contact: _Contact
    ) -> Completion:
        from openai import OpenAIError

        if self.usage.reached:
            return Completion("", finish_reason="", problem=LIMIT)
        if contact.lost:
            return Completion("", finish_reason="", problem="failed: the server has stopped answering")
        try:
            completion = await self._ask(client, request, schema)
        except (OpenAIError, ValueError) as error:  # ValueError: a body that is not JSON
            if str(error) == LIMIT:
                return Completion("", finish_reason="", problem=LIMIT)
            problem = problem_of(error)
            if problem.startswith("too_long"):
                contact.answered()
                return Completion("", finish_reason="", problem=problem)
            contact.n_failed_in_a_row += 1
            status = getattr(error, "status_code", None)
            if not contact.has_answered and (status in (401, 404) or contact.n_failed_in_a_row >= contact.n_first):
                raise service_error(error, self.model, self.base_url) from None
            return Completion("", finish_reason="", problem=problem)
        contact.answered()
        return completion

    async def _ask(self, client: "AsyncOpenAI", request: Request, schema: type[BaseModel] | None) -> Completion:
        """Sends a request; again, with less in it, if the server does not know what is in it."""
        import httpx2
        from openai import BadRequestError, UnprocessableEntityError

        while True:
            fields = self._fields(request, schema)
            try:
                # Not `chat.completions.create`: openai 3.52 compares what is sent, and what comes back, with all that
                # a chat might hold, which takes a third of the processor time of a request.
                reply = await client.post("/chat/completions", body=fields, cast_to=httpx2.Response)
            except (BadRequestError, UnprocessableEntityError) as error:
                refused = _refused_fields(words_of(error), fields)
                if not refused:
                    raise
                self._leave_out(refused)
                continue
            completion = read_reply(reply.json(), request.messages, schema, self.sampling.stop)
            self._enforces |= "response_format" in fields and completion.parsed is not None
            # A server that enforces a schema does not answer in prose: this one passes over the field in silence.
            ignored = "response_format" in fields and completion.problem == f"malformed: {NO_JSON}"
            if not ignored or self._enforces or self.schema_mode != "auto":
                return completion
            self.usage.count_tokens(completion)
            self._leave_out({"response_format"})

    def _leave_out(self, names: set[str]) -> None:
        for name in sorted(names - self._unknown):
            _logger.warning("%s does not take `%s`; it is left out from here on.", self.base_url, name)
        self._unknown |= names

    def _fields(self, request: Request, schema: type[BaseModel] | None) -> dict[str, Any]:
        by_server = schema is not None and self.schema_mode != "prompt" and "response_format" not in self._unknown
        messages = request.messages
        fields: dict[str, Any] = {
            "temperature": self.sampling.temperature,
            "top_p": self.sampling.top_p,
            "seed": self.sampling.sample_seed(request.sample),
            "stop": list(self.sampling.stop) or None,
        }
        if schema is not None and by_server:
            wanted = {"name": schema.__name__, "schema": strict_json_schema(schema), "strict": True}
            fields["response_format"] = {"type": "json_schema", "json_schema": wanted}
        elif schema is not None:
            messages = with_schema(messages, schema)
        # The makers of the API have renamed the field; most other servers know the old name only.
        limit = "max_completion_tokens" if "max_tokens" in self._unknown else "max_tokens"
        fields[limit] = request.limit(self.sampling.max_tokens)
        fields = {name: value for name, value in fields.items() if value is not None and name not in self._unknown}
        return {
            "model": self.model,
            "messages": [dict(message) for message in messages],
            **fields,
            **self.sampling.extra,
        }

    def _client(self) -> "AsyncOpenAI":
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient, OpenAIError

        async def admit(sent: "httpx2.Request") -> None:
            # Here and nowhere else all requests pass, the client's retries included. The client retries what it takes
            # for a broken connection, but lets its own kind of error through (openai 3.52).
            if not self.usage.admit(retry=sent.headers.get("x-stainless-retry-count", "0") != "0"):
                raise OpenAIError(LIMIT)

        return AsyncOpenAI(
            api_key=api_key(),
            base_url=self.base_url,
            timeout=self.timeout,
            max_retries=self.max_retries,
            http_client=DefaultAsyncHttpxClient(
                event_hooks={"request": [admit]}, timeout=self.timeout, verify=_certificates()
            ),
        )


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Read once: it takes 40 ms, and each call makes a client."""
    import httpx2

    return httpx2.create_ssl_context()


def _refused_fields(message: str, fields: dict[str, Any]) -> set[str]:
    """The fields to leave out after a 400 or 422: those that its message names, else the schema."""
    if "max_completion_tokens" in message and "max_tokens" in fields:
        return {"max_tokens"}
    named = {name for name in _OPTIONAL if name in fields and name in message}
    if named:
        return named
    asks_for_schema = "response_format" in fields and ("schema" in message or "grammar" in message or "422" in message)
    return {"response_format"} if asks_for_schema else set()


def _checked_url(base_url: str) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingError(f"`base_url` must look like http://localhost:8000/v1; got {base_url!r}.")
    if parts.username or parts.password or parts.query:
        # Not quoted: this is where a key would be, and addresses end up in records and on cards.
        raise SettingError(
            f"`base_url` must hold no user, password or query; the one for {parts.hostname} does. Put the key into "
            f"the environment variable OPENAI_API_KEY."
        )
    return base_url.rstrip("/")
