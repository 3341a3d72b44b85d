"""A search that looks, at every token, where its texts have come to."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import LogitsProcessor, LogitsProcessorList, PreTrainedTokenizerBase

from condensers.embedding import Embedder


class TextVectors:
    """Vectors of texts; each text is embedded once.

    Args:
        embedder: What embeds them.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, np.ndarray] = {}

    def of(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts, which may repeat.

        Shape:
            returns: (n_texts, embedding_dim), float32.
        """
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._embedder.encode(new), strict=True))
        return np.stack([self._known[text] for text in texts])


class EmbeddingGuidance(LogitsProcessor):
    r"""Makes a beam search for the likeliest text one for a likely text that is near to a target.

    A text :math:`x` for the target :math:`e` scores :math:`\log p(x) + \gamma \cos(\phi(x), e)`, with :math:`\phi` the
    embedder: the guided search of Zhang, Morris & Shmatikov 2025 (Universal Zero-shot Embedding Inversion), whose
    texts come from a language model that knows nothing of the target. To each token is added what it changes in the
    cosine, so that a beam search, which sums over tokens, compares whole texts by this score. Only the likeliest
    next tokens of a beam are embedded; the others are ruled out. The end of a text changes no cosine.

    Noise of a Gumbel distribution, scaled by the temperature, makes the search draw: added to the scores of all tokens
    it would make the best of them a sample (Kool, van Hoof & Welling 2019).

    Args:
        targets: What the texts shall be near to.
        vectors: Embeds texts.
        processing_class: Turns tokens into texts.
        num_beams: Of the search.
        guidance: :math:`\gamma`, in nats for a cosine of 1.
        branching: Next tokens embedded for each beam.
        temperature: Size of the noise; 0 for none.

    Shape:
        targets: (n_points, embedding_dim), of unit length, in the order of the batch.
    """

    def __init__(
        self,
        targets: np.ndarray,
        vectors: TextVectors,
        processing_class: PreTrainedTokenizerBase,
        *,
        num_beams: int,
        guidance: float,
        branching: int,
        temperature: float,
    ) -> None:
        self._targets = np.repeat(targets, num_beams, axis=0)
        self._vectors = vectors
        self._processing_class = processing_class
        self._guidance = guidance
        self._branching = branching
        self._temperature = temperature

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Rules out all but a few next tokens, and adds what these change in the cosine.

        Shape:
            input_ids: (n_points times num_beams, n_tokens), what the beams have written.
            scores: (n_points times num_beams, n_vocabulary), log-probabilities.
            returns: as `scores`.
        """
        top, tokens = scores.topk(min(self._branching, scores.shape[1]), dim=1)
        longer = torch.cat([input_ids.repeat_interleave(tokens.shape[1], dim=0), tokens.reshape(-1, 1)], dim=1)
        change = self._cosines(longer).reshape(tokens.shape)
        if input_ids.shape[1]:
            change -= self._cosines(input_ids)[:, None]
        top = top + self._guidance * torch.from_numpy(change).to(top)
        if self._temperature:
            uniform = torch.rand_like(top).clamp(min=torch.finfo(top.dtype).tiny)
            top = top - self._temperature * torch.log(-torch.log(uniform))
        return torch.full_like(scores, float("-inf")).scatter(1, tokens, top)

    def _cosines(self, token_ids: torch.Tensor) -> np.ndarray:
        """Cosine of each text to its target; shape (n_texts,), float32. Each target has equally many texts."""
        targets = np.repeat(self._targets, len(token_ids) // len(self._targets), axis=0)
        texts = [text.strip() for text in self._processing_class.batch_decode(token_ids, skip_special_tokens=True)]
        return np.einsum("ij,ij->i", self._vectors.of(texts), targets)


def guided_search(
    targets: np.ndarray,
    vectors: TextVectors,
    processing_class: PreTrainedTokenizerBase,
    *,
    num_beams: int,
    guidance: float,
    branching: int,
    temperature: float,
) -> dict[str, Any]:
    """Options that make `generate` search in this way and give every beam; see `EmbeddingGuidance`."""
    processor = EmbeddingGuidance(
        targets,
        vectors,
        processing_class,
        num_beams=num_beams,
        guidance=guidance,
        branching=branching,
        temperature=temperature,
    )
    found = {
        "logits_processor": LogitsProcessorList([processor]),
        "num_beams": num_beams,
        "num_return_sequences": num_beams,
    }
    # A score is that of the whole text, and may grow with it. One beam is a greedy search: it knows neither word.
    return found | ({"length_penalty": 0.0, "early_stopping": "never"} if num_beams > 1 else {})
