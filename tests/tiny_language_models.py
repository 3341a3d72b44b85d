"""Language models of a few thousand weights, and rows they can learn."""

import random

import torch
from conftest import WORDS
from datasets import Dataset
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

_WORDS = ["<pad>", "<unk>", "</s>", *(word for words in WORDS.values() for word in words)]


def tiny_lm_tokenizer(words=_WORDS):
    """Whole words, no special token in front."""
    core = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    core.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", unk_token="<unk>", eos_token="</s>", model_max_length=32
    )


def tiny_lm(seed=0, *, dropout=0.0, vocab_size=None):
    """A Llama of two layers."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocab_size or len(_WORDS),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=32,
        attention_dropout=dropout,
        initializer_range=0.3,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=2,
    )
    return LlamaForCausalLM(config)


def lm_rows(n_rows=11, seed=0, *, prompts=False):
    """Texts of 3 to 8 words of one class each; with `prompts`, the first two words are the prompt."""
    draw = random.Random(seed)
    texts = []
    for i in range(n_rows):
        words = list(WORDS.values())[i % len(WORDS)]
        texts.append([draw.choice(words) for _ in range(draw.randint(3, 8))])
    if not prompts:
        return Dataset.from_dict({"text": [" ".join(words) for words in texts]})
    return Dataset.from_dict(
        {
            "prompt": [" ".join(words[:2]) + " " for words in texts],
            "completion": [" ".join(words[2:]) + " " for words in texts],
        }
    )
