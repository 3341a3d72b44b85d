"""The cache of replies: nothing is paid for twice, by a killed run, a second process or an equal request."""

import json
import os
import signal
import sqlite3
import time

import datasets
import pytest
from pydantic import BaseModel, field_validator
from warm_processes import WarmProcess

from condensers.errors import StorageError
from condensers.llm import CachedLLM, Completion, OpenAIChat, Request, SamplingSettings, Usage
from condensers.llm.testing import FakeServer, Reply

# Prints one line with the texts of all replies; argv: address, cache file, number of chats.
RUN = """
import json, sys
from condensers.llm import CachedLLM, OpenAIChat
url, path, n = sys.argv[1:]
llm = CachedLLM(OpenAIChat("fake", url, max_concurrency=4), path)
chats = [[{"role": "user", "content": f"chat {i}"}] for i in range(int(n))]
print(json.dumps([[reply.text for reply in row] for row in llm.complete(chats, n=2)]))
"""


class Review(BaseModel):
    stars: int


def chats(n, start=0):
    return [[{"role": "user", "content": f"chat {i}"}] for i in range(start, start + n)]


def numbered(request):
    """No two replies are equal."""
    return f"{request.text}, {time.monotonic_ns()}"


def texts(replies):
    return [[reply.text for reply in row] for row in replies]


def keys(path):
    with sqlite3.connect(path) as file:
        return [key for (key,) in file.execute("SELECT key FROM replies")]


def start(server, path, n):
    return WarmProcess(RUN, server.base_url, path, n, folder=path.parents[1])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "made" / "replies.sqlite"


def test_a_second_run_asks_nothing(path):
    with FakeServer(numbered) as server:
        first_llm = CachedLLM(OpenAIChat("fake", server.base_url), path)
        first = first_llm.complete(chats(4), n=3)
        again = CachedLLM(OpenAIChat("fake", server.base_url), path)
        second = again.complete(chats(4), n=3)
        assert server.n_requests == 12
    assert texts(second) == texts(first) and len({text for row in texts(first) for text in row}) == 12
    assert all(reply.cached for row in second for reply in row) and not any(r.cached for row in first for r in row)
    assert (second[0][0].n_input_tokens, second[0][0].n_output_tokens) == (
        first[0][0].n_input_tokens,
        first[0][0].n_output_tokens,
    )
    figures = again.usage.to_dict()
    assert (figures["requests"], figures["cache_hits"], figures["input_tokens"]) == (0, 12, 0)
    spent = first_llm.usage.to_dict()
    for kind in ("input_tokens", "output_tokens"):
        assert figures[f"saved_{kind}"] == spent[kind] > 0 and spent[f"saved_{kind}"] == 0


def test_more_samples_and_more_chats_ask_only_for_what_is_new(path):
    with FakeServer(numbered) as server:
        llm = CachedLLM(OpenAIChat("fake", server.base_url), path)
        few = llm.complete(chats(2), n=2)
        assert llm.n_cached(chats(3), n=3) == 4
        many = llm.complete(chats(3), n=3)
        assert server.n_requests == 9
    assert texts(many)[0][:2] == texts(few)[0] and [reply.cached for reply in many[0]] == [True, True, False]


def test_what_a_reply_depends_on_is_in_the_key(path):
    with FakeServer(default='{"stars": 1}') as server:
        for sampling in (SamplingSettings(), SamplingSettings(temperature=0.1), SamplingSettings(seed=3)):
            CachedLLM(OpenAIChat("fake", server.base_url, sampling=sampling), path).complete(chats(1))
        plain = CachedLLM(OpenAIChat("fake", server.base_url), path)
        plain.complete(chats(1), schema=Review)
        plain.complete([[{"role": "system", "content": "chat 0"}]])
        assert server.n_requests == 5
        [[known]] = plain.complete(chats(1), schema=Review)
    assert server.n_requests == 5 and known.parsed == Review(stars=1) and known.cached


def test_a_limit_of_a_request_is_in_the_key(path):
    [chat] = chats(1)
    with FakeServer() as server:
        llm = CachedLLM(OpenAIChat("fake", server.base_url), path)
        for request in (Request(chat), Request(chat, max_tokens=5), Request(chat, max_tokens=5)):
            list(llm.stream([request]))
        assert server.n_requests == 2


def test_equal_requests_of_a_batch_are_asked_once(path):
    with FakeServer(numbered) as server:
        llm = CachedLLM(OpenAIChat("fake", server.base_url), path)
        first, second = texts(llm.complete(chats(1) * 2, n=2))
        assert server.n_requests == 2 and first == second
    assert (llm.usage.n_planned, llm.usage.n_done, llm.usage.n_cache_hits) == (4, 4, 2)


@pytest.mark.parametrize(
    "fault",
    [
        Reply("half", finish_reason="length"),
        Reply(refusal="no"),
        Reply("no JSON"),
        Reply(""),
        Reply(status=400, error="no"),
    ],
)
def test_a_reply_with_a_problem_is_not_kept(fault, path):
    with FakeServer(["{" + '"stars": 1}', fault], default='{"stars": 5}') as server:
        llm = CachedLLM(OpenAIChat("fake", server.base_url, max_concurrency=1, max_retries=0), path)
        replies = llm.complete(chats(2), schema=Review)
        assert replies[0][0].problem is None and replies[1][0].problem is not None
        assert len(keys(path)) == 1
        again = llm.complete(chats(2), schema=Review)
    assert server.n_requests == 3
    assert again[1][0].parsed == Review(stars=5) and again[0][0].parsed == Review(stars=1)


@pytest.mark.parametrize(
    "fault", [Reply("half", finish_reason="length"), Reply(refusal="no"), Reply("no JSON"), Reply("")]
)
def test_problems_can_be_kept_so_that_a_run_replays(fault, path):
    with FakeServer([fault], default='{"stars": 5}') as server:
        model = OpenAIChat("fake", server.base_url, max_retries=0, schema_mode="server")
        replaying = CachedLLM(model, path, keep_problems=True)
        [[first]] = replaying.complete(chats(1), schema=Review)
        [[again]] = replaying.complete(chats(1), schema=Review)
        assert server.n_requests == 1 and first.problem == again.problem is not None and again.cached
        [[good]] = CachedLLM(model, path).complete(chats(1), schema=Review)
        assert server.n_requests == 2 and good.parsed == Review(stars=5)
        [[kept]] = replaying.complete(chats(1), schema=Review)
    assert server.n_requests == 2 and kept.parsed == Review(stars=5)


def test_a_request_that_failed_is_never_kept(path):
    with FakeServer(["ok", Reply(status=400, error="no")]) as server:
        llm = CachedLLM(
            OpenAIChat("fake", server.base_url, max_concurrency=1, max_retries=0), path, keep_problems=True
        )
        assert llm.complete(chats(2))[1][0].problem_kind == "failed"
        assert llm.complete(chats(2))[1][0].problem is None


def test_a_validator_that_has_changed_asks_again(path):
    class Strict(BaseModel):
        stars: int

        @field_validator("stars")
        @classmethod
        def _few(cls, value):
            if value > 3:
                raise ValueError("too many")
            return value

    Strict.__name__ = Strict.__qualname__ = "Review"
    Strict.model_config["title"] = "Review"
    Strict.model_rebuild(force=True)
    assert Strict.model_json_schema() == Review.model_json_schema()
    with FakeServer(['{"stars": 5}', '{"stars": 2}']) as server:
        llm = CachedLLM(OpenAIChat("fake", server.base_url), path)
        llm.complete(chats(1), schema=Review)
        [[reply]] = llm.complete(chats(1), schema=Strict)
        assert server.n_requests == 2 and reply.parsed.stars == 2
        [[reply]] = llm.complete(chats(1), schema=Strict)
    assert server.n_requests == 2 and reply.cached


def test_a_killed_run_goes_on_where_it_stopped(path):
    with FakeServer(numbered, delay=0.03) as server:
        run = start(server, path, 40)
        run.kill_once(lambda: server.n_requests >= 30)
        time.sleep(0.1)
        n_sent, kept = server.n_requests, set(keys(path))
        assert n_sent - 4 - 2 <= len(kept) <= n_sent < 80
        output = start(server, path, 40).finish(timeout=60)
        assert server.n_requests == n_sent + 80 - len(kept)
        assert max(server.times_asked.values()) <= 2 + 2 and kept < set(keys(path))
        replies = json.loads(output)
        assert [row[0].partition(",")[0] for row in replies] == [f"chat {i}" for i in range(40)]
        # A third run: the same rows, nothing sent.
        n_sent = server.n_requests
        again = texts(CachedLLM(OpenAIChat("fake", server.base_url), path).complete(chats(40), n=2))
        assert again == replies and server.n_requests == n_sent


def test_a_run_with_faults_of_every_kind_loses_and_doubles_nothing(path, monkeypatch):
    """30 % of 200 requests go wrong, of each kind about as many; what a retry can mend is mended."""
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    passing = [Reply(status=429, retry_after=0), Reply(status=500), Reply(drop=True), Reply(delay=2.0)]
    lasting = [Reply("half", finish_reason="length"), Reply(refusal="no"), Reply('{"stars": "many"}')]
    kinds = [*passing, *lasting]

    def script(request):
        i = int(request.text.split()[1])
        faulty = i % 10 < 3 and server.times_asked[request.text] == 1
        return kinds[(i // 10 * 3 + i % 10) % 7] if faulty else '{"stars": 5}'

    with FakeServer(script) as server:
        llm = CachedLLM(OpenAIChat("fake", server.base_url, timeout=1.5), path)
        replies = [reply for (reply,) in llm.complete(chats(200), schema=Review)]
        used = llm.usage.to_dict()
        n_bad = sum(used["problems"].values())
        assert set(used["problems"]) == {"truncated", "refusal", "malformed"}
        assert n_bad + used["retries"] == 60 and used["failures"] == 0
        assert server.n_requests == used["requests"] == 200 + used["retries"]
        assert sum(reply.problem is None for reply in replies) == len(keys(path)) == 200 - n_bad
        second = [reply for (reply,) in llm.complete(chats(200), schema=Review)]
        assert all(reply.parsed == Review(stars=5) for reply in second)
        assert server.n_requests == 200 + used["retries"] + n_bad


def test_two_processes_share_one_file(path):
    with FakeServer(numbered, delay=0.01) as server:
        runs = [start(server, path, 20) for _ in range(2)]
        outputs = [run.finish(timeout=60) for run in runs]
    assert outputs[0] == outputs[1]
    assert len(keys(path)) == len(set(keys(path))) == 40


def test_ctrl_c_keeps_what_has_arrived(path):
    with FakeServer(numbered, delay=0.03) as server:
        run = start(server, path, 60)
        run.run_until(lambda: server.n_requests >= 20)
        began = time.monotonic()
        os.kill(run.pid, signal.SIGINT)
        run.wait(timeout=20)
    assert "KeyboardInterrupt" in run.err and "never retrieved" not in run.err
    assert time.monotonic() - began < 5 and server.n_requests < 60 and len(keys(path)) >= 12


def test_the_file_is_in_the_cache_of_datasets_and_holds_no_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    with FakeServer(numbered) as server:
        llm = CachedLLM(OpenAIChat("fake", server.base_url))
        llm.complete(chats(3))
        assert all(request.has_key for request in server.requests)
    files = list((datasets.config.HF_DATASETS_CACHE / "condensers" / "llm").iterdir())
    assert llm.path in files and llm.path.name == "responses.sqlite"
    assert not any(b"sk-very-secret" in file.read_bytes() for file in files)
    assert "sk-very-secret" not in repr(llm)
    with sqlite3.connect(llm.path) as file:
        assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert all(json.loads(reply)["text"] for (reply,) in file.execute("SELECT reply FROM replies"))


def test_a_file_that_cannot_be_used(tmp_path):
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(b"not a database" * 100)
    (tmp_path / "file").write_text("")
    for path in (damaged, tmp_path / "file" / "below.sqlite", tmp_path):
        with pytest.raises(StorageError, match="cache of replies .* cannot be used"):
            CachedLLM(OpenAIChat("fake", "http://127.0.0.1:9/v1"), path).complete(chats(1))


class Plain:
    """An LLM of a user's: no more than the protocol."""

    name = "plain"
    fingerprint = "plain-1"

    def __init__(self):
        self.calls = []

    def complete(self, chats, *, n=1, schema=None):
        self.calls.append((len(chats), n))
        return [[Completion(f"{chat[-1]['content']} #{i}") for i in range(n)] for chat in chats]


def test_an_llm_without_a_stream_is_cached_too(path):
    plain = Plain()
    llm = CachedLLM(plain, path)
    assert texts(llm.complete(chats(2), n=2)) == [[f"chat {i} #{j}" for j in range(2)] for i in range(2)]
    assert plain.calls == [(1, 2), (1, 2)]
    assert texts(llm.complete(chats(1), n=3)) == [["chat 0 #0", "chat 0 #1", "chat 0 #2"]]
    assert plain.calls[2:] == [(1, 3)]
    assert isinstance(llm.usage, Usage) and (llm.usage.n_done, llm.usage.n_cache_hits) == (7, 2)
