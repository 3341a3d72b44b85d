"""A chat server for tests: real HTTP on the loopback, scripted replies, and every way in which servers fail."""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from condensers.llm.tokens import rough_tokens


@dataclass(frozen=True)
class Reply:
    """What the server does with one request.

    Attributes:
        text: Content of the message.
        finish_reason: ``length`` for a reply that is cut off.
        refusal: The model declines, in these words.
        status: HTTP status; anything but 200 sends `error` in place of a message.
        error: Message of the error.
        retry_after: Seconds, for the header of that name.
        delay: Seconds to wait first.
        drop: Close the connection without a word.
        body: Bytes to send in place of a chat completion.
        count_tokens: Whether to say how many tokens it took; not all servers do.
    """

    text: str = "ok"
    finish_reason: str = "stop"
    refusal: str | None = None
    status: int = 200
    error: str = "scripted"
    retry_after: float | None = None
    delay: float = 0.0
    drop: bool = False
    body: bytes | None = None
    count_tokens: bool = True


@dataclass(frozen=True)
class SentRequest:
    """One request as it came in. The key is not kept, only whether there was one.

    Attributes:
        path: Path of the address.
        body: The JSON sent; empty for a GET.
        has_key: A key other than the client's placeholder came with it.
        is_retry: The client says that it repeats a request.
        time: When, by `time.monotonic`.
    """

    path: str
    body: dict[str, Any]
    has_key: bool
    is_retry: bool
    time: float

    @property
    def text(self) -> str:
        """Content of the last message."""
        return self.body["messages"][-1]["content"]


Script = Sequence[Reply | str] | Callable[[SentRequest], Reply | str]


@dataclass
class FakeServer:
    """An OpenAI-compatible server for the length of a ``with`` block.

    Example::

        with FakeServer([Reply(status=429, retry_after=0), "hello"]) as server:
            llm = OpenAIChat("fake", server.base_url)
            [[reply]] = llm.complete([[{"role": "user", "content": "hi"}]])
        assert reply.text == "hello" and server.n_requests == 2

    Args:
        script: A list, each reply of which is given once, in the order of the requests, and then `default`; or a
            function from a request to its reply, called by several threads at once.
        default: Reply once a list is used up.
        models: Names that ``/v1/models`` gives, and that are answered; None answers any.
        delay: Seconds that each reply takes, besides its own.

    Attributes:
        requests: Chat requests, in the order in which they came in.
        peak_concurrency: Most of them that were under way at once.
    """

    script: Script = ()
    default: Reply | str = "ok"
    models: Sequence[str] | None = None
    delay: float = 0.0
    requests: list[SentRequest] = field(default_factory=list, init=False)
    peak_concurrency: int = field(default=0, init=False)

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._n_open = 0
        self._left = None if callable(self.script) else list(self.script)
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.fake = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def base_url(self) -> str:
        """Root of its API."""
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    @property
    def n_requests(self) -> int:
        """Chat requests so far."""
        return len(self.requests)

    @property
    def times_asked(self) -> Counter[str]:
        """How often each last message came in."""
        return Counter(request.text for request in self.requests)

    def answer(self, request: SentRequest) -> Reply:
        """Records a request and says what to do with it."""
        with self._lock:
            self.requests.append(request)
            self._n_open += 1
            self.peak_concurrency = max(self.peak_concurrency, self._n_open)
            if self._left is not None:
                reply = self._left.pop(0) if self._left else self.default
        if callable(self.script):
            reply = self.script(request)
        if self.models is not None and request.body.get("model") not in self.models:
            reply = Reply(status=404, error=f"the model {request.body.get('model')!r} does not exist")
        return Reply(reply) if isinstance(reply, str) else reply

    def done(self) -> None:
        """Notes that a request is no longer under way."""
        with self._lock:
            self._n_open -= 1


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    fake: FakeServer

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  (as in the standard library)
        """Says nothing: clients that hang up are part of many a test."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Http

    def do_GET(self) -> None:  # noqa: N802  (the standard library calls it so)
        names = self.server.fake.models or ["fake"]
        self._send(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in names]})

    def do_POST(self) -> None:  # noqa: N802
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            self._send(404, {"error": {"message": f"no {self.path} here"}})
            return
        sent = SentRequest(
            path=self.path,
            body=body,
            has_key=self.headers.get("Authorization", "Bearer none") != "Bearer none",
            is_retry=self.headers.get("x-stainless-retry-count", "0") != "0",
            time=time.monotonic(),
        )
        fake = self.server.fake
        reply = fake.answer(sent)
        try:
            time.sleep(fake.delay + reply.delay)
        finally:
            # Before the reply is sent: else the client's next request might count beside this one.
            fake.done()
        self._reply(reply, body)

    def _reply(self, reply: Reply, body: dict[str, Any]) -> None:
        if reply.drop:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif reply.body is not None:
            self._send(reply.status, reply.body)
        elif reply.status != 200:
            headers = {} if reply.retry_after is None else {"Retry-After": str(reply.retry_after)}
            self._send(reply.status, {"error": {"message": reply.error, "type": "scripted"}}, headers)
        else:
            self._send(200, _chat_completion(reply, body))

    def _send(self, status: int, content: dict[str, Any] | bytes, headers: dict[str, str] | None = None) -> None:
        payload = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (as in the standard library)
        """Says nothing."""


def _chat_completion(reply: Reply, body: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": None if reply.refusal else reply.text, "refusal": reply.refusal}
    completion: dict[str, Any] = {
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 0,
        "model": body.get("model", "fake"),
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish_reason, "logprobs": None}],
    }
    if reply.count_tokens:
        n_in = sum(rough_tokens(turn["content"]) for turn in body["messages"])
        n_out = rough_tokens(reply.text)
        completion["usage"] = {"prompt_tokens": n_in, "completion_tokens": n_out, "total_tokens": n_in + n_out}
    return completion
