"""Rows that have ended leave their batch, and nothing else changes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_language_models import tiny_lm

from condensers.llm import SamplingSettings
from condensers.llm.roomy_cache import roomy_cache
from condensers.llm.row_generation import generate_rows

# In float64, since float32 rounds in another way for each number of rows, and two tokens can be that close.
MODEL = tiny_lm().double().eval()
VOCABULARY = MODEL.config.vocab_size
DRAWN = SamplingSettings(temperature=1.0)


def rows_of(ids, limits, *, leaving=True, ends=(2, 3, 4), seeds=None, stop=None, embeds=False, model=MODEL):
    ids = torch.tensor(ids)
    mask = (ids != 0).long()
    inputs = {"inputs_embeds": model.get_input_embeddings()(ids)} if embeds else {"input_ids": ids}
    with torch.inference_mode():
        return generate_rows(
            model,
            {**inputs, "attention_mask": mask},
            cache=roomy_cache(model, max(limits)) if leaving else None,
            sampling=DRAWN,
            seeds=range(len(ids)) if seeds is None else seeds,
            limits=limits,
            end_tokens=ends,
            pad_token_id=0,
            stop=stop,
        )


def until_end(row, ends=(2, 3, 4)):
    place = next((i for i, token in enumerate(row) if token in ends), len(row) - 1)
    return row[: place + 1]


@pytest.fixture
def n_rows():
    """With how many rows the model is called, each time."""
    counts = []
    hook = MODEL.register_forward_hook(lambda _model, _inputs, out: counts.append(len(out.logits)))
    yield counts
    hook.remove()


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.lists(st.integers(5, VOCABULARY - 1), min_size=3, max_size=3), min_size=1, max_size=9),
    st.data(),
    st.booleans(),
)
def test_a_row_is_what_it_is_alone(ids, data, embeds):
    limits = data.draw(st.lists(st.integers(1, 12), min_size=len(ids), max_size=len(ids)))
    made = rows_of(ids, limits, embeds=embeds)
    for i, (one, limit) in enumerate(zip(ids, limits, strict=True)):
        (alone,) = rows_of([one], [limit], seeds=[i], leaving=False)
        assert until_end(made[i]) == until_end(alone)
        assert len(made[i]) <= limit


def test_rows_leave_once_a_quarter_is_through(n_rows):
    made = rows_of([[5, 6, 7]] * 8, [2, 2, 4, 4, 4, 4, 9, 9], ends=())
    assert list(map(len, made)) == [2, 2, 4, 4, 4, 4, 9, 9]
    # Each token is one call: the first two are those of all, the next two those of six.
    assert n_rows == [8, 8, 6, 6, 2, 2, 2, 2, 2]


def test_without_a_cache_all_rows_stay_to_the_end(n_rows):
    made = rows_of([[5, 6, 7]] * 4, [1, 1, 1, 6], ends=(), leaving=False)
    assert list(map(len, made)) == [1, 1, 1, 6]
    assert n_rows == [4] * 6


def test_a_stop_ends_a_row_and_sees_the_prompt_each_time():
    seen = []

    def stop(input_ids, _):
        seen.append(input_ids[:, :3].tolist())
        return torch.tensor([len(seen) >= 2] * len(input_ids))

    made = rows_of([[5, 6, 7], [8, 9, 10]], [6, 6], ends=(), stop=stop)
    assert [len(row) for row in made] == [2, 2]
    assert seen == [[[5, 6, 7], [8, 9, 10]]] * 2


@pytest.mark.parametrize("leaving", [True, False])
def test_padding_before_a_prompt_is_not_read(leaving):
    made = rows_of([[0, 0, 7], [5, 6, 7]], [3, 6], ends=(), leaving=leaving)
    (alone,) = rows_of([[7]], [3], ends=(), seeds=[0], leaving=False)
    assert made[0] == alone
