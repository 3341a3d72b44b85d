"""SmolLM2 in process: the same weights, tokens and replies as its GGUF, whatever the batch."""

import json
import urllib.request

import pytest
import torch
from llm_servers import llama_cpp

from condensers.llm import SamplingSettings, TransformersChat

pytestmark = pytest.mark.models("smollm2")

ASKED = [
    "Name the capital of France.",
    "Rewrite this sentence: the film good very acting great but story slow",
    "Name three fruits, nothing else.",
    "Is this review positive or negative? Answer with one word. The plot drags on and on, the jokes are stale, and by "
    "the second hour half of the audience had left for the bar next door.",
]
CHATS = [[{"role": "user", "content": text}] for text in ASKED]


@pytest.fixture(scope="module")
def loaded(smollm2):
    """Loads the weights once for all clients of this file."""
    first = TransformersChat(smollm2, device="cpu")
    return first.model, first.tokenizer


def chat(loaded, batch_size=4, **settings):
    sampling = SamplingSettings(**{"max_tokens": 20, "temperature": 0, **settings})
    model, tokenizer = loaded
    return TransformersChat(model, processing_class=tokenizer, sampling=sampling, batch_size=batch_size)


def texts(replies):
    return [[reply.text for reply in row] for row in replies]


def post(address, body):
    request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=60))


def test_tokens_and_logits_are_those_of_llama_cpp(loaded, gguf):
    """An implementation of its own reads the same file; its activations are rounded to 8 bits, hence the bound."""
    model, tokenizer = loaded
    told = [tokenizer.apply_chat_template(one, tokenize=False, add_generation_prompt=True) for one in CHATS]
    odd = ["a  1  22\n\n 3x", "row\n1\n\n2  3", "1,234,567 euros in 2024", "naïve café — ✓ 你好", "it's 5'4\ttall"]
    with llama_cpp(gguf) as address:
        root = address.removesuffix("/v1")
        for text in odd:
            assert tokenizer(text)["input_ids"] == post(f"{root}/tokenize", {"content": text})["tokens"], text
        for text, one in zip(told, CHATS, strict=True):
            assert text == post(f"{root}/apply-template", {"messages": one})["prompt"]
            body = {"messages": one, "max_tokens": 1, "logprobs": True, "top_logprobs": 3, "temperature": 0}
            reply = post(f"{address}/chat/completions", body)
            [place] = reply["choices"][0]["logprobs"]["content"]
            inputs = tokenizer(text, return_tensors="pt")
            with torch.inference_mode():
                ours = model(**inputs).logits[0, -1].log_softmax(-1)
            assert inputs["input_ids"].shape[1] == reply["usage"]["prompt_tokens"]
            for candidate in place["top_logprobs"]:
                assert ours[candidate["id"]].item() == pytest.approx(candidate["logprob"], abs=0.25), candidate


# Tensors of a layer in the GGUF, and where the converted model has them.
LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def test_the_converted_folder_is_the_gguf(loaded, gguf):
    """Tensor by tensor, as the package of the format's authors reads them."""
    reader = pytest.importorskip("gguf").GGUFReader(gguf)
    dequantize = pytest.importorskip("gguf.quants").dequantize
    model, tokenizer = loaded
    weights, config = model.state_dict(), model.config
    tied = {"lm_head.weight": "model.embed_tokens.weight"}
    names = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
    for layer in range(config.num_hidden_layers):
        names |= {
            f"blk.{layer}.{ours}.weight": f"model.layers.{layer}.{their}.weight" for ours, their in LAYER.items()
        }
    assert {*names.values(), *tied} == weights.keys() and names.keys() == {tensor.name for tensor in reader.tensors}
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for tensor in reader.tensors:
        expected = torch.tensor(dequantize(tensor.data, tensor.tensor_type))
        n_heads = heads.get(tensor.name.split(".")[-2])
        if n_heads:  # the two halves of a rotated vector lie apart here, and in turn there
            expected = expected.unflatten(0, (n_heads, -1, 2)).transpose(1, 2).flatten(0, 2)
        assert torch.equal(weights[names[tensor.name]], expected), tensor.name
    fields = {name: field.contents() for name, field in reader.fields.items() if name.startswith("tokenizer.")}
    vocabulary = fields["tokenizer.ggml.tokens"]
    assert tokenizer.get_vocab() == {token: number for number, token in enumerate(vocabulary)}
    assert tokenizer.chat_template == fields["tokenizer.chat_template"]
    assert tokenizer.eos_token == vocabulary[fields["tokenizer.ggml.eos_token_id"]]


def test_the_folder_says_where_replies_end(loaded):
    model, tokenizer = loaded
    config = model.generation_config
    assert tokenizer.convert_ids_to_tokens([config.bos_token_id, config.eos_token_id, config.pad_token_id]) == [
        "<|im_start|>",
        "<|im_end|>",
        "<|im_end|>",
    ]
    assert tokenizer.model_max_length == model.config.max_position_embeddings == 8192
    assert model.dtype == torch.float32


def test_padding_changes_logits_by_rounding_only(loaded):
    model, tokenizer = loaded
    told = [tokenizer.apply_chat_template(one, tokenize=False, add_generation_prompt=True) for one in CHATS]
    padded = tokenizer(told, return_tensors="pt", padding=True, padding_side="left")
    positions = (padded["attention_mask"].cumsum(-1) - 1).clamp(min=0)
    with torch.inference_mode():
        together = model(**padded, position_ids=positions).logits[:, -1]
        alone = torch.cat([model(**tokenizer(text, return_tensors="pt")).logits[:, -1] for text in told])
    assert (together - alone).abs().max() < 1e-3
    assert (together.argmax(-1) == alone.argmax(-1)).all()


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_replies_are_the_same_in_any_batch(loaded, temperature):
    settings = {"temperature": temperature, "max_tokens": 12}
    together = chat(loaded, batch_size=8, **settings).complete(CHATS[:3], n=2)
    alone = chat(loaded, batch_size=1, **settings).complete(CHATS[2::-1], n=2)
    assert texts(together) == texts(alone)[::-1]
    if temperature == 0:
        assert "Paris" in together[0][0].text
    else:
        assert any(one.text != other.text for one, other in together)


def test_stop_texts_limits_and_what_does_not_fit(loaded):
    long = [{"role": "user", "content": "word " * 9000}]
    [[cut], [too_long], [stopped]] = [
        *chat(loaded, max_tokens=3).complete([CHATS[1], long]),
        *chat(loaded, stop=("Paris",)).complete(CHATS[:1]),
    ]
    assert cut.problem == "truncated: after 3 tokens"
    assert too_long.problem_kind == "too_long" and "in 8192" in too_long.problem
    assert (stopped.text, stopped.problem) == ("The capital of France is", None)
