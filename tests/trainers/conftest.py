"""Runs of a few steps on rows that a tiny model can learn."""

import pytest
import torch
from tiny_classifiers import tiny_model, tiny_tokenizer


@pytest.fixture
def settings(tmp_path):
    """Settings of a short run on the CPU, as a function of changes to them."""

    def make(kind, **changes):
        given = {
            "output_dir": str(tmp_path / "run"),
            "per_device_train_batch_size": 8,
            "num_train_epochs": 2,
            "learning_rate": 1e-2,
            "report_to": "none",
            "use_cpu": True,
            "disable_tqdm": True,
            "save_strategy": "no",
            "logging_steps": 1,
        }
        return kind(**(given | changes))

    return make


@pytest.fixture
def run():
    """Trains a tiny model with a trainer class and returns the trainer."""

    def train(kind, args, rows, *, model=None, resume=None, **options):
        trainer = kind(
            model=model if model is not None else tiny_model(dropout=0.1),
            args=args,
            train_dataset=rows,
            processing_class=tiny_tokenizer(),
            **options,
        )
        trainer.train(resume_from_checkpoint=resume)
        return trainer

    return train


@pytest.fixture
def assert_same_model():
    """Compares all weights of two trainers' models."""

    def compare(one, other, atol=0.0):
        for (name, weight), (_, expected) in zip(
            one.model.state_dict().items(), other.model.state_dict().items(), strict=True
        ):
            torch.testing.assert_close(
                weight, expected, rtol=0, atol=atol, msg=lambda text, name=name: f"{name}: {text}"
            )

    return compare
