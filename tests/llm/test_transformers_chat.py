"""A model in process: replies that depend on their own chat and nothing else."""

import math

import numpy as np
import pytest
import torch
from pydantic import BaseModel
from tiny_language_models import tiny_lm, tiny_lm_tokenizer

from condensers.errors import SettingError, SourceNotFoundError
from condensers.llm import (
    CachedLLM,
    OpenAIChat,
    Request,
    SamplingSettings,
    SpendingLimits,
    TransformersChat,
    Usage,
    estimate,
    load_llm,
)
from condensers.llm.seeded_sampling import GumbelNoise

TEMPLATE = "{% for m in messages %}{{ m.content }} {% endfor %}{% if add_generation_prompt %}iron {% endif %}"


def tokenizer(template=TEMPLATE):
    made = tiny_lm_tokenizer()
    made.chat_template = template
    return made


def chat(words):
    return [{"role": "user", "content": words}]


CHATS = [
    chat(words) for words in ("apple", "crow finch robin heron", "tin lead", "apple pear plum cherry grape melon")
]


def tiny_chat(seed=0, usage=None, template=TEMPLATE, batch_size=16, **sampling):
    settings = SamplingSettings(**{"max_tokens": 8, **sampling})
    return TransformersChat(
        tiny_lm(seed), processing_class=tokenizer(template), sampling=settings, usage=usage, batch_size=batch_size
    )


def texts(replies):
    return [[reply.text for reply in row] for row in replies]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_reply_does_not_depend_on_its_batch(temperature, batch_size):
    whole = texts(tiny_chat(temperature=temperature).complete(CHATS, n=2))
    parts = tiny_chat(temperature=temperature, batch_size=batch_size)
    assert texts(parts.complete(CHATS[::-1], n=2)) == whole[::-1]
    assert texts(parts.complete(CHATS[1:2], n=1)) == [whole[1][:1]]
    assert (whole[0][0] == whole[0][1]) == (temperature == 0)


def test_greedy_replies_are_those_of_generate():
    llm = tiny_chat(temperature=0)
    for one in CHATS:
        [[reply]] = llm.complete([one])
        inputs = tokenizer()(one[0]["content"] + " iron", return_tensors="pt", add_special_tokens=False)
        made = llm.model.generate(input_ids=inputs["input_ids"], max_new_tokens=8, do_sample=False)
        new = made[0, inputs["input_ids"].shape[1] :]
        assert reply.text == tokenizer().decode(new, skip_special_tokens=True).strip()
        assert (reply.n_input_tokens, reply.n_output_tokens) == (inputs["input_ids"].shape[1], len(new))


def test_requests_of_a_batch_are_cut_off_each_at_its_own_limit():
    requests = [Request(one, max_tokens=limit) for one, limit in zip(CHATS, (2, None, 20, 5), strict=True)]
    whole = [reply for (reply,) in tiny_chat().complete(CHATS)]
    cut = dict(tiny_chat().stream(requests))
    for i, limit in enumerate((2, 8, 8, 5)):
        n = min(limit, whole[i].n_output_tokens)
        assert cut[i].n_output_tokens == n
        assert whole[i].text.startswith(cut[i].text)
        if n < whole[i].n_output_tokens:
            assert cut[i].problem == f"truncated: after {limit} tokens"
    assert sum(cut[i].problem is not None and len(cut[i].text) < len(whole[i].text) for i in cut) >= 1


def test_the_draw_is_the_softmax():
    logits = torch.tensor([[0.0, 1.0, 2.0]]).expand(20_000, 3)
    drawn = GumbelNoise(range(20_000))(None, logits).argmax(-1)
    shares = np.bincount(drawn.numpy(), minlength=3) / 20_000
    np.testing.assert_allclose(shares, torch.softmax(logits[0], -1).numpy(), atol=0.015)


def test_rare_tokens_are_drawn_as_often_as_they_should():
    # One token of probability 0.8, and 49,151 that share the rest: each far below the resolution of the noise at 1.
    logits = torch.full((1, 49_152), -math.log(49_151))
    logits[0, 7] = math.log(4.0)
    drawn = [GumbelNoise(range(i, i + 100))(None, logits.expand(100, -1)).argmax(-1) for i in range(0, 2_000, 100)]
    rare = torch.cat(drawn)[torch.cat(drawn) != 7]
    assert abs(len(rare) / 2_000 - 0.2) < 4 * math.sqrt(0.2 * 0.8 / 2_000)
    # The rest is drawn evenly: no token far too often, no end of the vocabulary left out.
    assert len(rare.unique()) > 0.98 * len(rare) and abs(rare.float().mean() / 49_152 - 0.5) < 4 / math.sqrt(
        12 * len(rare)
    )


def test_the_only_token_left_is_drawn_whatever_the_noise(monkeypatch):
    monkeypatch.setattr(torch.Tensor, "uniform_", lambda self, **_: self.zero_())
    logits = torch.tensor([[-math.inf, -math.inf, 3.0]])
    assert GumbelNoise([0])(None, logits).argmax(-1).tolist() == [2]


def test_seeds_decide_what_is_drawn():
    first = texts(tiny_chat().complete(CHATS, n=3))
    assert texts(tiny_chat().complete(CHATS, n=3)) == first
    assert texts(tiny_chat(seed=0, **{"temperature": 1.0, "top_p": 1e-9}).complete(CHATS)) == texts(
        tiny_chat(temperature=0).complete(CHATS)
    )
    assert texts(tiny_chat(extra={"top_k": 1}).complete(CHATS)) == texts(tiny_chat(temperature=0).complete(CHATS))
    other = TransformersChat(tiny_lm(), processing_class=tokenizer(), sampling=SamplingSettings(seed=1, max_tokens=8))
    assert texts(other.complete(CHATS, n=3)) != first
    assert other.fingerprint != tiny_chat().fingerprint == tiny_chat().fingerprint != tiny_chat(seed=1).fingerprint


def test_a_reply_that_is_cut_off_and_one_that_ends():
    replies = [reply for row in tiny_chat(temperature=1.5).complete(CHATS, n=20) for reply in row]
    cut = [reply for reply in replies if reply.finish_reason == "length"]
    ended = [reply for reply in replies if reply.finish_reason == "stop"]
    assert cut and ended
    assert all(reply.problem == "truncated: after 8 tokens" and reply.n_output_tokens == 8 for reply in cut)
    # The end is a token too, and words that are special tokens are not part of the text.
    n_more = [reply.n_output_tokens - len(reply.text.split()) for reply in ended]
    assert min(n_more) == 1 and n_more.count(1) > len(n_more) / 2


def test_a_stop_text_ends_a_reply():
    [[long]] = tiny_chat(temperature=0).complete(CHATS[:1])
    words = long.text.split()
    stop = next(word for word in words[1:] if word != words[0])
    [[reply], [other]] = tiny_chat(temperature=0, stop=(stop,)).complete(CHATS[:2])
    assert other.text == texts(tiny_chat(temperature=0).complete(CHATS[1:2]))[0][0].partition(stop)[0].strip()
    assert reply.text == " ".join(words[: words.index(stop)])
    assert reply.finish_reason == "stop" and reply.problem is None


def test_a_chat_that_does_not_fit():
    long = chat(" ".join(["apple"] * 24))
    [[reply], [other]] = tiny_chat(temperature=0).complete([long, CHATS[0]])
    assert reply.problem == "too_long: 25 tokens, and up to 8 to come, in 32"
    assert other.text


def test_limits_hold_in_process_and_the_cache_serves_it(tmp_path):
    usage = Usage(limits=SpendingLimits(max_requests=5))
    llm = CachedLLM(tiny_chat(usage=usage, batch_size=2, max_tokens=1, temperature=0), tmp_path / "c")
    replies = [reply for row in llm.complete(CHATS, n=2) for reply in row]
    assert sum(reply.problem == "limit" for reply in replies) == 3 and usage.n_requests == 5
    assert usage.n_input_tokens == sum(reply.n_input_tokens for reply in replies)


def test_an_estimate_by_the_tokenizer_is_what_is_used():
    llm = tiny_chat(temperature=0)
    planned = estimate(CHATS, n=2, output_tokens=8, llm=llm, tokenizer=llm.tokenizer)
    llm.complete(CHATS, n=2)
    assert (planned.n_input_tokens, planned.n_requests) == (llm.usage.n_input_tokens, llm.usage.n_requests)
    assert planned.counted_by == "the tokenizer"


def test_templates_without_a_system_turn_and_no_template():
    strict = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + TEMPLATE
    turns = [{"role": "system", "content": "apple"}, {"role": "user", "content": "pear"}]
    assert texts(tiny_chat(template=strict, temperature=0).complete([turns])) == texts(
        tiny_chat(temperature=0).complete([chat("apple\n\npear")])
    )
    with pytest.raises(SettingError, match="no chat template"):
        tiny_chat(template=None).complete(CHATS)
    with pytest.raises(SettingError, match="processing_class"):
        TransformersChat(tiny_lm())


def test_a_schema_is_put_in_words_and_no_reply_is_lost():
    class Review(BaseModel):
        stars: int

    llm = tiny_chat(temperature=0, max_tokens=1)
    llm.model.config.max_position_embeddings = 512
    [[reply]] = llm.complete(CHATS[:1], schema=Review)
    assert reply.problem_kind in ("malformed", "truncated") and reply.n_input_tokens > 5


def test_a_model_that_is_being_trained_stays_in_training():
    model = tiny_lm(dropout=0.5).train()
    llm = TransformersChat(model, processing_class=tokenizer(), sampling=SamplingSettings(max_tokens=4))
    first = texts(llm.complete(CHATS))
    assert texts(llm.complete(CHATS)) == first and model.training


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("model") / "tiny"
    tiny_lm().save_pretrained(place)
    tokenizer().save_pretrained(place)
    return place


def test_a_folder_loads_as_the_model_does(folder, monkeypatch):
    settings = SamplingSettings(max_tokens=8)
    llm = load_llm(folder, sampling=settings, batch_size=2)
    assert isinstance(llm, TransformersChat) and llm._model is None
    assert llm.fingerprint == load_llm(str(folder), sampling=settings).fingerprint
    assert texts(llm.complete(CHATS, n=2)) == texts(tiny_chat().complete(CHATS, n=2))


def test_the_fingerprint_of_a_folder_follows_its_weights(folder, tmp_path):
    tiny_lm(seed=1).save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    assert load_llm(tmp_path).fingerprint != load_llm(folder).fingerprint


def test_what_a_user_writes_becomes_a_model():
    usage = Usage()
    server = load_llm("org/model@2@https://host:1/v1/", usage=usage, max_concurrency=3)
    assert isinstance(server, OpenAIChat)
    assert (server.model, server.base_url, server.max_concurrency) == ("org/model@2", "https://host:1/v1", 3)
    assert server.usage is usage and load_llm(server) is server


def test_what_is_no_model(tmp_path):
    with pytest.raises(SourceNotFoundError, match="no model folder at '/no/such'"):
        load_llm("/no/such")
    with pytest.raises(SourceNotFoundError, match="MODEL@http"):
        load_llm("nobody/nothing")
    with pytest.raises(SourceNotFoundError, match=r"no config.json"):
        load_llm(tmp_path)


def test_other_sampling_shares_the_weights_and_has_a_fingerprint_of_its_own(tmp_path):
    first = tiny_chat(temperature=1.0)
    other = first.with_sampling(SamplingSettings(temperature=0.0, max_tokens=8))
    assert other.model is first.model and other.fingerprint == tiny_chat(temperature=0.0).fingerprint
    assert other.fingerprint != first.fingerprint == tiny_chat(temperature=1.0).fingerprint
    assert texts(other.complete(CHATS)) == texts(tiny_chat(temperature=0.0).complete(CHATS))
    tiny_lm().save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    lender = TransformersChat(tmp_path)
    borrower = lender.with_sampling(SamplingSettings(temperature=0.5))
    assert borrower.model is lender.model  # read once, whoever is asked first
