"""The client against a real server on the loopback: order, faults, and what they are called."""

import asyncio
import json
import logging
import threading
import time
import traceback

import pytest
from pydantic import BaseModel

from condensers.errors import ServiceError, SettingError
from condensers.llm import Completion, OpenAIChat, Request, SamplingSettings
from condensers.llm.streaming import requests_of
from condensers.llm.testing import FakeServer, Reply


class Review(BaseModel):
    title: str
    stars: int


def chats(n, start=0):
    return [[{"role": "user", "content": f"chat {i}"}] for i in range(start, start + n)]


def echo(request):
    return f"re: {request.text}"


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def test_replies_come_back_in_order_whatever_order_they_arrive_in():
    def later_ones_first(request):
        return Reply(echo(request), delay=0.4 if request.text == "chat 0" else 0.0)

    with FakeServer(later_ones_first) as server:
        llm = OpenAIChat("fake", server.base_url)
        done = [i for i, _ in llm.stream(requests_of(chats(5), 2))]
        replies = llm.complete(chats(5), n=2)
    assert sorted(done) == list(range(10)) and set(done[-2:]) == {0, 1}
    assert [[reply.text for reply in row] for row in replies] == [[f"re: chat {i}"] * 2 for i in range(5)]
    assert replies[0][0].n_input_tokens == 2 and replies[0][0].n_output_tokens == 3
    assert llm.usage.to_dict()["requests"] == 20


def test_samples_of_a_chat_have_seeds_of_their_own_and_the_settings_are_sent():
    sampling = SamplingSettings(temperature=0.3, top_p=0.9, max_tokens=7, seed=5, stop=("END",), extra={"top_k": 4})
    with FakeServer() as server:
        for _ in range(2):
            OpenAIChat("fake", server.base_url, sampling=sampling).complete(chats(1), n=3)
    seeds = [request.body["seed"] for request in server.requests]
    assert len(set(seeds[:3])) == 3 and set(seeds[:3]) == set(seeds[3:])
    body = server.requests[0].body
    assert (body["temperature"], body["top_p"], body["max_tokens"], body["stop"]) == (0.3, 0.9, 7, ["END"])
    assert body["top_k"] == 4 and "response_format" not in body
    with FakeServer() as server:
        plain = SamplingSettings(temperature=None, max_tokens=None, seed=None)
        OpenAIChat("fake", server.base_url, sampling=plain).complete(chats(1))
    assert set(server.requests[0].body) == {"model", "messages"}


@pytest.mark.parametrize(("own", "limit", "sent"), [(7, 5, 5), (7, 9, 7), (None, 5, 5), (7, None, 7)])
def test_a_request_may_have_a_limit_of_its_own(own, limit, sent):
    with FakeServer() as server:
        llm = OpenAIChat("fake", server.base_url, sampling=SamplingSettings(max_tokens=own))
        list(llm.stream([Request(chats(1)[0], max_tokens=limit)]))
    assert server.requests[0].body["max_tokens"] == sent


def test_concurrency_is_bounded_and_used():
    with FakeServer(echo, delay=0.03) as server:
        OpenAIChat("fake", server.base_url, max_concurrency=3).complete(chats(12))
        assert server.peak_concurrency == 3


def test_retry_after_is_honoured():
    with FakeServer([Reply(status=429, retry_after=0.4), "hello"]) as server:
        llm = OpenAIChat("fake", server.base_url)
        [[reply]] = llm.complete(chats(1))
    first, second = server.requests
    assert reply.text == "hello" and reply.problem is None
    assert 0.4 <= second.time - first.time < 2
    assert second.is_retry and llm.usage.n_retries == 1 and llm.usage.n_requests == 2


@pytest.mark.parametrize("fault", [Reply(status=500), Reply(drop=True), Reply(status=503), Reply(status=408)])
def test_faults_that_pass_are_retried(fault):
    with FakeServer([fault, fault, "hello"]) as server:
        [[reply]] = OpenAIChat("fake", server.base_url).complete(chats(1))
    assert reply == Completion("hello", n_input_tokens=2, n_output_tokens=2)
    assert server.n_requests == 3


def test_a_slow_reply_is_given_up_and_asked_for_again():
    with FakeServer([Reply(delay=1.0), "hello"]) as server:
        [[reply]] = OpenAIChat("fake", server.base_url, timeout=0.2).complete(chats(1))
    assert reply.text == "hello" and server.n_requests == 2


PROBLEMS = {
    "chat 1": (Reply("half of it", finish_reason="length"), "truncated: after 3 tokens"),
    "chat 2": (Reply(refusal="I would rather not."), "refusal: I would rather not."),
    "chat 3": (Reply("so", finish_reason="content_filter"), "refusal: stopped by the content filter of the server"),
    "chat 4": (Reply(""), "malformed: the reply is empty"),
    "chat 5": (Reply(status=500), "failed: "),
    "chat 6": (Reply(body=b"<html>Bad gateway</html>"), "failed: "),
    "chat 7": (Reply(body=b'{"error": {"message": "moderated"}}'), "failed: a reply without choices"),
    "chat 8": (Reply(status=400, error="maximum context length is 8 tokens"), "too_long: "),
    "chat 9": (Reply(drop=True), "failed: "),
    "chat 10": (Reply(status=429, retry_after=0), "failed: "),
}


def test_each_problem_is_told_and_fails_nothing_else():
    def script(request):
        return PROBLEMS[request.text][0] if request.text in PROBLEMS else echo(request)

    with FakeServer(script) as server:
        llm = OpenAIChat("fake", server.base_url, max_retries=1, max_concurrency=2)
        replies = [reply for (reply,) in llm.complete(chats(13))]
    for i, reply in enumerate(replies):
        if f"chat {i}" in PROBLEMS:
            assert reply.problem.startswith(PROBLEMS[f"chat {i}"][1]), (i, reply)
        else:
            assert (reply.text, reply.problem) == (f"re: chat {i}", None)
    assert replies[1].text == "half of it"
    assert llm.usage.problems == {"truncated": 1, "refusal": 2, "malformed": 1, "failed": 5, "too_long": 1}
    assert llm.usage.n_failures == 5 and llm.usage.n_retries == 3


def test_tokens_that_a_server_does_not_count_are_guessed():
    with FakeServer([Reply("four and twenty", count_tokens=False)]) as server:
        [[reply]] = OpenAIChat("fake", server.base_url).complete(chats(1))
    assert (reply.n_input_tokens, reply.n_output_tokens) == (2, 4)


def test_a_server_that_is_down_is_one_error():
    llm = OpenAIChat("fake", "http://127.0.0.1:9/v1", max_retries=1)
    with pytest.raises(ServiceError, match=r"http://127.0.0.1:9/v1 cannot be reached .* Check the address") as caught:
        llm.complete(chats(50))
    assert isinstance(caught.value, ConnectionError) and caught.value.__cause__ is None
    assert llm.usage.n_requests <= 2 * 2 * llm.max_concurrency


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(("key", "said"), [(None, "is not set"), ("sk-wrong", "is set, but not accepted")])
def test_a_key_that_is_not_accepted(status, key, said, monkeypatch):
    if key:
        monkeypatch.setenv("OPENAI_API_KEY", key)
    refusal = Reply(status=status, error=f"Incorrect API key: {key}")
    with FakeServer(default=refusal) as server, pytest.raises(ServiceError, match="OPENAI_API_KEY") as caught:
        OpenAIChat("fake", server.base_url).complete(chats(20))
    assert said in str(caught.value)
    assert "sk-wrong" not in "".join(traceback.format_exception(caught.value))


def test_an_unknown_model():
    with FakeServer(models=["other"]) as server, pytest.raises(ServiceError, match="no model 'fake'.*/v1/models"):
        OpenAIChat("fake", server.base_url).complete(chats(3))


def test_a_server_that_dies_is_not_waited_for_forever():
    def dies(request):
        return echo(request) if len(server.requests) <= 2 else Reply(status=500)

    with FakeServer(dies) as server:
        llm = OpenAIChat("fake", server.base_url, max_retries=1, max_concurrency=1)
        replies = [reply for (reply,) in llm.complete(chats(40))]
    assert [reply.problem for reply in replies[:2]] == [None, None]
    assert all(reply.problem.startswith("failed") for reply in replies[2:])
    assert replies[-1].problem == "failed: the server has stopped answering"
    assert server.n_requests == 2 + 4 * 2


def test_a_schema_is_asked_of_the_server_and_the_reply_parsed():
    with FakeServer(default='{"title": "Fine", "stars": 4}') as server:
        [[reply]] = OpenAIChat("fake", server.base_url).complete(chats(1), schema=Review)
    assert reply.parsed == Review(title="Fine", stars=4) and reply.problem is None
    wanted = server.requests[0].body["response_format"]
    assert wanted["type"] == "json_schema" and wanted["json_schema"]["strict"] is True
    assert wanted["json_schema"]["schema"]["required"] == ["title", "stars"]
    assert wanted["json_schema"]["schema"]["additionalProperties"] is False


def test_a_reply_that_does_not_follow_the_schema_is_malformed():
    with FakeServer(['{"title": "Fine"}', "I like it."]) as server:
        llm = OpenAIChat("fake", server.base_url, max_concurrency=1, schema_mode="server")
        [[first], [second]] = llm.complete(chats(2), schema=Review)
    assert first.problem == "malformed: stars: Field required" and first.parsed is None
    assert second.problem == "malformed: the reply holds no JSON" and second.text == "I like it."


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_without_schemas_is_told_in_words(status, caplog):
    def no_schemas(request):
        if "response_format" in request.body:
            return Reply(status=status, error="unexpected field: response_format")
        assert "JSON schema" in request.text and '"stars"' in request.text
        return 'Sure!\n```json\n{"title": "Fine", "stars": 4}\n```'

    with FakeServer(no_schemas) as server:
        llm = OpenAIChat("fake", server.base_url, max_concurrency=1)
        replies = llm.complete(chats(3), schema=Review)
    assert [reply.parsed for (reply,) in replies] == [Review(title="Fine", stars=4)] * 3
    assert server.n_requests == 4
    assert [record.getMessage() for record in caplog.records if record.name.startswith("condensers")] == [
        f"{server.base_url} does not take `response_format`; it is left out from here on."
    ]


def test_a_server_that_passes_over_a_schema_is_told_in_words(caplog):
    def ignorant(request):
        return '{"title": "Fine", "stars": 4}' if "JSON schema" in request.text else "I like it."

    with FakeServer(ignorant, delay=0.05) as server:
        llm = OpenAIChat("fake", server.base_url, max_concurrency=2)
        replies = llm.complete(chats(4), schema=Review)
    assert [reply.parsed for (reply,) in replies] == [Review(title="Fine", stars=4)] * 4
    assert server.n_requests == llm.usage.n_requests == 2 + 4
    assert llm.usage.n_output_tokens == sum(reply.n_output_tokens for (reply,) in replies) + 2 * 3
    assert [record.getMessage() for record in caplog.records if record.name.startswith("condensers")] == [
        f"{server.base_url} does not take `response_format`; it is left out from here on."
    ]


def test_stop_texts_hold_with_a_server_that_leaves_them_in_or_knows_none():
    replies = ["The capital is Paris", Reply("Rome. It is old, and it", finish_reason="length"), "Tokyo"]
    with FakeServer(replies) as server:
        llm = OpenAIChat("fake", server.base_url, sampling=SamplingSettings(stop=(".", "Paris")), max_concurrency=1)
        found = [reply for (reply,) in llm.complete(chats(3))]
    assert [(reply.text, reply.finish_reason, reply.problem) for reply in found] == [
        ("The capital is ", "stop", None),
        ("Rome", "stop", None),
        ("Tokyo", "stop", None),
    ]


def test_the_schema_can_be_put_in_words_from_the_start():
    with FakeServer(default='{"title": "Fine", "stars": 4}') as server:
        llm = OpenAIChat("fake", server.base_url, schema_mode="prompt")
        [[reply]] = llm.complete(chats(1), schema=Review)
    assert reply.parsed and "response_format" not in server.requests[0].body


def test_fields_that_a_server_does_not_know_are_left_out():
    def choosy(request):
        if "max_tokens" in request.body:
            return Reply(status=400, error="'max_tokens' is not supported; use 'max_completion_tokens' instead.")
        return Reply(status=422, error="Unsupported fields: {'seed'}") if "seed" in request.body else "hello"

    with FakeServer(choosy) as server:
        [[reply]] = OpenAIChat("fake", server.base_url).complete(chats(1))
    assert reply.text == "hello" and server.requests[-1].body["max_completion_tokens"] == 1024


LOC = ["body", "stop"]
FASTAPI = [
    ({"detail": "Unexpected fields in the request: {'stop'}"}, "stop"),
    ({"detail": [{"loc": LOC, "msg": "not permitted", "input": {"seed": 0, "temperature": 1}}]}, "stop"),
    ({"error": "`stop` is not supported", "error_type": "validation"}, "stop"),
]


@pytest.mark.parametrize(("body", "refused"), FASTAPI)
def test_refusals_are_understood_wherever_their_words_stand(body, refused):
    def choosy(request):
        return Reply(status=422, body=json.dumps(body).encode()) if refused in request.body else "hello"

    with FakeServer(choosy) as server:
        sampling = SamplingSettings(stop=("END",))
        [[reply]] = OpenAIChat("fake", server.base_url, sampling=sampling).complete(chats(1))
    assert reply.text == "hello" and {"seed", "temperature"} < set(server.requests[-1].body)


def test_what_a_server_says_under_detail_is_told():
    said = [b'{"detail": "maximum context length is 8 tokens"}', b'{"detail": "Unexpected fields: top_k"}']
    with FakeServer(["ok", *(Reply(status=422, body=one) for one in said)]) as server:
        llm = OpenAIChat("fake", server.base_url, max_concurrency=1)
        _, [long], [odd] = llm.complete(chats(3))
    assert long.problem_kind == "too_long"
    assert odd.problem == "failed: Error code: 422 - Unexpected fields: top_k"


def test_a_bad_request_is_not_repeated():
    with FakeServer(["ok", Reply(status=400, error="no such role")]) as server:
        llm = OpenAIChat("fake", server.base_url, max_concurrency=1)
        replies = llm.complete(chats(2), schema=None)
    assert replies[1][0].problem.startswith("failed: Error code: 400") and server.n_requests == 2


def test_it_works_inside_a_running_event_loop():
    async def notebook():
        return OpenAIChat("fake", server.base_url).complete(chats(2))

    with FakeServer(echo) as server:
        replies = asyncio.run(notebook())
    assert [reply.text for (reply,) in replies] == ["re: chat 0", "re: chat 1"]


def test_stopping_early_leaves_no_thread_and_sends_no_more():
    with FakeServer(echo, delay=0.05) as server:
        llm = OpenAIChat("fake", server.base_url, max_concurrency=2)
        stream = llm.stream(requests_of(chats(100)))
        next(stream)
        began = time.monotonic()
        stream.close()
        assert time.monotonic() - began < 1
        n_sent = server.n_requests
        time.sleep(0.15)
        assert server.n_requests == n_sent <= 6
    assert not [thread for thread in threading.enumerate() if thread.name == "condensers-llm"]


def test_the_key_is_sent_and_shows_nowhere(monkeypatch, caplog, capfd):
    secret = "sk-very-secret"
    plain = OpenAIChat("fake", "http://127.0.0.1:9/v1").fingerprint
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    caplog.set_level(logging.DEBUG)
    with FakeServer(["hello", Reply(status=400, error=f"bad key {secret}"), Reply(body=secret.encode())]) as server:
        llm = OpenAIChat("fake", server.base_url, max_concurrency=1)
        replies = llm.complete(chats(3))
    assert all(request.has_key for request in server.requests)
    assert OpenAIChat("fake", "http://127.0.0.1:9/v1").fingerprint == plain
    said = [repr(llm), repr(vars(llm)), repr(replies), repr(server.requests), repr(llm.usage.to_dict()), caplog.text]
    assert not any(secret in text for text in [*said, *capfd.readouterr()])
    assert replies[1][0].problem == "failed: Error code: 400 - bad key ***"


def test_the_fingerprint_changes_with_what_replies_depend_on():
    def fingerprint(model="m", url="http://localhost:1/v1", schema_mode="auto", **settings):
        sampling = SamplingSettings(**settings)
        return OpenAIChat(model, url, sampling=sampling, schema_mode=schema_mode).fingerprint

    same = {fingerprint(), fingerprint(url="http://localhost:1/v1/")}
    other = {
        fingerprint(model="n"),
        fingerprint(url="http://localhost:2/v1"),
        fingerprint(temperature=0.5),
        fingerprint(seed=1),
        fingerprint(stop=("x",)),
        fingerprint(extra={"top_k": 1}),
        fingerprint(schema_mode="prompt"),
    }
    assert len(same) == 1 and len(other) == 7 and not same & other


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("localhost:8000", "must look like"),
        ("http://user:sk-secret@host/v1", "OPENAI_API_KEY"),
        ("https://host/v1?key=sk-secret", "OPENAI_API_KEY"),
    ],
)
def test_addresses_that_are_none(url, said):
    with pytest.raises(SettingError, match=said) as caught:
        OpenAIChat("m", url)
    assert "sk-secret" not in str(caught.value)


def test_settings_out_of_range():
    for wrong in ({"temperature": -1}, {"top_p": 0}, {"max_tokens": 0}, {"stop": "END"}):
        with pytest.raises(SettingError, match=next(iter(wrong))):
            SamplingSettings(**wrong)
    with pytest.raises(SettingError, match="max_concurrency"):
        OpenAIChat("m", "http://localhost/v1", max_concurrency=0)
    llm = OpenAIChat("m", "http://localhost/v1")
    with pytest.raises(SettingError, match="must be at least 1; got 0"):
        llm.complete(chats(1), n=0)
    for chat in ("hello", [], [{"content": "hello"}]):
        with pytest.raises(SettingError, match="chat 0 must be a list of messages"):
            llm.complete([chat])
    assert llm.complete([]) == []
