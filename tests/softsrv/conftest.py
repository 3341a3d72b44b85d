"""A trained adapter; training it takes seconds, so it is done once."""

import pytest
from tiny_adapters import tiny_adapter
from tiny_inverters import word_rows
from tiny_language_models import tiny_lm_tokenizer
from word_embedder import WordEmbedder

from condensers import SoftSRVTrainer, SoftSRVTrainingConfig


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    model = tiny_adapter(mlp_hidden_size=32)
    args = SoftSRVTrainingConfig(
        output_dir=str(tmp_path_factory.mktemp("adapter")),
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        learning_rate=1e-2,
        max_steps=150,
    )
    given = {"embedder": WordEmbedder(), "processing_class": tiny_lm_tokenizer()}
    SoftSRVTrainer(model, args, train_dataset=word_rows(96), **given).train()
    return model.eval()
