"""Classifiers of a few hundred weights, and rows they can learn."""

from functools import cache

import torch
from conftest import WORDS, make_rows
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer, TrainerCallback

NAMES = tuple(WORDS)
_VOCAB = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(word for words in WORDS.values() for word in words)]
_VOCAB += [f"number{i}" for i in range(100)]


def tiny_tokenizer():
    return BertTokenizer(vocab={word: i for i, word in enumerate(_VOCAB)}, model_max_length=32)


def tiny_model(seed=0, *, names=NAMES, dropout=0.0):
    """A BERT of two layers; `names` may be a number of classes without names."""
    torch.manual_seed(seed)
    n_classes = names if isinstance(names, int) else len(names)
    labels = {} if isinstance(names, int) else {"id2label": dict(enumerate(names))}
    config = BertConfig(
        vocab_size=len(_VOCAB),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        initializer_range=0.2,
        num_labels=n_classes,
        **labels,
    )
    return BertForSequenceClassification(config)


@cache
def tiny_rows(per_class=8, seed=0):
    """Tokenised rows with a ClassLabel and their text."""
    tokenizer = tiny_tokenizer()
    return make_rows(per_class, seed).map(lambda row: tokenizer(row["text"]))


class KillAt(TrainerCallback):
    """Ends a run after a step as Ctrl-C does."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            raise KeyboardInterrupt
