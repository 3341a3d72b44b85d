"""Replies on disk, so that none is paid for twice."""

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel

from condensers.data import agreed, process_count, process_index
from condensers.errors import StorageError
from condensers.llm.json_reply import parse_reply
from condensers.llm.prompt import Message
from condensers.llm.protocol import LLM, Completion
from condensers.llm.spending import Usage
from condensers.llm.streaming import Request, StreamingLLM, requests_of, stream

_BUSY_SECONDS = 60.0
_KEPT = ("text", "finish_reason", "n_input_tokens", "n_output_tokens", "problem")
# What the model itself has decided, so that asking again in the same words gives the same.
_LASTING = frozenset({"malformed", "refusal", "truncated", "too_long"})


class CachedLLM(StreamingLLM):
    """Asks a model only what it has not been asked before.

    Replies lie in one SQLite file, under the hash of the model's fingerprint (sampling included), the chat, the schema
    and the number of the sample. Each is written as soon as it arrives: a run that is killed and started again goes
    on where it stopped. Several processes may share the file; the reply that is written first is the one that all
    of them use. A completion with a problem is not kept, so the next run asks again.

    Args:
        llm: The model.
        path: The file; None takes ``condensers/llm/responses.sqlite`` in the cache of `datasets`.

    Raises:
        StorageError: when asked, if the file cannot be read or written.
    """

    def __init__(self, llm: LLM, path: str | os.PathLike[str] | None = None, *, keep_problems: bool = False) -> None:
        self.llm = llm
        self.keep_problems = keep_problems
        self.name = llm.name
        self.fingerprint = llm.fingerprint
        usage = getattr(llm, "usage", None)
        self._counts_itself = isinstance(usage, Usage)
        self.usage = usage if isinstance(usage, Usage) else Usage()
        self.path = Path(path) if path is not None else _default_path()

    def __repr__(self) -> str:
        return f"CachedLLM({self.llm!r}, {str(self.path)!r})"

    def stream(
        self, requests: Sequence[Request], *, schema: type[BaseModel] | None = None
    ) -> Iterator[tuple[int, Completion]]:
        """Yields what the file holds, then what the model is asked, each reply as soon as it is on disk.

        Equal requests of one batch are asked once. Of several processes that a launcher has started the first asks,
        and the others get what it got, in its order, once it is through.
        """
        if not requests:
            return
        if process_count() == 1:
            yield from self._stream(requests, schema)
            return
        found: list[tuple[int, Completion]] = []
        if process_index() > 0:
            found, figures, failure = agreed(None)
            self.usage.take_over(figures)
            yield from found
            if failure is not None:
                raise failure
            return
        try:
            for each in self._stream(requests, schema):
                found.append(each)
                yield each
        except (Exception, GeneratorExit) as error:
            agreed((found, self.usage.figures(), error if isinstance(error, Exception) else None))
            raise
        agreed((found, self.usage.figures(), None))

    def _stream(self, requests: Sequence[Request], schema: type[BaseModel] | None) -> Iterator[tuple[int, Completion]]:
        with self._replies() as replies:
            missing: dict[str, list[int]] = {}
            for i, request in enumerate(requests):
                key = request_key(self.fingerprint, request, schema)
                found = None if key in missing else self._read(replies, key, schema)
                if found is None:
                    missing.setdefault(key, []).append(i)
                    continue
                self.usage.count_hit(found)
                yield i, found
            if missing:
                yield from self._ask(requests, missing, schema, replies)

    def _ask(
        self,
        requests: Sequence[Request],
        missing: dict[str, list[int]],
        schema: type[BaseModel] | None,
        replies: sqlite3.Connection,
    ) -> Iterator[tuple[int, Completion]]:
        keys = list(missing)
        if not self._counts_itself:
            self.usage.plan(len(keys))
        with closing(stream(self.llm, [requests[missing[key][0]] for key in keys], schema=schema)) as answers:
            for j, completion in answers:
                if not self._counts_itself:
                    self.usage.count(completion)
                if completion.problem is None or (self.keep_problems and completion.problem_kind in _LASTING):
                    completion = _write(replies, keys[j], completion, schema)
                first, *others = missing[keys[j]]
                yield first, completion
                for i in others:
                    self.usage.count_hit(completion)
                    yield i, replace(completion, cached=True)

    def missing(self, requests: Sequence[Request], *, schema: type[BaseModel] | None = None) -> list[Request]:
        """The requests for which the model would be asked, equal ones once."""
        asked = {request_key(self.fingerprint, request, schema): request for request in requests}
        if not self.path.exists():
            return list(asked.values())
        with self._replies() as replies:
            return [request for key, request in asked.items() if self._read(replies, key, schema) is None]

    def _read(self, replies: sqlite3.Connection, key: str, schema: type[BaseModel] | None) -> Completion | None:
        found = _read(replies, key, schema)
        return found if found is None or found.problem is None or self.keep_problems else None

    def n_cached(
        self, chats: Sequence[Sequence[Message]], *, n: int = 1, schema: type[BaseModel] | None = None
    ) -> int:
        """How many replies to a batch of chats cost nothing."""
        requests = requests_of(chats, n)
        return len(requests) - len(self.missing(requests, schema=schema))

    @contextmanager
    def _replies(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(_connect(self.path)) as connection:
                yield connection
        except (sqlite3.Error, PermissionError, FileExistsError, NotADirectoryError) as error:
            raise StorageError(
                f"the cache of replies {str(self.path)!r} cannot be used: {error}. Free some space, delete the file "
                f"if it is damaged, or set HF_DATASETS_CACHE to another place."
            ) from error


def request_key(fingerprint: str, request: Request, schema: type[BaseModel] | None = None) -> str:
    """Hash of all that a reply depends on."""
    identity = {
        "format": 1,
        "llm": fingerprint,
        "messages": request.to_list(),
        "schema": schema.model_json_schema() if schema else None,
        "sample": request.sample,
    }
    if request.max_tokens is not None:
        identity["max_tokens"] = request.max_tokens
    return hashlib.sha256(json.dumps(identity, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _default_path() -> Path:
    import datasets  # noqa: PLC0415  (heavy)

    return Path(datasets.config.HF_DATASETS_CACHE) / "condensers" / "llm" / "responses.sqlite"


def _connect(path: Path) -> sqlite3.Connection:
    # A generator may be advanced by several threads, one after the other. Autocommit: each reply is its own
    # transaction, and in WAL mode it survives the end of the process.
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    give_up = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, reply TEXT) WITHOUT ROWID")
            return connection
        except sqlite3.OperationalError as error:
            # Two processes that both make the file WAL get "locked" at once, whatever the time to wait.
            if "locked" not in str(error) or time.monotonic() > give_up:
                connection.close()
                raise
            time.sleep(0.01)
        except sqlite3.Error:
            connection.close()
            raise


def _read(replies: sqlite3.Connection, key: str, schema: type[BaseModel] | None) -> Completion | None:
    row = replies.execute("SELECT reply FROM replies WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    try:
        kept = {"problem": None, **json.loads(row[0])}
        parsed = parse_reply(kept["text"], schema) if schema and kept["problem"] is None else None
        return Completion(**{name: kept[name] for name in _KEPT}, parsed=parsed, cached=True)
    except (ValueError, KeyError, TypeError):
        # A validator of the schema, which its JSON schema does not show, has changed: what it refuses is not a reply.
        replies.execute("DELETE FROM replies WHERE key = ?", (key,))
        return None


def _write(
    replies: sqlite3.Connection, key: str, completion: Completion, schema: type[BaseModel] | None
) -> Completion:
    """Keeps a reply, unless another process was first: then that one's is the reply, for both."""
    text = json.dumps({name: getattr(completion, name) for name in _KEPT})
    done = replies.execute("INSERT INTO replies VALUES (?, ?) ON CONFLICT (key) DO NOTHING", (key, text))
    if done.rowcount:
        return completion
    first = _read(replies, key, schema)
    if first is not None and first.problem is not None and completion.problem is None:
        replies.execute("UPDATE replies SET reply = ? WHERE key = ?", (text, key))
        return completion
    return completion if first is None else replace(first, cached=False)
