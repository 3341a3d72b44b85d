"""A recurrent network over word vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from condensers.data import temporary_seed
from condensers.embedding import DEFAULT_EMBEDDER
from condensers.evaluation.learners.batching import iter_by_length
from condensers.evaluation.learners.folders import learner_folder
from condensers.evaluation.learners.protocol import check_training_rows, relative_weights
from condensers.evaluation.learners.settings import check_settings
from condensers.evaluation.learners.threads import one_thread
from condensers.evaluation.learners.word_vectors import read_word_vectors

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class TextRNN:
    """The TextRNN of PInR (Tables 6 and 7): a bidirectional LSTM of two layers over pretrained word vectors.

    The paper starts from 100-dimensional GloVe vectors. Here the words are the word pieces of a Hugging Face model and
    their vectors the first 100 principal components of its input table, at GloVe's scale, since that table is at hand
    wherever the model is. The paper tunes batch size (1 to 32) and learning rate (5e-4 to 5e-3) for each dataset and
    method; the defaults lie in between and are the same for all.

    Attributes:
        model: Whose tokenizer and input table are read; Hub id, folder or ``"offline"``.
        pretrained: Start from that table; False draws it at random.
        embedding_dim: Dimensions of a word.
        hidden_dim: Width of each direction of each layer.
        n_layers: Layers.
        dropout: Rate on word vectors, between layers and before the output.
        max_length: Tokens a text, the rest cut off.
        num_epochs: Passes over the rows.
        learning_rate: Of Adam.
        batch_size: Rows a step.

    Raises:
        SettingError: if a setting is out of its range.
    """

    model: str | Path = DEFAULT_EMBEDDER
    pretrained: bool = True
    embedding_dim: int = 100
    hidden_dim: int = 100
    n_layers: int = 2
    dropout: float = 0.5
    max_length: int = 128
    num_epochs: int = 20
    learning_rate: float = 2e-3
    batch_size: int = 2
    name: ClassVar[str] = "text_rnn"

    def __post_init__(self) -> None:
        check_settings(
            self,
            whole=("embedding_dim", "hidden_dim", "n_layers", "max_length", "num_epochs", "batch_size"),
            positive=("learning_rate",),
            shares=("dropout",),
        )

    def fit(
        self,
        texts: Sequence[str],
        codes: np.ndarray,
        n_classes: int,
        *,
        seed: int,
        weights: np.ndarray | None = None,
    ) -> "TextRNNClassifier":
        """Trains a network; see `Learner.fit`.

        Raises:
            RowError: if texts, codes and weights do not fit together.
            SourceNotFoundError: if the model is not to be had.
            SettingError: if its table has fewer than `embedding_dim` columns.
        """
        import torch
        from transformers import AutoTokenizer

        codes = check_training_rows(texts, codes, n_classes)
        weights = relative_weights(weights, len(texts))
        folder = learner_folder(self.model)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokens = _tokenize(texts, tokenizer, self.max_length)
        with one_thread(), temporary_seed(seed):
            table = self._table(folder, len(tokenizer))
            # Words that no training row holds get no gradient, so training a small table of those seen is the same.
            seen = np.unique(np.concatenate(tokens))
            network = _build(self, torch.from_numpy(table[seen]), n_classes)
            ids = [torch.from_numpy(np.searchsorted(seen, row)) for row in tokens]
            _train(self, network, ids, codes, np.ones(len(ids)) if weights is None else weights)
        table[seen] = network.get_parameter("words.weight").detach().numpy()
        network["words"] = torch.nn.Embedding.from_pretrained(torch.from_numpy(table))
        return TextRNNClassifier(network.eval(), tokenizer, self.max_length)

    def _table(self, folder: Path, vocab_size: int) -> np.ndarray:
        if self.pretrained:
            return read_word_vectors(folder, self.embedding_dim)
        import torch

        return torch.randn(vocab_size, self.embedding_dim).numpy()


@dataclass(frozen=True)
class TextRNNClassifier:
    """A trained TextRNN.

    Attributes:
        network: Its layers.
        tokenizer: Splits texts into word pieces.
        max_length: Tokens a text, the rest cut off.
    """

    network: "nn.ModuleDict"
    tokenizer: "PreTrainedTokenizerBase"
    max_length: int

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        """Classifies texts, in batches of about equal length; see `Classifier.predict`.

        Shape:
            returns: (n_texts,), int64.
        """
        import torch

        tokens = [torch.from_numpy(row) for row in _tokenize(texts, self.tokenizer, self.max_length)]
        codes = np.empty(len(tokens), dtype=np.int64)
        with one_thread(), torch.inference_mode():
            for positions in iter_by_length([len(row) for row in tokens], 256):
                codes[positions] = _logits(self.network, [tokens[i] for i in positions]).argmax(dim=1).numpy()
        return codes


def _tokenize(texts: Sequence[str], tokenizer: "PreTrainedTokenizerBase", max_length: int) -> list[np.ndarray]:
    unknown = tokenizer.unk_token_id or 0
    encoded = tokenizer(list(texts), add_special_tokens=False, truncation=True, max_length=max_length)["input_ids"]
    return [np.asarray(ids or [unknown], dtype=np.int64) for ids in encoded]


def _build(settings: TextRNN, words: "Tensor", n_classes: int) -> "nn.ModuleDict":
    from torch import nn

    recurrent = nn.LSTM(
        settings.embedding_dim,
        settings.hidden_dim,
        num_layers=settings.n_layers,
        bidirectional=True,
        dropout=settings.dropout if settings.n_layers > 1 else 0.0,
    )
    return nn.ModuleDict(
        {
            "words": nn.Embedding.from_pretrained(words, freeze=False),
            "recurrent": recurrent,
            "dropout": nn.Dropout(settings.dropout),
            "output": nn.Linear(2 * settings.hidden_dim, n_classes),
        }
    )


def _logits(network: "nn.ModuleDict", ids: "list[Tensor]") -> "Tensor":
    """Class scores from the last states of both directions; packed, so that padding cannot matter.

    Shape:
        ids: each (length,), int64; returns: (batch, n_classes).
    """
    import torch
    from torch.nn.utils.rnn import pack_sequence

    packed = pack_sequence(ids, enforce_sorted=False)
    vectors = network["dropout"](network["words"](packed.data))
    _, (states, _) = network["recurrent"](packed._replace(data=vectors))
    return network["output"](network["dropout"](torch.cat([states[-2], states[-1]], dim=1)))


def _train(
    settings: TextRNN, network: "nn.ModuleDict", ids: "list[Tensor]", codes: np.ndarray, weights: np.ndarray
) -> None:
    import torch

    labels, shares = torch.from_numpy(codes), torch.from_numpy(weights).float()
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    network.train()
    for _ in range(settings.num_epochs):
        for batch in torch.randperm(len(ids)).split(settings.batch_size):
            logits = _logits(network, [ids[i] for i in batch.tolist()])
            losses = torch.nn.functional.cross_entropy(logits, labels[batch], reduction="none")
            loss = (shares[batch] * losses).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
