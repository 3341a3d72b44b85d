"""A nucleus found among the likeliest tokens is the one that sorting the vocabulary finds."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import TopPLogitsWarper

from condensers.llm import seeded_sampling
from condensers.llm.seeded_sampling import Nucleus


def test_a_nucleus_by_hand():
    scores = torch.tensor([[0.5, 0.3, 0.15, 0.05], [0.05, 0.15, 0.3, 0.5], [0.97, 0.01, 0.01, 0.01]]).log()
    kept = Nucleus(0.75)(torch.empty(3, 0), scores)
    # 0.5 does not reach 0.75, 0.5 + 0.3 does; 0.97 does alone.
    assert kept.isfinite().tolist() == [[True, True, False, False], [False, False, True, True], [True] + [False] * 3]
    assert torch.equal(kept[kept.isfinite()], scores[kept.isfinite()])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 0.99), st.sampled_from([0.1, 1.0, 5.0]), st.sampled_from([4, 40, 400]))
def test_it_is_that_of_transformers(seed, top_p, spread, likeliest):
    scores = spread * torch.randn(5, 300, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    expected = TopPLogitsWarper(top_p)(None, scores)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seeded_sampling, "_LIKELIEST", likeliest)
        assert torch.equal(Nucleus(top_p)(torch.empty(5, 0), scores), expected)
