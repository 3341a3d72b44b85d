"""What is counted, where a run stops, and what is shown meanwhile."""

import io
import json
import threading
import time

import pytest
from rich.console import Console

from condensers.errors import SettingError
from condensers.llm import CachedLLM, Completion, OpenAIChat, Prices, SpendingLimits, Usage, estimate, live_usage
from condensers.llm.testing import FakeServer, Reply


def chats(n):
    return [[{"role": "user", "content": f"this is chat number {i:03}"}] for i in range(n)]  # 24 characters, 6 tokens


REPLY = "a reply of forty characters, ten tokens."


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)


@pytest.mark.parametrize("max_concurrency", [1, 8])
def test_requests_stop_exactly_at_their_limit(max_concurrency):
    usage = Usage(limits=SpendingLimits(max_requests=13))
    with FakeServer(default=REPLY) as server:
        llm = OpenAIChat("fake", server.base_url, max_concurrency=max_concurrency, usage=usage)
        replies = [reply for (reply,) in llm.complete(chats(50))]
        assert server.n_requests == 13
        assert [reply.problem for (reply,) in llm.complete(chats(2))] == ["limit", "limit"]
        assert server.n_requests == 13
    assert [reply.text for reply in replies if reply.problem is None] == [REPLY] * 13
    assert {reply.problem for reply in replies} == {None, "limit"}
    record = usage.to_dict()
    assert (record["requests"], record["problems"], record["limit_reached"]) == (13, {"limit": 39}, "max_requests=13")


def test_retries_count_as_requests():
    faulty = [Reply(status=500) if i % 3 == 0 else REPLY for i in range(60)]
    usage = Usage(limits=SpendingLimits(max_requests=20))
    with FakeServer(faulty) as server:
        replies = OpenAIChat("fake", server.base_url, usage=usage).complete(chats(30))
        assert server.n_requests == 20 == usage.n_requests
    done = [reply for (reply,) in replies if reply.problem is None]
    assert len(done) == sum(reply is REPLY for reply in faulty[:20])
    assert 0 < usage.n_retries == sum(request.is_retry for request in server.requests)


def test_tokens_overshoot_by_no_more_than_what_is_under_way():
    usage = Usage(limits=SpendingLimits(max_tokens=100))
    with FakeServer(default=REPLY, delay=0.02) as server:
        replies = OpenAIChat("fake", server.base_url, max_concurrency=4, usage=usage).complete(chats(40))
    spent = usage.n_input_tokens + usage.n_output_tokens
    assert 100 <= spent < 100 + 4 * 16 and spent == 16 * server.n_requests
    assert sum(reply.problem is None for (reply,) in replies) == server.n_requests


def test_cost_is_at_the_users_prices_and_stops_too():
    usage = Usage(Prices(input_per_million=1000, output_per_million=10_000), SpendingLimits(max_cost=0.53))
    with FakeServer(default=REPLY) as server:
        OpenAIChat("fake", server.base_url, max_concurrency=1, usage=usage).complete(chats(40))
    assert server.n_requests == 5
    assert usage.cost == pytest.approx(5 * (6 * 1000 + 10 * 10_000) / 1e6)
    assert json.loads(json.dumps(usage.to_dict()))["cost"] == usage.cost


def test_what_is_cached_is_no_spending(tmp_path):
    with FakeServer(default=REPLY) as server:
        CachedLLM(OpenAIChat("fake", server.base_url), tmp_path / "c").complete(chats(10))
        usage = Usage(limits=SpendingLimits(max_requests=3))
        llm = CachedLLM(OpenAIChat("fake", server.base_url, usage=usage), tmp_path / "c")
        replies = [reply for (reply,) in llm.complete(chats(15))]
    assert server.n_requests == 13
    assert sum(reply.problem == "limit" for reply in replies) == 2 and sum(reply.cached for reply in replies) == 10


def test_limits_and_prices_that_cannot_be():
    with pytest.raises(SettingError, match="max_tokens.*got -1"):
        SpendingLimits(max_tokens=-1)
    with pytest.raises(SettingError, match="prices must be 0 or more"):
        Prices(output_per_million=-1)
    with pytest.raises(SettingError, match="needs prices"):
        Usage(limits=SpendingLimits(max_cost=1.0))
    assert Usage().cost is None


def test_counts_are_right_under_threads():
    usage = Usage(limits=SpendingLimits(max_requests=500))

    def work():
        for _ in range(200):
            if usage.admit():
                usage.count(Completion("x", n_input_tokens=1, n_output_tokens=2))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (usage.n_requests, usage.n_input_tokens, usage.n_output_tokens) == (500, 500, 1000)


def test_time_is_that_of_models_at_work():
    usage = Usage()
    assert usage.seconds == 0 and usage.seconds_left is None
    with FakeServer(default=REPLY, delay=0.1) as server:
        llm = OpenAIChat("fake", server.base_url, max_concurrency=1, usage=usage)
        llm.complete(chats(2))
    assert 0.2 <= usage.seconds < 2 and usage.seconds == usage.seconds
    usage.plan(2)
    assert usage.seconds_left == pytest.approx(usage.seconds)


def test_an_estimate_is_what_a_run_then_uses(tmp_path):
    with FakeServer(default=REPLY) as server:
        llm = CachedLLM(OpenAIChat("fake", server.base_url, usage=Usage(Prices(1.0, 2.0))), tmp_path / "c")
        fresh = estimate(chats(4), n=2, output_tokens=10, llm=llm)
        assert server.n_requests == 0 and not llm.path.exists()
        assert (fresh.n_requests, fresh.n_cached, fresh.counted_by) == (8, 0, "4 characters a token")
        llm.complete(chats(3), n=1)
        spent = llm.usage.to_dict()
        planned = estimate(chats(4) + chats(1), n=2, output_tokens=10, llm=llm)
        llm.complete(chats(4) + chats(1), n=2)
    used = llm.usage.to_dict()
    assert planned.n_requests == used["requests"] - spent["requests"] == 5
    assert planned.n_cached == used["cache_hits"] - spent["cache_hits"] == 5
    assert planned.n_input_tokens == used["input_tokens"] - spent["input_tokens"] == 30
    assert planned.n_output_tokens == used["output_tokens"] - spent["output_tokens"] == 50
    assert planned.cost == pytest.approx(used["cost"] - spent["cost"])


def test_an_estimate_needs_no_model():
    plain = estimate(chats(2), n=3, output_tokens=5)
    assert plain.to_dict() == {
        "n_requests": 6,
        "n_cached": 0,
        "n_input_tokens": 36,
        "n_output_tokens": 30,
        "cost": None,
        "counted_by": "4 characters a token",
    }
    assert estimate(chats(2), n=3, output_tokens=5, prices=Prices(1e6, 0)).cost == 36


def screen(terminal):
    return Console(file=io.StringIO(), force_terminal=terminal, width=80)


def used():
    usage = Usage(Prices(100, 100), SpendingLimits(max_requests=1200, max_tokens=10_000, max_cost=2.0))
    usage.plan(1000)
    for problem in (None, None, "refusal: no"):
        usage.admit(retry=problem is None)
        usage.count(Completion("x", n_input_tokens=1000, n_output_tokens=200, problem=problem))
    usage.count_hit(Completion("x", n_input_tokens=700, n_output_tokens=30))
    usage.count_dropped("copies a [source] row")
    return usage


def test_the_live_view_tells_all_figures():
    console = screen(terminal=True)
    with live_usage(used(), console=console):
        pass
    shown = console.file.getvalue()
    for text in (
        "4 of 1,001",
        "3 of at most 1,200",
        "3,000, 600",
        "3,600 of at most 10,000",
        "0.3600 of at most 2",
        "cache hits",
        "retries",
        "refusal 1",
        "copies a [source] row 1",
        "time",
    ):
        assert text in shown, text


def test_the_live_view_can_be_switched_off():
    console = screen(terminal=True)
    with live_usage(used(), progress=False, console=console):
        pass
    assert console.file.getvalue() == ""


def test_a_log_gets_a_line_now_and_then_and_none_of_what_is_over_soon(monkeypatch):
    monkeypatch.setattr("condensers.llm.live.LOG_DELAY", 0.2)
    monkeypatch.setattr("condensers.llm.live.LOG_INTERVAL", 0.05)
    short, long = screen(terminal=False), screen(terminal=False)
    with live_usage(used(), console=short):
        pass
    assert short.file.getvalue() == ""
    with live_usage(used(), console=long):
        deadline = time.monotonic() + 30
        while long.file.getvalue().count("\n") < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    first, second, *_ = lines = long.file.getvalue().splitlines()
    assert first.startswith(
        "Language model: replies 4 of 1,001; requests 3 of at most 1,200; tokens in, out 3,000, 600"
    )
    time.sleep(0.2)
    assert len(long.file.getvalue().splitlines()) == len(lines)


def test_the_time_left_is_shown_while_it_runs():
    console = screen(terminal=True)
    usage = Usage()
    with FakeServer(default=REPLY) as server, live_usage(usage, console=console):
        usage.plan(5000)
        OpenAIChat("fake", server.base_url, max_concurrency=1, usage=usage).complete(chats(3))
    assert "left" in console.file.getvalue()
