"""A cache that takes its memory once gives what the cache of transformers gives."""

import pytest
import torch
from tiny_language_models import tiny_lm
from transformers import DynamicCache, MistralConfig, MistralForCausalLM

from condensers.llm.roomy_cache import RoomyLayer, roomy_cache

MODEL = tiny_lm().eval()


def generated(cache, *, n=6):
    ids = torch.tensor([[0, 5, 6, 7], [5, 6, 7, 8], [0, 0, 9, 10]])
    with torch.inference_mode():
        made = MODEL.generate(
            input_ids=ids,
            attention_mask=(ids != 0).long(),
            past_key_values=cache,
            max_new_tokens=n,
            do_sample=False,
            pad_token_id=0,
            eos_token_id=None,
            output_logits=True,
            return_dict_in_generate=True,
        )
    return torch.stack(made.logits, 1)


@pytest.mark.parametrize("room", [0, 2, 6, 50])
def test_logits_are_the_same_bit_for_bit_whatever_the_room(room):
    assert torch.equal(generated(roomy_cache(MODEL, room)), generated(DynamicCache(config=MODEL.config)))


def test_memory_is_taken_once_where_the_room_is_right():
    layer, places = RoomyLayer(3), set()
    for _ in range(4):
        keys, _values = layer.update(torch.ones(2, 1, 1, 4), torch.ones(2, 1, 1, 4))
        places.add(keys.data_ptr())
    assert len(places) == 1 and layer.get_seq_length() == 4
    layer.update(torch.ones(2, 1, 1, 4), torch.ones(2, 1, 1, 4))
    assert layer.get_seq_length() == 5 and layer.keys.data_ptr() not in places


@pytest.mark.parametrize(
    ("change", "rows"),
    [
        (lambda cache: cache.batch_select_indices(torch.tensor([1, 0, 1])), [1, 0, 1]),
        (lambda cache: cache.batch_select_indices(torch.tensor([1, 0])), [1, 0]),
        (lambda cache: cache.batch_repeat_interleave(2), [0, 0, 1, 1]),
        (lambda cache: cache.reorder_cache(torch.tensor([1, 0])), [1, 0]),
    ],
)
def test_rows_that_are_chosen_anew_are_continued(change, rows):
    found = []
    for cache in (roomy_cache(MODEL, 8), DynamicCache(config=MODEL.config)):
        with torch.inference_mode():
            MODEL(torch.tensor([[5, 6, 7], [8, 9, 10]]), past_key_values=cache, use_cache=True)
            change(cache)
            found.append(MODEL(torch.full((len(rows), 1), 11), past_key_values=cache, use_cache=True).logits)
            found.append(MODEL(torch.full((len(rows), 1), 12), past_key_values=cache, use_cache=True).logits)
    assert torch.equal(found[0], found[2]) and torch.equal(found[1], found[3])


def test_tokens_that_are_cut_off_are_overwritten():
    found = []
    for cache in (roomy_cache(MODEL, 8), DynamicCache(config=MODEL.config)):
        with torch.inference_mode():
            MODEL(torch.tensor([[5, 6, 7]]), past_key_values=cache, use_cache=True)
            cache.crop(-1)
            found.append(MODEL(torch.tensor([[8]]), past_key_values=cache, use_cache=True).logits)
    assert torch.equal(*found)


def test_a_cache_that_forgot_everything_begins_again():
    cache = roomy_cache(MODEL, 8)
    first = generated(cache)
    cache.reset()
    assert cache.get_seq_length() == 0 and torch.equal(generated(cache), first)


def test_a_model_that_does_not_see_everything_gets_none():
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    model = MistralForCausalLM(MistralConfig(vocab_size=30, num_key_value_heads=2, sliding_window=3, **sizes))
    assert roomy_cache(model, 8) is None
