"""Inverters of a few thousand weights, around a T5 and around a decoder-only model, and texts they can learn."""

import random

import torch
from conftest import WORDS
from datasets import Dataset
from tiny_language_models import tiny_lm, tiny_lm_tokenizer
from transformers import T5Config, T5ForConditionalGeneration
from word_embedder import WordEmbedder

from condensers.inversion.inverter import EmbeddingInverter, InverterTrainer, InverterTrainingConfig

BACKBONES = ("causal", "t5")


def tiny_t5(seed=0):
    torch.manual_seed(seed)
    config = T5Config(
        vocab_size=len(tiny_lm_tokenizer()),
        d_model=16,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_decoder_layers=2,
        num_heads=2,
        dropout_rate=0.0,
        pad_token_id=0,
        decoder_start_token_id=0,
        eos_token_id=2,
    )
    return T5ForConditionalGeneration(config)


def tiny_inverter(backbone="causal", *, embedder=None, seed=0, **settings):
    model = tiny_lm(seed) if backbone == "causal" else tiny_t5(seed)
    return EmbeddingInverter.from_backbone(
        model,
        embedder=embedder or WordEmbedder(),
        processing_class=tiny_lm_tokenizer(),
        **{"num_virtual_tokens": 2, "max_new_tokens": 6} | settings,
    )


def word_rows(n_rows=48, seed=0):
    """Texts of one to three words out of eight."""
    draw = random.Random(seed)
    words = WORDS["fruit"]
    return Dataset.from_dict({"text": [" ".join(draw.sample(words, draw.randint(1, 3))) for _ in range(n_rows)]})


def trainer_for(model, folder, rows, *, embedder=None, inverter=None, **settings):
    given = {
        "output_dir": str(folder),
        "use_cpu": True,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
        "logging_strategy": "no",
        "learning_rate": 1e-2,
        "per_device_train_batch_size": 16,
        "seed": 0,
    }
    args = InverterTrainingConfig(**given | settings)
    return InverterTrainer(model, args, train_dataset=rows, embedder=embedder or WordEmbedder(), inverter=inverter)
