"""A beam search that is guided by the cosine to a target, against its definition and an exhaustive search."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_inverters import BACKBONES, tiny_inverter
from tiny_language_models import tiny_lm_tokenizer
from word_embedder import WordEmbedder

from condensers.inversion.inverter.guidance import EmbeddingGuidance, TextVectors, guided_search

TOKENIZER = tiny_lm_tokenizer()
N_TOKENS = len(TOKENIZER)


class CountingEmbedder(WordEmbedder):
    """Knows which texts it has embedded."""

    def __init__(self):
        super().__init__()
        self.texts = []

    def encode(self, texts):
        self.texts += texts
        return super().encode(texts)


def guidance(targets, *, embedder=None, num_beams=1, strength=10.0, branching=N_TOKENS, temperature=0.0):
    return EmbeddingGuidance(
        targets,
        TextVectors(embedder or WordEmbedder()),
        TOKENIZER,
        num_beams=num_beams,
        guidance=strength,
        branching=branching,
        temperature=temperature,
    )


def ids_of(text):
    return torch.tensor([TOKENIZER(text, add_special_tokens=False)["input_ids"]])


def decoded(ids):
    return TOKENIZER.decode(ids, skip_special_tokens=True).strip()


def test_by_hand():
    embedder = WordEmbedder()
    target = embedder.encode(["apple pear"])
    written, word = ids_of("apple"), ids_of("pear")[0, 0].item()
    scores = torch.full((1, N_TOKENS), -8.0)
    scores[0, word] = -1.0
    scores[0, TOKENIZER.eos_token_id] = -2.0
    found = guidance(target, strength=10.0, branching=2)(written, scores)
    before = float((embedder.encode(["apple"]) @ target.T).item())
    assert found[0, word].item() == pytest.approx(-1.0 + 10 * (1 - before), abs=1e-5)
    assert found[0, TOKENIZER.eos_token_id].item() == pytest.approx(-2.0, abs=1e-5)
    assert torch.isinf(found).sum() == N_TOKENS - 2


@given(st.lists(st.integers(0, N_TOKENS - 1), min_size=1, max_size=5), st.floats(0.1, 500))
@settings(max_examples=30, deadline=None)
def test_what_is_added_to_the_tokens_of_a_text_is_its_cosine(tokens, strength):
    target = WordEmbedder().encode(["apple pear"])
    guide = guidance(target, strength=strength)
    written, added = torch.empty((1, 0), dtype=torch.int64), 0.0
    for token in tokens:
        added += guide(written, torch.zeros((1, N_TOKENS)))[0, token].item()
        written = torch.cat([written, torch.tensor([[token]])], dim=1)
    cosine = float((WordEmbedder().encode([decoded(tokens)]) @ target.T).item())
    assert added == pytest.approx(strength * cosine, abs=1e-3 * strength)


def test_each_target_guides_its_own_beams():
    targets = WordEmbedder().encode(["apple", "pear"])
    words = [ids_of(word)[0, 0].item() for word in ("apple", "pear")]
    found = guidance(targets, num_beams=2)(torch.empty((4, 0), dtype=torch.int64), torch.zeros((4, N_TOKENS)))
    best = [words[row[words].argmax()] for row in found]
    assert best == [words[0], words[0], words[1], words[1]]


def test_a_text_is_embedded_once():
    embedder = CountingEmbedder()
    guide = guidance(embedder.encode(["apple"]), embedder=embedder, num_beams=2)
    embedder.texts.clear()
    for _ in range(2):
        guide(torch.empty((2, 0), dtype=torch.int64), torch.zeros((2, N_TOKENS)))
    assert len(embedder.texts) == len(set(embedder.texts)) > 1


def test_noise_makes_it_draw_in_proportion():
    # Two tokens that lead to the same text: only their log-probabilities and the noise tell them apart.
    end, pad = TOKENIZER.eos_token_id, TOKENIZER.pad_token_id
    scores = torch.full((4000, N_TOKENS), -50.0)
    scores[:, end], scores[:, pad] = np.log(0.8), np.log(0.2)
    torch.manual_seed(0)
    targets = WordEmbedder().encode(["apple"]).repeat(4000, axis=0)
    found = guidance(targets, branching=2, temperature=1.0)(ids_of("apple").repeat(4000, 1), scores)
    share = (found.argmax(dim=1) == end).float().mean().item()
    assert share == pytest.approx(0.8, abs=4 * (0.8 * 0.2 / 4000) ** 0.5)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_wide_search_finds_the_best_of_all_texts(backbone):
    """Against the score of every text of at most two tokens."""
    embedder = WordEmbedder()
    inverter = tiny_inverter(backbone, embedder=embedder, max_new_tokens=3).eval()
    target = embedder.encode(["apple pear"])
    end = TOKENIZER.eos_token_id
    others = [token for token in range(N_TOKENS) if token not in (end, TOKENIZER.pad_token_id)]
    texts = [(), *((token,) for token in others), *product(others, repeat=2)]
    labels = torch.full((len(texts), 3), -100)
    for row, tokens in zip(labels, texts, strict=True):
        row[: len(tokens) + 1] = torch.tensor([*tokens, end])
    with torch.no_grad():
        logits = inverter(torch.from_numpy(target).expand(len(texts), -1), labels).logits.log_softmax(-1)
    given_labels = labels.clamp(min=0)
    log_probs = logits.gather(2, given_labels[..., None])[..., 0].masked_fill(labels < 0, 0).sum(1).numpy()
    cosines = embedder.encode([decoded(tokens) for tokens in texts]) @ target[0]
    best = decoded(texts[int(np.argmax(log_probs + 20 * cosines))])
    search = guided_search(
        target,
        TextVectors(embedder),
        TOKENIZER,
        num_beams=N_TOKENS,
        guidance=20.0,
        branching=N_TOKENS,
        temperature=0.0,
    )
    assert inverter.write(target, **search)[0] == best
