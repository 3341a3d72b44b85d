"""What chats have in common is read once, and what is generated from it is what it was."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_language_models import tiny_lm
from transformers import GPT2Config, GPT2LMHeadModel, MistralConfig, MistralForCausalLM

from condensers.llm.shared_reading import read_chats

PAD = 0
MODEL = tiny_lm().eval()
token = st.integers(3, MODEL.config.vocab_size - 1)
CHATS = [[5, 6, 7, 8], [5, 6, 9], [5, 6, 7, 8], [5, 6, 9, 10, 11]]


def generated(model, chats, **options):
    with torch.inference_mode():
        read = read_chats(model, chats, pad_token_id=PAD, **options)
        made = model.generate(
            **read.inputs(),
            max_new_tokens=4,
            do_sample=False,
            pad_token_id=PAD,
            eos_token_id=None,
            output_logits=True,
            return_dict_in_generate=True,
        )
    return read, torch.stack(made.logits, 1)


def alone(model, chat):
    return generated(model, [chat])[1][0]


def tiny_gpt2():
    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(vocab_size=30, n_positions=32, n_embd=16, n_layer=2, n_head=2)).eval()


def tiny_mistral(window):
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = MistralConfig(vocab_size=30, num_key_value_heads=2, sliding_window=window, **sizes)
    return MistralForCausalLM(config).eval()


@pytest.mark.parametrize("model", [MODEL, tiny_gpt2(), tiny_mistral(None)])
def test_replies_are_those_of_chats_read_alone(model):
    read, logits = generated(model, CHATS)
    # [5, 6] once; then [7, 8], [9] and [9, 10, 11] but for their last tokens, padded to two.
    assert read.n_read == 2 + 3 * 2
    for chat, found in zip(CHATS, logits, strict=True):
        torch.testing.assert_close(found, alone(model, chat), rtol=1e-4, atol=1e-5)


def test_padding_stands_behind_what_is_shared():
    read, _ = generated(MODEL, CHATS)
    assert read.input_ids.tolist() == [[5, 6, 0, 7, 8], [5, 6, 0, 0, 9], [5, 6, 0, 7, 8], [5, 6, 9, 10, 11]]
    assert read.attention_mask.tolist() == [[1, 1, 0, 1, 1], [1, 1, 0, 0, 1], [1, 1, 0, 1, 1], [1] * 5]


def test_one_chat_asked_often_is_read_once():
    read, logits = generated(MODEL, [[5, 6, 7, 8]] * 16)
    assert read.n_read == 3
    assert torch.equal(logits[0], logits[15])


@pytest.mark.parametrize("chats", [[[5, 6, 7]], [[5, 6], [7, 8, 9]]])
def test_without_anything_in_common_nothing_is_read_ahead(chats):
    read, _ = generated(MODEL, chats)
    assert read.n_read == 0 and read.inputs()["input_ids"].tolist() == read.input_ids.tolist()


@pytest.mark.parametrize("model", [tiny_mistral(3)])
def test_models_that_do_not_see_everything_are_left_alone(model):
    read, _ = generated(model, CHATS)
    assert read.past_key_values is None


def test_nor_when_more_than_a_cache_is_needed():
    read, _ = generated(MODEL, CHATS, ahead=False)
    assert read.past_key_values is None


@settings(max_examples=40, deadline=None)
@given(st.lists(token, max_size=6), st.lists(st.lists(token, min_size=1, max_size=6), min_size=1, max_size=5))
def test_any_chats(shared, rests):
    chats = [shared + rest for rest in rests]
    read, logits = generated(MODEL, chats)
    assert read.n_read < len(chats) * max(map(len, chats))
    for chat, found in zip(chats, logits, strict=True):
        torch.testing.assert_close(found, alone(MODEL, chat), rtol=1e-3, atol=1e-4)
