"""A tiny BERT with a WordPiece vocabulary of the words that the test texts use."""

import pytest
from conftest import WORDS, make_rows

from condensers.data import Columns, read_rows


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory):
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = [word for group in WORDS.values() for word in group]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    folder = tmp_path_factory.mktemp("tiny-bert")
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=64,
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def as_rows(dataset):
    return read_rows(dataset, Columns(("text",), "label"))


@pytest.fixture
def train():
    return as_rows(make_rows(per_class=8, seed=0))


@pytest.fixture
def test():
    return as_rows(make_rows(per_class=20, seed=1))
