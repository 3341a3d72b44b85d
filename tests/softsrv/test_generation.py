"""Writing with an adapter: batches, seeds, ends."""

import numpy as np
import pytest
import torch
from tiny_adapters import contexts, encoder_of, tiny_adapter
from tiny_inverters import word_rows
from tiny_language_models import tiny_lm, tiny_lm_tokenizer

from condensers.errors import RowError, SettingError
from condensers.llm import SamplingSettings
from condensers.softsrv.generation import SoftSRVWriter

GREEDY = SamplingSettings(temperature=0, max_tokens=8)
DRAWN = SamplingSettings(max_tokens=8)


def writer(model, sampling=DRAWN, **settings):
    return SoftSRVWriter(model, tiny_lm_tokenizer(), sampling, **settings)


def test_texts_are_those_of_generate(trained):
    z = contexts(5)
    tokens = trained.generate(context=z, max_new_tokens=8, do_sample=False)
    expected = tiny_lm_tokenizer().batch_decode(tokens, skip_special_tokens=True)
    found = writer(trained, GREEDY, batch_size=2).write(z.numpy())
    assert found.texts == expected
    for row, n, finished in zip(tokens.tolist(), found.n_tokens, found.is_finished, strict=True):
        assert finished == (2 in row)
        assert n == (row.index(2) + 1 if finished else 8)


@pytest.mark.parametrize("sampling", [GREEDY, DRAWN], ids=["greedy", "drawn"])
def test_neither_the_batch_nor_the_order_changes_a_text(trained, sampling):
    z = contexts(7).numpy()
    expected = writer(trained, sampling, batch_size=7).write(z).texts
    for batch_size, lengths in ((1, None), (3, [5, 1, 9, 2, 2, 7, 3]), (16, range(7))):
        assert writer(trained, sampling, batch_size=batch_size).write(z, lengths).texts == expected


def test_texts_of_like_length_share_a_batch(trained, monkeypatch):
    seen = []
    tuner = trained.base_model
    virtual_tokens = tuner.virtual_tokens
    monkeypatch.setattr(tuner, "virtual_tokens", lambda context: seen.append(context) or virtual_tokens(context))
    z = contexts(4).numpy()
    writer(trained, batch_size=2).write(z, [3, 9, 1, 8])
    np.testing.assert_array_equal(np.concatenate(seen), z[[1, 3, 0, 2]])


def test_the_seed_fixes_the_texts_and_repeated_contexts_draw_anew(trained):
    z = contexts(1).numpy().repeat(12, axis=0)
    state = torch.get_rng_state()
    first = writer(trained).write(z).texts
    assert torch.get_rng_state().equal(state)
    assert writer(trained).write(z).texts == first
    assert len(set(first)) > 3
    assert writer(trained, SamplingSettings(max_tokens=8, seed=1)).write(z).texts != first


def test_draws_follow_the_probabilities_of_the_model(trained):
    """First words of 600 draws against the softmax of the model."""
    z = contexts(1)
    probabilities = trained(context=z, labels=torch.tensor([[3]])).logits[0, 0].softmax(-1)
    one = SamplingSettings(max_tokens=1)
    texts = writer(trained, one, batch_size=200).write(z.numpy().repeat(600, axis=0)).texts
    tokenizer = tiny_lm_tokenizer()
    counts = torch.bincount(torch.tensor([tokenizer(text)["input_ids"][0] if text else 2 for text in texts]))
    shares = torch.nn.functional.pad(counts, (0, 27 - len(counts))) / 600
    assert (shares - probabilities).abs().max() < 0.08
    assert (shares - torch.full((27,), 1 / 27)).abs().max() > 0.08


def test_a_text_is_closer_to_its_own_context_than_to_others(trained, embedder):
    rows = word_rows(24, seed=9)["text"][:]
    targets = embedder.encode(rows)
    cosines = embedder.encode(writer(trained, GREEDY).write(targets).texts) @ targets.T
    untrained = embedder.encode(writer(tiny_adapter(), GREEDY).write(targets).texts) @ targets.T
    assert np.diag(cosines).mean() > cosines[~np.eye(24, dtype=bool)].mean() + 0.3
    assert np.diag(cosines).mean() > np.diag(untrained).mean() + 0.3


def test_a_static_adapter_looks_at_the_number_of_contexts_alone():
    model = tiny_adapter("static")
    found = writer(model).write(np.zeros((5, 3), dtype=np.float32))
    assert found.texts == writer(model).write(contexts(5).numpy()).texts


def test_a_model_in_training_stays_so():
    model = tiny_adapter(base=tiny_lm(dropout=0.5)).train()
    first = writer(model, GREEDY).write(contexts().numpy()).texts
    assert model.training and writer(model, GREEDY).write(contexts().numpy()).texts == first
    assert all(weight.requires_grad for weight in encoder_of(model).parameters())


def test_mistakes(trained):
    with pytest.raises(RowError, match="no contexts to write texts for"):
        writer(trained).write(np.zeros((0, 32), dtype=np.float32))
    with pytest.raises(RowError, match="`lengths` must be as many as the contexts, 3; got 2"):
        writer(trained).write(contexts().numpy(), [1, 2])
    with pytest.raises(SettingError, match="must have the shape"):
        writer(trained).write(contexts(dim=8).numpy())
    with pytest.raises(SettingError, match="`batch_size` must be at least 1; got 0"):
        writer(trained, batch_size=0)
    with pytest.raises(SettingError, match="must have an active SoftSRV adapter"):
        writer(tiny_lm())
    with pytest.raises(SettingError, match="leave `stop` out"):
        writer(trained, SamplingSettings(stop=("\n",)))
