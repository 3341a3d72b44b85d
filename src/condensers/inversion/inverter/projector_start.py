"""Where the training of a projector begins: at what a linear map can tell of the words of a text."""

from collections.abc import Sequence

import numpy as np
import torch

from condensers.inversion.inverter.network import EmbeddingProjector

# More rows change the map little.
MAX_ROWS = 20_000
_BLOCK = 1024
_RIDGE = 1e-3


@torch.no_grad()
def start_projector(
    projector: EmbeddingProjector,
    words: torch.Tensor,
    embeddings: np.ndarray,
    token_ids: Sequence[Sequence[int]],
) -> float:
    r"""Fits the last layer so that each pseudo-token points where the words of its part of the text do.

    With :math:`\phi(e) = \sigma(W_1 e)` of a projector as it was drawn, :math:`W_2` is the ridge regression of
    :math:`\phi(e)` on :math:`(\bar w_1, \ldots, \bar w_k)`, the mean word vectors of k equal parts of the text. So a
    language model reads something like the text from the first step on, where random pseudo-tokens would have it
    first learn what they mean. Ours; vec2text (Morris et al. 2023) begins at random.

    Args:
        projector: What is fitted, in place.
        words: Word vectors of the language model.
        embeddings: Vectors of texts; the first 20,000 are used.
        token_ids: Tokens of each, at least one.

    Shape:
        words: (n_vocabulary, hidden_size).
        embeddings: (n_texts, embedding_dim), of unit length.

    Returns:
        Share of the variance of the mean word vectors that the fit explains, 0 to 1.
    """
    n_virtual, width = projector.shape
    n_rows = min(len(token_ids), MAX_ROWS)
    n_features = projector.down.in_features + 1
    device = words.device
    gram = torch.zeros((n_features, n_features), dtype=torch.float64, device=device)
    cross = torch.zeros((n_features, n_virtual * width), dtype=torch.float64, device=device)
    square = torch.zeros(n_virtual * width, dtype=torch.float64, device=device)
    for start in range(0, n_rows, _BLOCK):
        block = slice(start, min(start + _BLOCK, n_rows))
        features = projector.features(torch.as_tensor(np.array(embeddings[block]), device=device)).double()
        features = torch.cat([features, torch.ones_like(features[:, :1])], dim=1)
        wanted = part_means(words, token_ids[block], n_virtual).flatten(1).double()
        gram += features.T @ features
        cross += features.T @ wanted
        square += wanted.square().sum(0)
    # The last feature is constant: its products are sums, and it is not shrunk.
    penalty = torch.full((n_features,), _RIDGE * float(gram.diagonal()[:-1].mean()), dtype=torch.float64)
    penalty[-1] = 0.0
    solution = torch.linalg.solve(gram + torch.diag(penalty.to(device)), cross)
    projector.down.weight.copy_(solution[:-1].T)
    projector.down.bias.copy_(solution[-1])
    residual = square - 2 * (solution * cross).sum(0) + (solution * (gram @ solution)).sum(0)
    total = square - cross[-1].square() / n_rows
    return float(1 - residual.sum() / total.sum())


def part_means(words: torch.Tensor, token_ids: Sequence[Sequence[int]], n_parts: int) -> torch.Tensor:
    """Mean word vectors of parts of texts; where a text has fewer words than parts, some words are in several.

    Shape:
        words: (n_vocabulary, hidden_size).
        returns: (n_texts, n_parts, hidden_size).
    """
    lengths = np.asarray([len(ids) for ids in token_ids])
    flat = torch.tensor([token for ids in token_ids for token in ids], device=words.device)
    first = np.cumsum(lengths)[:, None] - lengths[:, None]
    begin = np.arange(n_parts) * lengths[:, None] // n_parts
    end = np.maximum(begin + 1, (np.arange(n_parts) + 1) * lengths[:, None] // n_parts)
    sums = torch.cat([words.new_zeros((1, words.shape[1]), dtype=torch.float64), words[flat].double().cumsum(0)])
    # Differences of running sums: one pass over the words, whatever the parts.
    total = sums[torch.as_tensor(first + end, device=words.device)]
    total -= sums[torch.as_tensor(first + begin, device=words.device)]
    return (total / torch.as_tensor(end - begin, device=words.device)[..., None]).to(words.dtype)
