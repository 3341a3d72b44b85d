"""What tests of methods that ask a language model share."""

import pytest
from conftest import make_rows
from datasets import ClassLabel, Dataset, Features, Value
from methods.scripted import ScriptedLLM, ScriptedRewards


@pytest.fixture
def llm():
    return ScriptedLLM()


@pytest.fixture
def sure():
    """Rewards under which every row passes in every round."""
    return ScriptedRewards(lambda text, code, fitted_on: 0.9 if fitted_on is None else 0.4)


@pytest.fixture
def pairs():
    features = Features(
        {"premise": Value("string"), "hypothesis": Value("string"), "label": ClassLabel(names=["yes", "no"])}
    )
    rows = {
        "premise": [f"a man does thing{i}" for i in range(16)],
        "hypothesis": [f"he does thing{i}" if i % 2 else f"he sleeps{i}" for i in range(16)],
        "label": [i % 2 for i in range(16)],
    }
    return Dataset.from_dict(rows, features=features)


@pytest.fixture
def source_folder(tmp_path):
    make_rows(12).to_parquet(tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"
