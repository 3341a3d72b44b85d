"""The stand-in as a server: which step a request asks for, the faults that are planted in it, and the connection."""

import gzip
import json
import re
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from hub_stand_in.answers import Answers, Refusal
from hub_stand_in.clients import environment_of
from hub_stand_in.repositories import Repository, StoredFile, is_large

WRITE_TOKEN = "hf_" + "StandInWriteTokenOfMe" + "0" * 13
READ_TOKEN = "hf_" + "StandInReadTokenOfMe" + "0" * 14
LOGGED_IN = {WRITE_TOKEN: ("me", "write"), READ_TOKEN: ("me", "read")}

_API = r"/api/(?P<kind>model|dataset|space)s/(?P<repo>[\w.-]+/[\w.-]+)"
_ROUTES = [
    ("GET", r"/api/whoami-v2", "whoami"),
    ("POST", r"/api/validate-yaml", "validate_yaml"),
    ("POST", r"/api/repos/create", "create"),
    ("DELETE", r"/api/repos/delete", "delete"),
    ("PUT", _API + r"/settings", "settings"),
    ("POST", _API + r"/preupload/(?P<revision>[^/]+)", "preupload"),
    ("POST", _API + r"/commit/(?P<revision>[^/]+)", "commit"),
    ("GET", _API + r"(/revision/(?P<revision>[^/]+))?", "info"),
    ("GET", _API + r"/tree/(?P<revision>[^/]+)(/(?P<path>.*))?", "tree"),
    ("POST", _API + r"/paths-info/(?P<revision>[^/]+)", "paths_info"),
    ("GET", _API + r"/commits/(?P<revision>[^/]+)", "commits"),
    ("GET", _API + r"/refs", "refs"),
    ("POST", _API + r"/(?P<what>branch|tag)/(?P<revision>[^/]+)", "reference"),
    ("DELETE", _API + r"/(?P<what>branch|tag)/(?P<revision>[^/]+)", "drop_reference"),
    ("POST", r"/(?P<kind>datasets/|spaces/)?(?P<repo>[\w.-]+/[\w.-]+)\.git/info/lfs/objects/batch", "lfs_batch"),
    ("PUT", r"/storage/(?P<oid>[0-9a-f]{64})", "upload"),
    ("POST", r"/storage/(?P<oid>[0-9a-f]{64})/verify", "verify"),
    ("GET", r"/storage/(?P<oid>[0-9a-f]{64})", "download"),
    (
        "GET",
        r"/(?P<kind>datasets/|spaces/)?(?P<repo>[\w.-]+/[\w.-]+)/(resolve|raw)/(?P<revision>[^/]+)/(?P<path>.+)",
        "resolve",
    ),
]


@dataclass
class Fault:
    """Something that goes wrong: once, or `times` times, and then no more.

    Attributes:
        at: The name of a step: whoami, create, validate_yaml, preupload, lfs_batch, upload, verify, commit, info,
            tree, resolve, download, ...
        status: The HTTP status to answer with; 0 closes the connection without an answer.
        message: What the answer says; None takes the Hub's own words for the status.
        times: How often.
        done: Whether the step has its effect all the same, and only the answer is lost.
        before: Something that happens first, such as a commit by somebody else.
    """

    at: str
    status: int = 0
    message: str | None = None
    times: int = 1
    done: bool = False
    before: object = None


class StandInHub(ThreadingHTTPServer):
    """Its address, what it holds, and what was asked of it.

    Attributes:
        repositories: By kind ("model", "dataset" or "space") and id.
        storage: Large files by the SHA-256 of their content, whether or not a commit names them.
        requests: Name of each step that was asked for, in order.
        faults: Those that are planted and have not happened yet.
        heard: Everything that was sent to it but the tokens: paths, and bodies as bytes.
        accounts: User and role by token.
    """

    daemon_threads = True
    # Connections that a fault closes are no news.
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        # Clients follow redirects within a host and take a redirect to another for the address of a large file.
        self.storage_address = f"http://localhost:{self.server_port}"
        self.repositories = {}
        self.storage = {}
        self.requests = []
        self.heard = []
        self.accounts = dict(LOGGED_IN)
        self.faults = []
        self.lock = threading.RLock()

    def plant(self, *faults):
        """Has these steps go wrong the next time they are asked for."""
        self.faults.extend(faults)

    def fault(self, step):
        """The fault that is due, taken off the list when it has happened often enough."""
        with self.lock:
            found = next((fault for fault in self.faults if fault.at == step), None)
            if found is not None:
                found.times -= 1
                if found.times == 0:
                    self.faults.remove(found)
            return found

    def counts(self):
        """How often each step was asked for."""
        return Counter(self.requests)

    def add(self, repo_id, files, *, kind="dataset", private=False):
        """Puts a repository there, as though somebody had made it on the website; content is text or bytes."""
        repository = self.repositories[kind, repo_id] = Repository(kind, repo_id, private)
        self.change(repo_id, files, kind=kind)
        return repository

    def change(self, repo_id, files, *, kind="dataset", title="Change", branch="main"):
        """Has somebody else commit; gives the commit's id."""
        repository = self.repositories[kind, repo_id]
        stored = dict(repository.at(branch).files)
        for path, content in files.items():
            content = content.encode() if isinstance(content, str) else content
            stored[path] = StoredFile(content, is_large(path, len(content), content[:512]))
            if stored[path].large:
                self.storage[stored[path].sha256] = content
        return repository.commit(branch, title, stored)

    def environment(self, home, token=WRITE_TOKEN):
        """See `environment_of`."""
        return environment_of(self.address, token, home)

    def handle_error(self, request, client_address):
        """A client that hangs up is no error of the server's."""


@contextmanager
def stand_in_hub():
    """Serves until the block ends."""
    server = StandInHub()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(Answers, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        """Says nothing."""

    def _serve(self):
        self.url = urlsplit(self.path)
        self.body = self._read()
        hub = self.server
        hub.heard.append((self.command, self.path, self.body))
        method = "GET" if self.command == "HEAD" else self.command
        routes = ((step, re.fullmatch(pattern, self.url.path)) for verb, pattern, step in _ROUTES if verb == method)
        step, found = next(((step, found) for step, found in routes if found), (None, None))
        if found is None:
            self._refuse(Refusal(404, "Sorry, we can't find the page you are looking for."))
            return
        hub.requests.append(step)
        values = {name: None if value is None else unquote(value) for name, value in found.groupdict().items()}
        fault = hub.fault(step)
        if fault is not None and fault.before is not None:
            fault.before()
        if fault is not None and not fault.done:
            self._break(fault)
            return
        try:
            with hub.lock:
                answer = getattr(self, "on_" + step)(**values)
        except Refusal as refusal:
            answer = refusal
        if fault is not None:
            self._break(fault)
        elif isinstance(answer, Refusal):
            self._refuse(answer)
        else:
            self._answer(*answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815  (names of http.server)

    # The two ends of a connection.

    def _read(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            body = b"".join(parts)
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def _answer(self, status, body=b"", headers=None):
        headers = dict(headers or {})
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json; charset=utf-8")
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, refusal):
        headers = {"X-Error-Message": refusal.message} if refusal.message else {}
        if refusal.code:
            headers["X-Error-Code"] = refusal.code
        self._answer(refusal.status, refusal.body or {"error": refusal.message}, headers)

    def _break(self, fault):
        if fault.status:
            self._refuse(Refusal(fault.status, fault.message))
        else:
            self.close_connection = True
