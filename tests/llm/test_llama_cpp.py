"""The client against llama.cpp, a real server with a real model."""

from typing import Literal

import pytest
from llm_servers import llama_cpp
from pydantic import BaseModel

from condensers.errors import ServiceError
from condensers.llm import CachedLLM, OpenAIChat, SamplingSettings

pytestmark = pytest.mark.models("smollm2")

CAPITALS = {"France": "Paris", "Italy": "Rome", "Japan": "Tokyo"}


@pytest.fixture(scope="module")
def llama(gguf):
    with llama_cpp(gguf) as address:
        yield address


class Review(BaseModel):
    sentiment: Literal["positive", "negative"]
    words: int


def ask(text):
    return [{"role": "user", "content": text}]


def chats():
    return [ask(f"Name the capital of {country}.") for country in CAPITALS]


def texts(replies):
    return [[reply.text for reply in row] for row in replies]


def client(address, max_concurrency=4, **settings):
    return OpenAIChat(
        "SmolLM2",
        address,
        max_concurrency=max_concurrency,
        sampling=SamplingSettings(**{"max_tokens": 60, "temperature": 0, **settings}),
    )


def test_it_answers_and_counts_tokens_as_the_server_does(llama):
    llm = client(llama)
    replies = [reply for (reply,) in llm.complete(chats())]
    assert all(city in reply.text for city, reply in zip(CAPITALS.values(), replies, strict=True)), replies
    assert [(reply.problem, reply.finish_reason) for reply in replies] == [(None, "stop")] * 3
    used = llm.usage.to_dict()
    assert (used["requests"], used["retries"]) == (3, 0)
    # The countries are a token each.
    assert used["input_tokens"] == 3 * replies[0].n_input_tokens > 60
    assert used["output_tokens"] == sum(reply.n_output_tokens for reply in replies)


def test_samples_differ_and_a_seed_repeats_them(llama):
    def samples(**settings):
        # One at a time: what else is in a batch changes the last digits of the logits.
        llm = client(llama, max_concurrency=1, temperature=1.5, max_tokens=16, **settings)
        return texts(llm.complete(chats()[:1], n=3))

    first = samples()
    assert len(set(first[0])) == 3
    assert samples() == first
    assert samples(seed=1) != first


def test_the_server_enforces_a_schema(llama, caplog):
    chat = ask('Say whether this review is positive or negative, and how many words it has: "I loved it."')
    [replies] = client(llama, temperature=1.0).complete([chat], n=4, schema=Review)
    assert all(isinstance(reply.parsed, Review) for reply in replies), replies
    assert not [record for record in caplog.records if record.name.startswith("condensers")]


def test_length_limits_and_stop_texts(llama):
    [[cut]] = client(llama, max_tokens=3).complete([ask("Count from one to twenty.")])
    assert cut.problem == "truncated: after 3 tokens" and cut.n_output_tokens == 3
    [[whole]] = client(llama, max_tokens=60).complete(chats()[:1])
    [[stopped]] = client(llama, max_tokens=60, stop=("Paris",)).complete(chats()[:1])
    assert stopped.problem is None and stopped.text.strip() == whole.text.partition("Paris")[0].strip() != ""


def test_a_chat_that_does_not_fit_fails_no_other(llama):
    [[long], [short]] = client(llama).complete([ask("word " * 9000), chats()[0]])
    assert long.problem_kind == "too_long", long.problem
    assert "Paris" in short.text


def test_the_cache_replays_when_the_server_is_gone(gguf, tmp_path):
    settings = {"temperature": 0.7, "stop": (".",)}
    with llama_cpp(gguf) as address:
        first = CachedLLM(client(address, **settings), tmp_path / "replies.sqlite").complete(chats()[:2], n=2)
    assert not any(reply.problem for row in first for reply in row)
    llm = CachedLLM(client(address, **settings), tmp_path / "replies.sqlite")
    assert texts(llm.complete(chats()[:2], n=2)) == texts(first)
    assert (llm.usage.n_requests, llm.usage.n_cache_hits) == (0, 4)
    with pytest.raises(ServiceError, match="cannot be reached"):
        llm.complete([ask("Something new.")])


def test_a_wrong_key_is_refused_and_not_quoted(gguf, monkeypatch):
    with llama_cpp(gguf, "sk-right") as address:
        for key, said in ((None, "is not set"), ("sk-wrong", "is set, but not accepted")):
            monkeypatch.setenv("OPENAI_API_KEY", key) if key else monkeypatch.delenv("OPENAI_API_KEY", raising=False)
            with pytest.raises(ServiceError, match=said) as caught:
                client(address).complete(chats())
            assert "sk-wrong" not in str(caught.value)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-right")
        [[reply]] = client(address).complete(chats()[:1])
    assert "Paris" in reply.text
