import pytest
from conftest import make_rows
from datasets import Dataset

from condensers.methods import HerdingCondenser


@pytest.fixture
def condenser(embedder):
    return HerdingCondenser(embedder=embedder)


@pytest.fixture
def few(condenser):
    """Six of 36 rows in memory."""
    return condenser.condense(make_rows(), per_class=2)


@pytest.fixture
def written(condenser, few):
    """The same as though a model had written them: new texts, and a record that says so."""
    from dataclasses import replace

    texts = [f"a new text of number {i} about {text.split()[0]}" for i, text in enumerate(few["text"])]
    rows = Dataset.from_dict({**few.to_dict(), "text": texts}, features=few.features)
    return rows, replace(condenser.run_, stages={"writing": None})


@pytest.fixture
def no_waiting(monkeypatch):
    """The client tries again after seconds; here, at once."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
